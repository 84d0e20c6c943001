/**
 * @file The gradient of TF.js' batch normalization, for parameters of every shape that can be broadcast:
 *
 *   x̂ = (x − mean)·inv     inv = 1/√(variance + epsilon)     slope = scale·inv
 *
 *   dx = dy·slope                       dmean = −Σdy·slope              doffset = Σdy
 *   dvariance = −½ Σdy·x̂·slope·inv      dscale = Σdy·x̂
 *
 * over all elements that a parameter belongs to. TF.js' own sums only for parameters of rank 1, and cannot do without
 * scale. All parameters' gradients follow from two sums, which the kernels find in one pass over dy and x. Where the
 * gradient itself is to be differentiated, and where there are no kernels, TF.js' operations compute it.
 */
import {
  FusedBatchNorm,
  type GradConfig,
  type Tensor,
  add,
  broadcast_util,
  engine,
  mul,
  neg,
  reshape,
  rsqrt,
  sub,
  sum,
  tensor,
} from '@tensorflow/tfjs-core';
import { activePassMemory } from '../backends/active.js';
import { hostBackend } from '../backends/host/backend.js';
import type { PassMemory } from '../backends/host/memory.js';
import { gradientSums } from '../backends/host/kernel-passes.js';
import type { Layout } from '../core/layout.js';
import type { GradientSums } from '../core/passes.js';
import { normalizeBy } from '../operation/tf-kernels.js';
import { PresentInputs } from './present-inputs.js';
import { epsilonOf } from './fused-batch-norm.js';
import { type Inputs, layoutFor } from './parameters.js';

type Gradients = Record<'x' | 'mean' | 'variance' | 'scale' | 'offset', () => Tensor>;
type Saved = Omit<Inputs<Tensor>, 'offset'>;

/** TF.js' gradient of `FusedBatchNorm`, mended. Nothing is computed before it is asked for. */
export const fusedBatchNormGradient: GradConfig = {
  kernelName: FusedBatchNorm,
  inputsToSave: PresentInputs.of('x', 'mean', 'variance', 'scale'),
  gradFunc(dy, saved, attributes) {
    const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor?];
    const inputs: Saved = { x, mean, variance, ...(scale && { scale }) };
    const epsilon = epsilonOf(attributes);
    const layout = engine().isTapeOn() ? null : layoutFor(inputs);
    const on = layout && activePassMemory();
    const gradients = on
      ? byPasses(on, dy as Tensor, inputs, layout, epsilon)
      : byOperations(dy as Tensor, inputs, epsilon);
    return { ...gradients };
  },
};

function byPasses(
  on: PassMemory,
  dy: Tensor,
  { x, mean, variance, scale }: Saved,
  layout: Layout,
  epsilon: number,
): Gradients {
  // Read when they are needed: a view of a memory that may have grown since.
  const inverse = () => Float64Array.from(on.values(variance)[0]!, (value) => 1 / Math.sqrt(value + epsilon));
  const slopes = () => {
    const slope = inverse();
    const scales = scale && on.values(scale)[0]!;
    return scales ? slope.map((value, k) => value * scales[k]!) : slope;
  };
  let found: GradientSums | undefined;
  const sums = () => (found ??= gradientSums(on, dy, x, layout, Float64Array.from(on.values(mean)[0]!)));
  const gradient = (values: Float64Array) => tensor(Float32Array.from(values), mean.shape);
  return {
    x() {
      const slope = slopes();
      const zeros = new Float64Array(slope.length);
      const affine = { centre: zeros, slope, intercept: zeros };
      const used = { count: zeros, mean: zeros, variance: zeros };
      const found = { isConstant: true, tensors: {}, epsilon, used, normalization: affine, affine };
      const view = { on: hostBackend(on), layout, weights: null };
      return normalizeBy({ ...view, found, scale: null, parameterShape: mean.shape }, dy, null);
    },
    mean: () => gradient(slopes().map((slope, k) => -slope * sums().dy[k]!)),
    variance: () => {
      const inverses = inverse();
      return gradient(slopes().map((slope, k) => -0.5 * slope * inverses[k]! ** 2 * sums().dyTimesX[k]!));
    },
    scale: () => gradient(inverse().map((value, k) => value * sums().dyTimesX[k]!)),
    offset: () => gradient(sums().dy),
  };
}

function byOperations(dy: Tensor, { x, mean, variance, scale }: Saved, epsilon: number): Gradients {
  const inverse = () => rsqrt(add(variance, epsilon));
  const slope = () => (scale ? mul(inverse(), scale) : inverse());
  const normalized = () => mul(sub(x, mean), inverse());
  const sumTo = ({ shape }: Tensor, all: Tensor) =>
    reshape(sum(all, broadcast_util.getReductionAxes(shape, all.shape)), shape);
  return {
    x: () => mul(dy, slope()),
    mean: () => sumTo(mean, neg(mul(dy, slope()))),
    variance: () => sumTo(variance, mul(mul(mul(dy, normalized()), mul(slope(), inverse())), -0.5)),
    scale: () => sumTo(scale ?? mean, mul(dy, normalized())),
    offset: () => sumTo(mean, dy),
  };
}
