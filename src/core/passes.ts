/**
 * @file The four passes over the data. All else that the layer does is arithmetic on a few numbers per group and
 * channel (coefficients.ts). Written to be read, and to be what faster kernels are compared with: every sum is in
 * float64, whatever the arrays hold.
 */
import { forEachElement, type Layout } from './layout.js';
import type { FloatArray } from './nd-array.js';

/** What a batch tells, per group and channel. */
export interface Moments {
  /** How many elements there were, or their weight. Where it is 0, mean and variance say nothing. */
  readonly count: Float64Array;
  readonly mean: Float64Array;
  /** The biased one: squares are divided by count, not by count − 1. */
  readonly variance: Float64Array;
}

/** Per group and channel: `slope·(x − centre) + intercept`. */
export interface Affine {
  readonly centre: Float64Array;
  readonly slope: Float64Array;
  readonly intercept: Float64Array;
}

/** Per group and channel, over all its elements. */
export interface GradientSums {
  /** Σdy */
  readonly dy: Float64Array;
  /** Σdy·(x − centre) */
  readonly dyTimesX: Float64Array;
}

/** Per group and channel: `dx = a·dy + b·(x − centre) + c`. */
export interface GradientCoefficients {
  readonly centre: Float64Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
}

/** Zeros, one for every group and channel. */
export const zerosFor = ({ groups, channels }: Layout) => new Float64Array(groups * channels);

/**
 * The mean Σwx/W and the variance Σw(x − mean)²/W of every group and channel, W = Σw.
 *
 * Two rounds: the first finds the mean but for the rounding of its sum, the second sums about it, which leaves the
 * variance all its digits even if the mean is 10⁶ standard deviations, and returns to the mean what rounding took.
 *
 * @param weights one per element; an element of weight 0 is not looked at. Without: 1 each.
 */
export function moments(x: FloatArray, layout: Layout, weights?: Float64Array): Moments {
  const count = zerosFor(layout);
  const sum = zerosFor(layout);
  forEachElement(layout, (i, k) => {
    const weight = weights?.[i] ?? 1;
    if (weight === 0) return; // 0·NaN is NaN
    count[k]! += weight;
    sum[k]! += weight * x[i]!;
  });
  const shift = sum.map((total, k) => total / count[k]!);

  const deviation = zerosFor(layout);
  const squaredDeviation = zerosFor(layout);
  forEachElement(layout, (i, k) => {
    const weight = weights?.[i] ?? 1;
    if (weight === 0) return;
    const difference = x[i]! - shift[k]!;
    deviation[k]! += weight * difference;
    squaredDeviation[k]! += weight * difference * difference;
  });
  return {
    count,
    mean: shift.map((value, k) => value + deviation[k]! / count[k]!),
    variance: squaredDeviation.map((total, k) => total / count[k]!),
  };
}

/** Writes `y = slope·(x − centre) + intercept` and returns it. */
export function normalize<Output extends FloatArray>(
  x: FloatArray,
  layout: Layout,
  { centre, slope, intercept }: Affine,
  y: Output,
): Output {
  forEachElement(layout, (i, k) => {
    y[i] = slope[k]! * (x[i]! - centre[k]!) + intercept[k]!;
  });
  return y;
}

/** Σdy and Σdy·(x − centre) of every group and channel. An element whose dy is 0 adds nothing, even if x is NaN. */
export function gradientSums(
  dy: ArrayLike<number>,
  x: FloatArray,
  layout: Layout,
  centre: Float64Array,
): GradientSums {
  const sums = { dy: zerosFor(layout), dyTimesX: zerosFor(layout) };
  forEachElement(layout, (i, k) => {
    if (dy[i] === 0) return; // padding that holds NaN, masked here and in the loss
    sums.dy[k]! += dy[i]!;
    sums.dyTimesX[k]! += dy[i]! * (x[i]! - centre[k]!);
  });
  return sums;
}

/**
 * Writes `dx = a·dy + w·(b·(x − centre) + c)` and returns it. The terms of b and c are what an element moves by moving
 * mean and variance: they carry its weight, and an element that has no part in the statistics has no such terms.
 */
export function gradientNormalize<Output extends FloatArray>(
  dy: ArrayLike<number>,
  x: FloatArray,
  layout: Layout,
  { centre, a, b, c }: GradientCoefficients,
  weights: Float64Array | undefined,
  dx: Output,
): Output {
  forEachElement(layout, (i, k) => {
    const weight = weights?.[i] ?? 1;
    const hasNoPart = weight === 0 || (b[k] === 0 && c[k] === 0);
    const viaStatistics = hasNoPart ? 0 : weight * (b[k]! * (x[i]! - centre[k]!) + c[k]!); // 0·NaN is NaN
    dx[i] = a[k]! * dy[i]! + viaStatistics;
  });
  return dx;
}
