/** @file The batch's moments: mean and variance per group and channel, of all elements or of those that a mask lets in. */
import {
  type Tensor,
  add,
  cast,
  div,
  equal,
  mean,
  mul,
  notEqual,
  square,
  sub,
  sum,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { REDUCED } from './channel-view.js';
import { choose } from './choose.js';

/** Tensors of shape `[1, groups, 1, channels, 1]`. */
export interface Moments {
  readonly mean: Tensor;
  /** The mean of the squared distances: n in the denominator, not n − 1. */
  readonly variance: Tensor;
}

/** The moments of an arranged input, in two passes. */
export function moments(x: Tensor): Moments {
  const batchMean = mean(x, REDUCED, true);
  return { mean: batchMean, variance: mean(square(sub(x, batchMean)), REDUCED, true) };
}

/** Moments of which some channels may have had nothing to be computed from. */
export interface WeightedMoments extends Moments {
  /** Where a channel's weights do not sum to 0; elsewhere its moments mean nothing. */
  readonly isKnown: Tensor;
}

/**
 * The weighted moments: `mean = Σ w·x / Σ w`, `variance = Σ w·(x − mean)² / Σ w`.
 *
 * @param weights of x's shape; where one is 0, x does not enter, even if it is NaN
 */
export function weightedMoments(x: Tensor, weights: Tensor): WeightedMoments {
  const total = sum(weights, REDUCED, true);
  const isKnown = notEqual(total, 0);
  const divisor = add(total, cast(equal(total, 0), 'float32'));
  const counted = choose(equal(weights, 0), zerosLike(x), x);
  const batchMean = div(sum(mul(weights, counted), REDUCED, true), divisor);
  const variance = div(sum(mul(weights, square(sub(counted, batchMean))), REDUCED, true), divisor);
  return { mean: batchMean, variance, isKnown };
}
