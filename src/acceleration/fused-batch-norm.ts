/**
 * @file TF.js' kernel of batch normalization, `FusedBatchNorm`, by the pass over the backend's memory:
 *
 *   y = (x − mean)·scale/√(variance + epsilon) + offset
 *
 * TF.js' own takes the parameters by position, element i of x with parameter i mod C, so it is silently wrong off the
 * last axis. It still serves where that is right: parameters as many as x has numbers, or of the last axis alone.
 *
 * Parameters are broadcast as everywhere in TF.js, from the right: `[C]` is the last axis, `[1, C, 1, 1]` axis 1.
 */
import {
  type KernelConfig,
  type KernelFunc,
  type NamedTensorInfoMap,
  type Tensor,
  type TensorInfo,
  add,
  mul,
  rsqrt,
  sub,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { activeFusedBackend } from '../backends/active.js';
import { type Layout, makeLayout } from '../core/layout.js';

/** TF.js' default, for those who call the kernel without. */
const EPSILON = 0.001;

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

/** The kernel in the place of `before`, which it calls for what it does not know better. */
export function acceleratedFusedBatchNorm(before: KernelConfig): KernelConfig {
  const kernelFunc: KernelFunc = (call) => {
    forgetAbsent(call.inputs);
    const inputs = call.inputs as unknown as Inputs<Tensor>;
    if (util.sizeFromShape(inputs.x.shape) === 0) return before.kernelFunc(call);
    const epsilon = epsilonOf(call.attrs);
    const layout = layoutFor(inputs);
    const backend = layout && activeFusedBackend();
    if (backend) {
      const { x, mean, variance, scale = null, offset = null } = inputs;
      const statistics = { movingMean: mean, movingVariance: variance };
      return backend.byStatistics(layout, statistics, { scale, offset }, epsilon).normalize(x);
    }
    return isRightByPosition(inputs) ? before.kernelFunc(call) : byOperations(inputs, epsilon);
  };
  return { ...before, kernelFunc };
}

/** What is added to the variance. */
export const epsilonOf = (attributes: unknown): number =>
  (attributes as { varianceEpsilon?: number | null }).varianceEpsilon ?? EPSILON;

/**
 * `tf.batchNorm` names scale and offset even if they are not there; the tape, which gets the same object, takes every
 * name for a tensor.
 */
function forgetAbsent(inputs: NamedTensorInfoMap): void {
  for (const name of ['scale', 'offset']) if (inputs[name] == null) Reflect.deleteProperty(inputs, name);
}

/** Where parameters repeat as elements follow each other. What cannot be broadcast is TF.js' to make sense of. */
function isRightByPosition({ x, mean, variance, scale, offset }: Inputs): boolean {
  const shapes = [mean, variance, scale, offset].flatMap((parameter) => (parameter ? [parameter.shape] : []));
  if (!shapes.every((shape) => isBroadcastable(shape, x.shape))) return true;
  return shapes.every((shape) => {
    const first = shape.findIndex((dimension) => dimension !== 1);
    return first < 0 || util.arraysEqual(shape.slice(first), x.shape.slice(first - shape.length));
  });
}

/** Without the pass: where the backend's memory is out of reach, or the parameters' axes are. */
function byOperations({ x, mean, variance, scale, offset }: Inputs<Tensor>, epsilon: number): Tensor {
  return tidy(() => {
    const inverse = rsqrt(add(variance, epsilon));
    const y = mul(sub(x, mean), scale ? mul(inverse, scale) : inverse);
    return offset ? add(y, offset) : y;
  });
}

/** Whether `shape`, with dimensions of 1 put before it, is `whole` but for dimensions of 1. */
function isBroadcastable(shape: readonly number[], whole: readonly number[]): boolean {
  const missing = whole.length - shape.length;
  return missing >= 0 && shape.every((dimension, d) => dimension === 1 || dimension === whole[d + missing]);
}
