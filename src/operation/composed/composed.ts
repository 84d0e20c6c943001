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
  add,
  batchNorm,
  broadcastTo,
  expandDims,
  fill,
  mean,
  mul,
  ones,
  reshape,
  rsqrt,
  stack,
  sub,
  sum,
  zeros,
} from '@tensorflow/tfjs-core';
import type { ChannelOptions, Statistics } from '../../backends/backend.js';
import {
  type Arrangement,
  arrange,
  arrangeChannels,
  GROUPS,
  makeArrangement,
  REDUCED,
  restore,
} from './channel-view.js';
import { choose } from './choose.js';
import { type Moments, moments, weightedMoments } from './batch-moments.js';
import { type Correction, renormCorrection } from './renorm.js';
import { stopGradient } from '../stop-gradient.js';
import { moveStatistics } from './statistics.js';
import { toFloat32 } from '../to-float32.js';

/** Gamma and beta in Keras' shape; null where scale or center is off. */
export interface Parameters {
  gamma: Tensor | null;
  beta: Tensor | null;
}

/** What a training step needs beside tensors of its own. */
export interface TrainingStep extends ChannelOptions {
  /** The channels' axes, counted from 0, increasing. */
  axes: readonly number[];
  virtualBatchSize: number | null;
  /** Scale and bias, each broadcastable to x. */
  adjustment: readonly [Tensor | number, Tensor | number] | null;
  /** Weights of x's shape without the last axis; dimensions of 1 are broadcast. */
  mask: Tensor | null;
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
  parameters: Parameters,
  statistics: Statistics,
  step: TrainingStep,
): Trained {
  const { axes, epsilon } = step;
  const arrangement = makeArrangement(x.shape, axes, step.virtualBatchSize);
  const arranged = arrange(x, arrangement);
  const masked =
    step.mask && weightedMoments(arranged, arrange(elementWeights(step.mask, x.shape), arrangement));
  const batch = masked ?? moments(arranged);
  const isKnown = masked && masked.isKnown;

  const average = averageOverGroups(batch, arrangement);
  let correction: Correction | null = null;
  if (statistics.renorm) {
    const { renormMean, renormStddev } = statistics.renorm;
    correction = renormCorrection(average, renormMean, renormStddev, epsilon, step.renormClipping);
  }
  const used = isKnown ? replaceUnknown(batch, correction, isKnown, statistics) : { ...batch, correction };
  const y = applyAffine(arranged, used, used.correction, parameters, arrangement, step);

  const [outer, , middle, , inner] = arrangement.shape;
  const count = outer * middle * inner;
  const variance = step.bessel && count > 1 ? mul(average.variance, count / (count - 1)) : average.variance;
  return { y, moved: () => moveStatistics(statistics, { mean: average.mean, variance }, isKnown, step) };
}

/**
 * The moments of x (float32, not empty), per group and channel: a tensor `[3, groups · channels]` of counts, means and
 * variances. Where a count is 0, the others mean nothing.
 */
export function batchMoments(
  x: Tensor,
  { axes, virtualBatchSize, mask }: Pick<TrainingStep, 'axes' | 'virtualBatchSize' | 'mask'>,
): Tensor {
  const arrangement = makeArrangement(x.shape, axes, virtualBatchSize);
  const arranged = arrange(x, arrangement);
  const weights = mask && arrange(elementWeights(mask, x.shape), arrangement);
  const batch = weights ? weightedMoments(arranged, weights) : moments(arranged);
  const [outer, groups, middle, channels, inner] = arrangement.shape;
  const count = weights ? sum(weights, REDUCED) : fill([groups, channels], outer * middle * inner);
  return stack([count, batch.mean, batch.variance].map((values) => reshape(values, [groups * channels])));
}

/** Normalizes x (float32, not empty) by the moving statistics. */
export function infer(
  x: Tensor,
  { gamma, beta }: Parameters,
  { movingMean, movingVariance }: Statistics,
  axes: readonly number[],
  epsilon: number,
): Tensor {
  const arrangement = makeArrangement(x.shape, axes, null);
  const inverse = rsqrt(add(arrangeChannels(movingVariance), epsilon));
  const slope = gamma ? mul(inverse, arrangeChannels(gamma)) : inverse;
  const centred = mul(sub(arrange(x, arrangement), arrangeChannels(movingMean)), slope);
  return restore(beta ? add(centred, arrangeChannels(beta)) : centred, arrangement);
}

/**
 * The same by TF.js' fused operation, which takes its parameters by position and so is right only where the channels
 * are the last dimensions.
 */
export function inferLastAxis(
  x: Tensor,
  { gamma, beta }: Parameters,
  { movingMean, movingVariance }: Statistics,
  epsilon: number,
): Tensor {
  const channels = movingMean.size;
  const isVector = movingMean.rank === 1;
  const vector = (parameter: Tensor) => (isVector ? parameter : reshape(parameter, [channels]));
  // The operation takes ranks to 4, and reads its channels from the last dimension.
  const seen = isVector && x.rank <= 4 ? x : reshape(x, [-1, channels]);
  // Without a scale or an offset the operation has no gradient: it cannot save what is not there.
  const y = batchNorm(
    seen as Tensor4D,
    vector(movingMean) as Tensor1D,
    vector(movingVariance) as Tensor1D,
    (beta ? vector(beta) : zeros([channels])) as Tensor1D,
    (gamma ? vector(gamma) : ones([channels])) as Tensor1D,
    epsilon,
  );
  return seen === x ? y : reshape(y, x.shape);
}

/** A mask as one weight per element of x, a constant. */
function elementWeights(mask: Tensor, shape: number[]): Tensor {
  return broadcastTo(expandDims(toFloat32(stopGradient(mask)), -1), shape);
}

/** Statistics take the mean over ghost batches of their means and of their variances, as Keras does. */
function averageOverGroups(batch: Moments, { shape }: Arrangement): Moments {
  if (shape[GROUPS] === 1) return batch;
  return { mean: mean(batch.mean, GROUPS, true), variance: mean(batch.variance, GROUPS, true) };
}

/** A channel of which everything was masked is normalized by the moving statistics. */
function replaceUnknown(
  batch: Moments,
  correction: Correction | null,
  isKnown: Tensor,
  { movingMean, movingVariance }: Statistics,
): Moments & { correction: Correction | null } {
  return {
    mean: choose(isKnown, batch.mean, arrangeChannels(movingMean)),
    variance: choose(isKnown, batch.variance, arrangeChannels(movingVariance)),
    correction: correction && {
      r: choose(isKnown, correction.r, ones(correction.r.shape)),
      d: choose(isKnown, correction.d, zeros(correction.d.shape)),
    },
  };
}

/** ((x̂·r + d)·scale + bias)·gamma + beta, in the input's own shape. */
function applyAffine(
  arranged: Tensor,
  { mean: centre, variance }: Moments,
  correction: Correction | null,
  { gamma, beta }: Parameters,
  arrangement: Arrangement,
  { adjustment, epsilon }: TrainingStep,
): Tensor {
  const inverse = rsqrt(add(variance, epsilon));
  let y: Tensor = mul(sub(arranged, centre), correction ? mul(inverse, correction.r) : inverse);
  if (correction) y = add(y, correction.d);
  if (adjustment) {
    // Shaped like the input, so it meets the input's own shape.
    const [scale, bias] = adjustment;
    y = arrange(add(mul(restore(y, arrangement), scale), bias), arrangement);
  }
  if (gamma) y = mul(y, arrangeChannels(gamma));
  if (beta) y = add(y, arrangeChannels(beta));
  return restore(y, arrangement);
}
