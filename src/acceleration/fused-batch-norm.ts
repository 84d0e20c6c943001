/**
 * @file TF.js' kernel of batch normalization, `FusedBatchNorm`, by the pass over the backend's memory:
 *
 *   y = (x − mean)·scale/√(variance + epsilon) + offset
 *
 * TF.js' own takes the parameters by position, element i of x with parameter i mod C, so it is silently wrong off the
 * last axis. It still serves where that is right: parameters as many as x has numbers, or of the last axis alone.
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
import { activePassMemory } from '../backends/active.js';
import type { PassMemory } from '../backends/host/memory.js';
import { normalize } from '../backends/host/kernel-passes.js';
import { normalizationOf, withParameters } from '../core/coefficients.js';
import type { Layout } from '../core/layout.js';
import { type Inputs, isBroadcastable, layoutFor } from './parameters.js';

/** TF.js' default, for those who call the kernel without. */
const EPSILON = 0.001;

/** The kernel in the place of `before`, which it calls for what it does not know better. */
export function acceleratedFusedBatchNorm(before: KernelConfig): KernelConfig {
  const kernelFunc: KernelFunc = (call) => {
    forgetAbsent(call.inputs);
    const inputs = call.inputs as unknown as Inputs<Tensor>;
    if (util.sizeFromShape(inputs.x.shape) === 0) return before.kernelFunc(call);
    const epsilon = epsilonOf(call.attrs);
    const layout = layoutFor(inputs);
    const on = layout && activePassMemory();
    if (on) return byPass(on, inputs, layout, epsilon);
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

function byPass(on: PassMemory, inputs: Inputs, layout: Layout, epsilon: number): TensorInfo {
  const { x, mean, variance, scale, offset } = inputs;
  const values = (parameter: TensorInfo) => Float64Array.from(on.values(parameter)[0]!);
  const length = layout.groups * layout.channels;
  const centre = values(mean);
  const moments = { count: new Float64Array(length), mean: centre, variance: values(variance) };
  const affine = withParameters(
    normalizationOf(moments, null, centre, epsilon),
    scale ? values(scale) : null,
    offset ? values(offset) : null,
  );
  return normalize(on, x, layout, affine);
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
