/**
 * @file Which dimensions of the input the parameters of a `FusedBatchNorm` belong to. They are broadcast as everywhere
 * in TF.js, from the right: `[C]` is the last axis, `[1, C, 1, 1]` axis 1.
 */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Layout, makeLayout } from '../core/layout.js';

/** Inputs of the kernel; scale is gamma, offset is beta. */
export interface Inputs<T extends TensorInfo = TensorInfo> {
  readonly x: T;
  readonly mean: T;
  readonly variance: T;
  readonly scale?: T;
  readonly offset?: T;
}

/**
 * The canonical layout of x in which the parameters are its groups and channels.
 *
 * @returns null where there is none: parameters that are not all of one shape, or cannot be broadcast to x's; as many
 * numbers as x has, or an axis that varies between others that do not (rank 5); and types other than float32.
 */
export function layoutFor({ x, mean, variance, scale, offset }: Inputs): Layout | null {
  const parameters = [mean, variance, scale, offset].filter((tensor) => tensor != null);
  const { shape } = x;
  const size = util.sizeFromShape(shape);
  const isOfOneKind =
    parameters.every((tensor) => util.arraysEqual(tensor.shape, mean.shape)) &&
    [x, ...parameters].every(({ dtype }) => dtype === 'float32');
  if (!isOfOneKind || util.sizeFromShape(mean.shape) === size || !isBroadcastable(mean.shape, shape))
    return null;

  const missing = shape.length - mean.shape.length;
  const axes = mean.shape.flatMap((dimension, d) => (dimension === 1 ? [] : [d + missing]));
  if (axes.length === 0) {
    const outer = shape[0]!;
    const one = { groups: 1, middle: 1, channels: 1, ghosts: 1, permutation: null };
    return { ...one, outer, inner: size / outer, shape };
  }
  const layout = makeLayout(shape, axes, null);
  return layout.permutation ? null : layout;
}

/** Whether `shape`, with dimensions of 1 put before it, is `whole` but for dimensions of 1. */
export function isBroadcastable(shape: readonly number[], whole: readonly number[]): boolean {
  const missing = whole.length - shape.length;
  return missing >= 0 && shape.every((dimension, d) => dimension === 1 || dimension === whole[d + missing]);
}
