/**
 * @file Batch renormalization (Ioffe 2017, arXiv:1702.03275): how far this batch's moments are from their averages.
 *
 * σ = √(variance + ε), r = σ / max(renormStddev, √ε), d = (mean − renormMean) / max(renormStddev, √ε), clipped to
 * [rmin, rmax] and ±dmax; constants to the gradient.
 */
import { type Tensor, add, div, maximum, minimum, neg, reshape, sqrt, sub } from '@tensorflow/tfjs-core';
import type { Limits, RenormStatistics } from '../../backends/backend.js';
import { stopGradient } from '../stop-gradient.js';
import { asChannels } from './channel-view.js';
import { type Moments, averageOverGhosts } from './batch-moments.js';

/** `x̂·r + d` replaces `x̂`. Tensors of shape `[1, 1, 1, channels, 1]`. */
export interface Correction {
  readonly r: Tensor;
  readonly d: Tensor;
}

/** The limits may be scalars of any rank, which must not change the rank of what they limit. */
const limit = (value: Tensor | number): Tensor | number =>
  typeof value === 'number' ? value : reshape(value, []);

/**
 * @param statistics before this step
 */
export function renormCorrection(
  { centre, rest, variance }: Moments,
  { renormMean, renormStddev }: RenormStatistics,
  epsilon: number,
  { rmax, rmin, dmax }: Limits,
): Correction {
  const sigma = maximum(asChannels(renormStddev), Math.sqrt(epsilon));
  let r: Tensor = div(sqrt(add(averageOverGhosts(variance), epsilon)), sigma);
  // Near each other their difference is exact, which the mean as one number is not.
  let d: Tensor = div(averageOverGhosts(add(sub(centre, asChannels(renormMean)), rest)), sigma);
  if (rmin != null) r = maximum(r, limit(rmin));
  if (rmax != null) r = minimum(r, limit(rmax));
  if (dmax != null) {
    d = maximum(d, typeof dmax === 'number' ? -dmax : neg(limit(dmax)));
    d = minimum(d, limit(dmax));
  }
  return { r: stopGradient(r), d: stopGradient(d) };
}
