/**
 * @file The arithmetic on a few numbers per channel, between the passes over the data.
 *
 *   x̂ = (x − mean)·inv                      inv = 1/√(variance + epsilon)
 *   n = x̂·r + d                             r = 1, d = 0 but for renorm
 *   y = n·gamma + beta
 *
 * Arrays are of two lengths: per group and channel, at k, and per parameter, at p = k mod parameters, since ghost
 * batches share their parameters (layout.ts). A group and channel whose count is 0 saw no data (inference; an empty
 * batch; all masked): it is normalized by the moving statistics, as by constants, and leaves every statistic alone.
 *
 * `centre` is the point that kernels subtract from x: the mean, or what is left of it in their precision. What the
 * rounding left over goes into the intercept, so any centre gives the same result but for rounding.
 *
 * Sources: Ioffe and Szegedy, arXiv 1502.03167; Ioffe, arXiv 1702.03275;
 * keras-team/tf-keras:tf_keras/src/layers/normalization/batch_normalization.py for order and rounding.
 */
import { type FloatArray, zeros } from './nd-array.js';
import type { ResolvedOptions } from './options.js';
import type { Affine, GradientCoefficients, GradientSums, Moments } from './passes.js';
import { isRenormState, type RenormState, type State } from './state.js';

/** Per parameter: `n = x̂·r + d`. */
export interface Correction {
  readonly r: Float64Array;
  readonly d: Float64Array;
}

/** The mean over all ghost batches of what each of them tells; without ghost batches, the same moments. */
export function averageOverGhosts(batch: Moments, ghosts: number): Moments {
  if (ghosts === 1) return batch;
  const average = (values: Float64Array) => {
    const averages = new Float64Array(values.length / ghosts);
    values.forEach((value, k) => {
      averages[k % averages.length]! += value / ghosts;
    });
    return averages;
  };
  return { count: average(batch.count), mean: average(batch.mean), variance: average(batch.variance) };
}

/** What x is normalized by: the batch's moments, and the moving ones where the batch has none. */
export function statisticsInUse(batch: Moments, { movingMean, movingVariance }: State): Moments {
  if (!batch.count.includes(0)) return batch;
  const choose = (own: Float64Array, moving: FloatArray) =>
    own.map((value, k) => (batch.count[k] === 0 ? moving[k % moving.length]! : value));
  return {
    count: batch.count,
    mean: choose(batch.mean, movingMean),
    variance: choose(batch.variance, movingVariance),
  };
}

/**
 * Batch renormalization: r = σ/σ_renorm and d = (mean − renormMean)/σ_renorm, clipped, with σ = √(variance + epsilon)
 * and σ_renorm = max(renormStddev, √epsilon). They count as constants: no gradient goes through them.
 *
 * @param batch the moments per parameter.
 * @param state as it was before this batch.
 */
export function renormCorrection(
  { count, mean, variance }: Moments,
  { renormMean, renormStddev }: RenormState,
  { epsilon, renormClipping: { rmin, rmax, dmax } }: Pick<ResolvedOptions, 'epsilon' | 'renormClipping'>,
): Correction {
  const [r, d] = [zeros(count.length), zeros(count.length)];
  r.fill(1);
  for (let p = 0; p < count.length; p++) {
    if (count[p] === 0) continue;
    const stddev = Math.max(renormStddev[p]!, Math.sqrt(epsilon));
    r[p] = Math.min(Math.max(Math.sqrt(variance[p]! + epsilon) / stddev, rmin), rmax);
    d[p] = Math.min(Math.max((mean[p]! - renormMean[p]!) / stddev, -dmax), dmax);
  }
  return { r, d };
}

/** n as a function of x: slope = inv·r, intercept = d + slope·(centre − mean). Without a correction r = 1, d = 0. */
export function normalizationOf(
  { mean, variance }: Moments,
  correction: Correction | null,
  centre: Float64Array,
  epsilon: number,
): Affine {
  const { length } = mean;
  const [slope, intercept] = [zeros(length), zeros(length)];
  const parameters = correction ? correction.r.length : length;
  for (let k = 0, p = 0; k < length; k++, p = p + 1 === parameters ? 0 : p + 1) {
    const inverse = 1 / Math.sqrt(variance[k]! + epsilon);
    slope[k] = correction ? correction.r[p]! * inverse : inverse;
    intercept[k] = (correction ? correction.d[p]! : 0) + slope[k]! * (centre[k]! - mean[k]!);
  }
  return { centre, slope, intercept };
}

/** y as a function of x, from n as a function of x: `y = n·gamma + beta`. A gamma left out is 1, a beta 0. */
export function withParameters(
  normalization: Affine,
  gamma: ArrayLike<number> | null,
  beta: ArrayLike<number> | null,
): Affine {
  const parameters = (gamma ?? beta)?.length;
  if (parameters === undefined) return normalization;
  const { centre } = normalization;
  const [slope, intercept] = [zeros(centre.length), zeros(centre.length)];
  for (let k = 0, p = 0; k < centre.length; k++, p = p + 1 === parameters ? 0 : p + 1) {
    const factor = gamma ? gamma[p]! : 1;
    slope[k] = normalization.slope[k]! * factor;
    intercept[k] = normalization.intercept[k]! * factor + (beta ? beta[p]! : 0);
  }
  return { centre, slope, intercept };
}

/**
 * The state after a batch. Every average moves by `moving −= (moving − batch)·(1 − momentum)`; with renorm the standard
 * deviation √(variance + epsilon) does, and movingVariance = max(0, movingStddev² − epsilon).
 *
 * Keras rounds 1 − momentum to float32 in a float64 layer too (`_assign_moving_average`; golden: all of float64), and
 * so do we: beside it every moving value would be off by 2e-10.
 *
 * @param batch the moments per parameter.
 * @param hasBessel whether the moving variance takes variance·n/(n − 1), n ≥ 2.
 */
export function movedState(
  state: State,
  { count, mean, variance }: Moments,
  { momentum, renormMomentum, epsilon }: Pick<ResolvedOptions, 'momentum' | 'renormMomentum' | 'epsilon'>,
  hasBessel: boolean,
): State {
  const moved = <Values extends FloatArray>(moving: Values, batch: Float64Array, itsMomentum: number) => {
    const decay = Math.fround(1 - itsMomentum);
    const after = moving.slice() as Values;
    for (let p = 0; p < after.length; p++) {
      if (count[p] !== 0) after[p]! -= (after[p]! - batch[p]!) * decay;
    }
    return after;
  };

  const movingMean = moved(state.movingMean, mean, momentum);
  if (!isRenormState(state)) {
    const unbiased = hasBessel ? zeros(variance.length) : variance;
    for (let p = 0; hasBessel && p < unbiased.length; p++) {
      const n = count[p]!;
      unbiased[p] = n >= 2 ? variance[p]! * (n / (n - 1)) : variance[p]!;
    }
    return { ...state, movingMean, movingVariance: moved(state.movingVariance, unbiased, momentum) };
  }
  const stddev = variance.map((value) => Math.sqrt(value + epsilon));
  const movingStddev = moved(state.movingStddev, stddev, momentum);
  return {
    ...state,
    movingMean,
    movingVariance: state.movingVariance.map((value, p) =>
      count[p] === 0 ? value : Math.max(0, movingStddev[p]! ** 2 - epsilon),
    ),
    movingStddev,
    renormMean: moved(state.renormMean, mean, renormMomentum),
    renormStddev: moved(state.renormStddev, stddev, renormMomentum),
  };
}

/** dgamma = Σdy·n and dbeta = Σdy, over groups that share a parameter too. */
export function parameterGradients(
  sums: GradientSums,
  { slope, intercept }: Affine,
  parameters: number,
): { dgamma: Float64Array; dbeta: Float64Array } {
  const [dgamma, dbeta] = [zeros(parameters), zeros(parameters)];
  for (let k = 0, p = 0; k < slope.length; k++, p = p + 1 === parameters ? 0 : p + 1) {
    dgamma[p]! += slope[k]! * sums.dyTimesX[k]! + intercept[k]! * sums.dy[k]!;
    dbeta[p]! += sums.dy[k]!;
  }
  return { dgamma, dbeta };
}

/** Sums times the slope, which is what dx takes of them. */
export function timesSlope({ dy, dyTimesX }: GradientSums, { slope }: Affine): GradientSums {
  const sums = { dy: zeros(slope.length), dyTimesX: zeros(slope.length) };
  for (let k = 0; k < slope.length; k++) {
    sums.dy[k] = slope[k]! * dy[k]!;
    sums.dyTimesX[k] = slope[k]! * dyTimesX[k]!;
  }
  return sums;
}

/**
 * The gradient of x, where W is the count, w an element's weight and slope = inv·r·gamma (or inv·r, if dy is that of n):
 *
 *   dx = slope·dy − w/W·slope·(Σdy + x̂·Σdy·x̂)
 *
 * The sums run over all elements, masked ones too: they were normalized by the same statistics. In powers of
 * x − centre = x̂/inv + rest, rest = mean − centre:
 *
 *   a = slope      b = −slope·inv²·(Σdy·(x − centre) − rest·Σdy)/W      c = −slope·Σdy/W − b·rest
 *
 * @param sums times the slope, as `timesSlope` gives them
 */
export function gradientCoefficients(
  sums: GradientSums,
  { count, mean, variance }: Moments,
  { centre, slope: a }: Affine,
  epsilon: number,
): GradientCoefficients {
  const [b, c] = [zeros(a.length), zeros(a.length)];
  for (let k = 0; k < a.length; k++) {
    if (count[k] === 0) continue; // constants: no element moves them
    const rest = mean[k]! - centre[k]!;
    b[k] = (rest * sums.dy[k]! - sums.dyTimesX[k]!) / count[k]! / (variance[k]! + epsilon);
    c[k] = -sums.dy[k]! / count[k]! - b[k]! * rest;
  }
  return { centre, a, b, c };
}
