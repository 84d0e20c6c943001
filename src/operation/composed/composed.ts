/**
 * @file The layer's arithmetic made of plain TF.js operations: right on every backend, differentiable to any order.
 *
 * Inference: y = gamma·(x − movingMean) / √(movingVariance + ε) + beta.
 * Training: the same with the batch's moments, then renorm's r and d, then the adjustment, then gamma and beta:
 * y = ((x̂·r + d)·scale + bias)·gamma + beta.
 */
import {
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  batchNorm,
  broadcastTo,
  engine,
  expandDims,
  mul,
  notEqual,
  ones,
  reshape,
  stack,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { ChannelOptions, Statistics } from '../../backends/backend.js';
import type { JointCall } from '../../group/group.js';
import { type Adjustment, type Parameters, adjust } from '../adjustment.js';
import { choose } from '../choose.js';
import { constants, stopGradient } from '../stop-gradient.js';
import { toFloat32 } from '../to-float32.js';
import { type Moments, averageOverGhosts, jointMoments, meanOf, moments } from './batch-moments.js';
import { REDUCED, asChannels, fromView, makeView, toView } from './channel-view.js';
import { type Normalization, normalizeBy } from './normalize.js';
import { renormCorrection } from './renorm.js';
import { moveStatistics } from './statistics.js';

/** What a training step needs beside tensors of its own. */
export interface TrainingStep extends ChannelOptions {
  /** The channels' axes, counted from 0, increasing. */
  axes: readonly number[];
  virtualBatchSize: number | null;
  adjustment: Adjustment | null;
  /** Weights of x's shape without the last axis; dimensions of 1 are broadcast. */
  mask: Tensor | null;
  /** The call that all ranks make together; null where this one trains alone. */
  call: JointCall | null;
}

/** What training gives. */
export interface Trained<Value = Tensor> {
  y: Tensor;
  /** The statistics that the step leaves behind. */
  moved: () => Statistics<Value>;
}

/** Normalizes x (float32, not empty) by its own moments. */
export function train(
  x: Tensor,
  { gamma, beta }: Parameters,
  statistics: Statistics,
  step: TrainingStep,
): Trained {
  const { axes, adjustment, mask, epsilon, call } = step;
  const view = makeView(x.shape, axes, step.virtualBatchSize);
  const viewed = toView(x, view);
  const weights = mask && toView(elementWeights(mask, x.shape), view);
  const batch = constantMoments(viewed, weights, call);
  const isKnown = weights && notEqual(batch.count, 0);

  const correction =
    statistics.renorm && renormCorrection(batch, statistics.renorm, epsilon, step.renormClipping);
  const own = { ...batch, weights, r: correction && correction.r, d: correction && correction.d };
  const normalization = isKnown ? replaceUnknown(own, isKnown, statistics) : own;
  const normalized = (scale: Tensor | null, offset: Tensor | null) =>
    fromView(normalizeBy(viewed, normalization, { epsilon, call }, { scale, offset }), view);
  const y = adjustment
    ? adjust(normalized(null, null), adjustment, { gamma, beta }, axes)
    : normalized(gamma && asChannels(gamma), beta && asChannels(beta));

  const moved = () => {
    const count = REDUCED.reduce((product, d) => product * view.shape[d]!, 1);
    const variance = averageOverGhosts(batch.variance);
    const average = {
      mean: averageOverGhosts(meanOf(batch)),
      variance: step.bessel && count > 1 ? mul(variance, count / (count - 1)) : variance,
    };
    return moveStatistics(statistics, average, isKnown, step);
  };
  return { y, moved };
}

/**
 * The moments of x (float32, not empty), per ghost batch and channel: a tensor `[3, ghosts · channels]` of counts, means
 * and variances. Where a count is 0, the others mean nothing.
 */
export function batchMoments(
  x: Tensor,
  { axes, virtualBatchSize, mask }: Pick<TrainingStep, 'axes' | 'virtualBatchSize' | 'mask'>,
): Tensor {
  const view = makeView(x.shape, axes, virtualBatchSize);
  const weights = mask && toView(elementWeights(mask, x.shape), view);
  const batch = moments(toView(x, view), weights);
  return stack([batch.count, meanOf(batch), batch.variance].map((values) => reshape(values, [values.size])));
}

/** Normalizes x (float32, not empty) by the moving statistics. */
export function infer(
  x: Tensor,
  { gamma, beta }: Parameters,
  { movingMean, movingVariance }: Statistics,
  axes: readonly number[],
  epsilon: number,
): Tensor {
  const view = makeView(x.shape, axes, null);
  const normalization = {
    centre: asChannels(movingMean),
    variance: asChannels(movingVariance),
    ...{ rest: null, r: null, d: null, count: null, weights: null },
  };
  const scaleAndOffset = { scale: gamma && asChannels(gamma), offset: beta && asChannels(beta) };
  return fromView(normalizeBy(toView(x, view), normalization, { epsilon, call: null }, scaleAndOffset), view);
}

/**
 * The same by TF.js' fused operation, which takes its parameters by position and so is right only where the channels
 * are the last dimensions. Its gradient makes NaN of a NaN in x whose dy is 0, so it is not for training.
 */
export function inferLastAxis(
  x: Tensor,
  parameters: Parameters,
  statistics: Statistics,
  axes: readonly number[],
  epsilon: number,
): Tensor {
  if (engine().isTapeOn()) return infer(x, parameters, statistics, axes, epsilon);
  const { gamma, beta } = parameters;
  const { movingMean, movingVariance } = statistics;
  const channels = movingMean.size;
  const isVector = movingMean.rank === 1;
  const vector = (parameter: Tensor) => (isVector ? parameter : reshape(parameter, [channels]));
  // The operation takes ranks to 4, and reads its channels from the last dimension.
  const narrow = isVector && x.rank <= 4 ? x : reshape(x, [-1, channels]);
  const y = batchNorm(
    narrow as Tensor4D,
    vector(movingMean) as Tensor1D,
    vector(movingVariance) as Tensor1D,
    (beta ? vector(beta) : zeros([channels])) as Tensor1D,
    (gamma ? vector(gamma) : ones([channels])) as Tensor1D,
    epsilon,
  );
  return narrow === x ? y : reshape(y, x.shape);
}

/** A mask as one weight per element of x, a constant. */
function elementWeights(mask: Tensor, shape: number[]): Tensor {
  return broadcastTo(expandDims(toFloat32(stopGradient(mask)), -1), shape);
}

/** The moments, which the gradient of the normalization does not need to be told of. */
function constantMoments(x: Tensor, weights: Tensor | null, call: JointCall | null): Moments {
  const [count, centre, rest, variance] = constants(() => {
    const batch = call ? jointMoments(x, weights, call) : moments(x, weights);
    return [batch.count, batch.centre, batch.rest, batch.variance];
  });
  return { count: count!, centre: centre!, rest: rest!, variance: variance! };
}

/** A channel of which everything was masked is normalized by the moving statistics. */
function replaceUnknown(
  own: Normalization,
  isKnown: Tensor,
  { movingMean, movingVariance }: Statistics,
): Normalization {
  const { rest, r, d } = own;
  return {
    ...own,
    centre: choose(isKnown, own.centre, asChannels(movingMean)),
    rest: rest && choose(isKnown, rest, zerosLike(rest)),
    variance: choose(isKnown, own.variance, asChannels(movingVariance)),
    r: r && choose(isKnown, r, ones(r.shape)),
    d: d && choose(isKnown, d, zerosLike(d)),
  };
}
