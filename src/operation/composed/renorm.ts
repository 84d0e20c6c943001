/**
 * @file Batch renormalization (Ioffe 2017, arXiv:1702.03275): how far this batch's moments are from their averages.
 *
 * σ = √(variance + ε), r = σ / max(renormStddev, √ε), d = (mean − renormMean) / max(renormStddev, √ε), clipped to
 * [rmin, rmax] and ±dmax; constants to the gradient.
 */
import { type Tensor, add, div, maximum, minimum, neg, reshape, sqrt, sub } from '@tensorflow/tfjs-core';
import type { Limits } from '../../backends/backend.js';
import { arrangeChannels } from './channel-view.js';
import type { Moments } from './batch-moments.js';
import { stopGradient } from '../stop-gradient.js';

/** `x̂·r + d` replaces `x̂`. Tensors of shape `[1, 1, 1, channels, 1]`. */
export interface Correction {
  readonly r: Tensor;
  readonly d: Tensor;
}

/** The limits may be scalars of any rank, which must not change the rank of what they limit. */
const limit = (value: Tensor | number): Tensor | number =>
  typeof value === 'number' ? value : reshape(value, []);

/**
 * @param batch the batch's moments, averaged over ghost batches
 * @param renormMean the average before this step, likewise renormStddev
 */
export function renormCorrection(
  batch: Moments,
  renormMean: Tensor,
  renormStddev: Tensor,
  epsilon: number,
  { rmax, rmin, dmax }: Limits,
): Correction {
  const sigma = maximum(arrangeChannels(renormStddev), Math.sqrt(epsilon));
  let r: Tensor = div(sqrt(add(batch.variance, epsilon)), sigma);
  let d: Tensor = div(sub(batch.mean, arrangeChannels(renormMean)), sigma);
  if (rmin != null) r = maximum(r, limit(rmin));
  if (rmax != null) r = minimum(r, limit(rmax));
  if (dmax != null) {
    d = maximum(d, typeof dmax === 'number' ? -dmax : neg(limit(dmax)));
    d = minimum(d, limit(dmax));
  }
  return { r: stopGradient(r), d: stopGradient(d) };
}
