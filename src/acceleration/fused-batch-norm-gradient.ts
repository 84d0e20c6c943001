/**
 * @file The gradient of TF.js' batch normalization, for parameters of every shape that can be broadcast:
 *
 *   x̂ = (x − mean)·inv     inv = 1/√(variance + epsilon)     slope = scale·inv
 *
 *   dx = dy·slope                       dmean = −Σdy·slope              doffset = Σdy
 *   dvariance = −½ Σdy·x̂·slope·inv      dscale = Σdy·x̂
 *
 * over all elements that a parameter belongs to. TF.js' own sums only for parameters of rank 1, and cannot do without
 * scale. All parameters' gradients follow from two sums, which the kernels find in one pass over dy and x. Where there
 * are no kernels, TF.js' operations compute it, and they stand for it where it is to be differentiated itself.
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
} from '@tensorflow/tfjs-core';
import { activeFusedBackend } from '../backends/active.js';
import type { FusedBackend } from '../backends/backend.js';
import type { Layout } from '../core/layout.js';
import { productWhereGiven, sumOver } from '../operation/sums.js';
import { differentiable } from '../operation/differentiable.js';
import { gradientsOf } from '../operation/tf-kernels.js';
import { type Inputs, epsilonOf, layoutFor } from './fused-batch-norm.js';

type Gradients = Record<'x' | 'mean' | 'variance' | 'scale' | 'offset', () => Tensor>;
type Saved = Omit<Inputs<Tensor>, 'offset'>;

/**
 * TF.js maps these names to the inputs that it saves, and fails where one of them is absent, as scale may be: here they
 * map to those that are there. It can go when TF.js saves no more than there is.
 */
const inputsToSave = ['x', 'mean', 'variance', 'scale'];
inputsToSave.map = <T>(inputOf: (name: string, i: number, names: string[]) => T) =>
  Array.from(inputsToSave, (name, i) => inputOf(name, i, inputsToSave)).filter((input) => input != null);

/** What each gradient is a function of. */
const DEPENDENCIES: Record<keyof Gradients, (keyof Saved | 'dy')[]> = {
  x: ['dy', 'variance', 'scale'],
  mean: ['dy', 'variance', 'scale'],
  variance: ['dy', 'x', 'mean', 'variance', 'scale'],
  scale: ['dy', 'x', 'mean', 'variance'],
  offset: ['dy'],
};

/** TF.js' gradient of `FusedBatchNorm`, corrected. Nothing is computed before it is asked for. */
export const fusedBatchNormGradient: GradConfig = {
  kernelName: FusedBatchNorm,
  inputsToSave,
  gradFunc(dy, saved, attributes) {
    const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor?];
    const inputs: Saved = { x, mean, variance, ...(scale && { scale }) };
    const epsilon = epsilonOf(attributes);
    const layout = layoutFor(inputs);
    const backend = layout && activeFusedBackend();
    if (!backend) return { ...byOperations(dy as Tensor, inputs, epsilon) };
    const passes = byPasses(backend, dy as Tensor, inputs, layout, epsilon);
    if (!engine().isTapeOn()) return { ...passes };
    const sourcesOf = (itsDy: Tensor) => ({ ...inputs, dy: itsDy });
    return differentiable(passes, DEPENDENCIES, sourcesOf(dy as Tensor), sourcesOf, (name, given) =>
      byOperations(given.dy, given, epsilon)[name](),
    );
  },
};

/** By the sums of dy and of dy·x̂, which are the gradients of offset and scale. */
function byPasses(
  backend: FusedBackend,
  dy: Tensor,
  { x, mean, variance, scale }: Saved,
  layout: Layout,
  epsilon: number,
): Gradients {
  const statistics = { movingMean: mean, movingVariance: variance };
  const normalization = backend.byStatistics(
    layout,
    statistics,
    { scale: scale ?? null, offset: null },
    epsilon,
  );
  const own = gradientsOf(normalization, dy, x);
  const [ofScale, ofOffset] = (['scale', 'offset'] as const).map(
    (name) => () => own.parameter(name, mean.shape),
  ) as [() => Tensor, () => Tensor];
  const inverse = () => rsqrt(add(variance, epsilon));
  const slope = () => (scale ? mul(inverse(), scale) : inverse());
  return {
    x: () => own.x(),
    mean: () => neg(mul(ofOffset(), slope())),
    variance: () => mul(mul(ofScale(), mul(slope(), inverse())), -0.5),
    scale: ofScale,
    offset: ofOffset,
  };
}

function byOperations(dy: Tensor, { x, mean, variance, scale }: Saved, epsilon: number): Gradients {
  const inverse = () => rsqrt(add(variance, epsilon));
  const slope = () => (scale ? mul(inverse(), scale) : inverse());
  const normalized = () => mul(sub(x, mean), inverse());
  const sumTo = ({ shape }: Tensor, all: Tensor) =>
    reshape(sumOver(all, broadcast_util.getReductionAxes(shape, all.shape)), shape);
  return {
    x: () => mul(dy, slope()),
    mean: () => sumTo(mean, neg(mul(dy, slope()))),
    variance: () =>
      sumTo(variance, mul(mul(productWhereGiven(dy, normalized()), mul(slope(), inverse())), -0.5)),
    scale: () => sumTo(scale ?? mean, productWhereGiven(dy, normalized())),
    offset: () => sumTo(mean, dy),
  };
}
