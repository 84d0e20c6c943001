/**
 * @file How an input of any rank is seen by the composed operations: as `[before, ghosts, between, channels, after]`,
 * where statistics are kept per ghost batch and channel and everything else is reduced. These are not the five
 * dimensions of core/layout.ts, whose groups may be channels too: this view shares nothing with it.
 *
 * Without ghost batches ghosts and between are 1. Sample i belongs to ghost batch i mod ghosts, so a batch of N is seen
 * as `[virtualBatchSize, ghosts, …]`. The axes of the channels are one run of dimensions; where they are not, the input
 * is transposed first, to `[…reduced, …channels]`, and back after. Five dimensions are always enough, which matters:
 * on TF.js' wasm backend arithmetic beyond rank 6 returns zeros.
 */
import { type Tensor, reshape, transpose } from '@tensorflow/tfjs-core';

/** A way to see an input. */
export interface ChannelView {
  /** The order of dimensions in which the channels are one run; null where they are already. */
  readonly permutation: readonly number[] | null;
  /** The input's shape after the permutation. */
  readonly permutedShape: readonly number[];
  /** `[before, ghosts, between, channels, after]` */
  readonly shape: readonly [number, number, number, number, number];
}

/** The dimensions that statistics reduce: before, between, after. */
export const REDUCED = [0, 2, 4];
/** The dimension of the ghost batches. */
export const GHOSTS = 1;

const product = (dimensions: readonly number[]) => dimensions.reduce((a, b) => a * b, 1);

/**
 * @param shape the input's
 * @param axes the channels' axes, counted from 0, increasing
 * @param virtualBatchSize samples per ghost batch, which divides the batch; null for none
 */
export function makeView(
  shape: readonly number[],
  axes: readonly number[],
  virtualBatchSize: number | null,
): ChannelView {
  const isOneRun = axes.at(-1)! - axes[0]! === axes.length - 1;
  const reduced = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const permutation = isOneRun ? null : [...reduced, ...axes];
  const permutedShape = permutation ? permutation.map((i) => shape[i]!) : shape;
  const first = permutation ? reduced.length : axes[0]!;
  const channels = product(permutedShape.slice(first, first + axes.length));
  const after = product(permutedShape.slice(first + axes.length));
  const before = permutedShape.slice(0, first);
  if (virtualBatchSize === null) {
    return { permutation, permutedShape, shape: [product(before), 1, 1, channels, after] };
  }
  const ghosts = before[0]! / virtualBatchSize;
  const between = product(before.slice(1));
  return { permutation, permutedShape, shape: [virtualBatchSize, ghosts, between, channels, after] };
}

/** `x`, of the view's shape. */
export function toView(x: Tensor, { permutation, shape }: ChannelView): Tensor {
  return reshape(permutation ? transpose(x, [...permutation]) : x, [...shape]);
}

/** The inverse of `toView`. */
export function fromView(viewed: Tensor, { permutation, permutedShape }: ChannelView): Tensor {
  const permuted = reshape(viewed, [...permutedShape]);
  if (!permutation) return permuted;
  return transpose(
    permuted,
    permutation.map((_, i) => permutation.indexOf(i)),
  );
}

/** A parameter or statistic, of whatever shape Keras gives it, as the channels of a view. */
export const asChannels = (parameter: Tensor): Tensor => reshape(parameter, [1, 1, 1, parameter.size, 1]);
