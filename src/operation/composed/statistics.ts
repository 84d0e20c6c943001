/** @file The layer's statistics, and how a training step moves them: `moving −= (moving − batch)·(1 − momentum)`. */
import { type Tensor, add, mul, reshape, sqrt, square, sub } from '@tensorflow/tfjs-core';
import type { ChannelOptions, Statistics } from '../../backends/backend.js';
import { choose, withoutNegative } from '../choose.js';
import { asChannels } from './channel-view.js';

/** Of a batch, of shape `[1, 1, 1, channels, 1]`. */
export interface MeanAndVariance {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/**
 * The statistics after a batch.
 *
 * With renorm the deviation √(variance + ε) moves, and the moving variance is `max(0, movingStddev² − ε)`.
 *
 * @param batch its moments, the variance with Bessel's correction where it is wanted
 * @param isKnown false where a channel had nothing to be computed from and stays as it was; null: all are known
 */
export function moveStatistics(
  statistics: Statistics,
  batch: MeanAndVariance,
  isKnown: Tensor | null,
  { momentum, renormMomentum, epsilon }: ChannelOptions,
): Statistics {
  const keepUnknown = (before: Tensor, after: Tensor): Tensor => {
    if (!isKnown) return reshape(after, before.shape);
    return reshape(choose(isKnown, after, asChannels(before)), before.shape);
  };
  const move = (moving: Tensor, value: Tensor, momentum: number): Tensor => {
    const before = asChannels(moving);
    return keepUnknown(moving, sub(before, mul(sub(before, value), 1 - momentum)));
  };
  const { movingMean, movingVariance, renorm } = statistics;
  if (!renorm) {
    return {
      movingMean: move(movingMean, batch.mean, momentum),
      movingVariance: move(movingVariance, batch.variance, momentum),
      renorm: null,
    };
  }
  const stddev = sqrt(add(batch.variance, epsilon));
  const movingStddev = move(renorm.movingStddev, stddev, momentum);
  return {
    movingMean: move(movingMean, batch.mean, momentum),
    movingVariance: keepUnknown(
      movingVariance,
      withoutNegative(sub(square(asChannels(movingStddev)), epsilon)),
    ),
    renorm: {
      movingStddev,
      renormMean: move(renorm.renormMean, batch.mean, renormMomentum),
      renormStddev: move(renorm.renormStddev, stddev, renormMomentum),
    },
  };
}
