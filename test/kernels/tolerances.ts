/** @file How far kernels may be from the oracle, and why. */

/** Half the distance of 1 to the next float32: the relative error of one rounding. */
export const ROUNDING = 2 ** -24;

/**
 * Of a sum in float32, relative to the sum of magnitudes: a lane adds up at most 256 numbers one after another before it
 * goes into float64, each rounded four or five times before that.
 */
export const SUM = 261 * ROUNDING;

/**
 * Of m2, relative to m2. Squares of a block are taken about the mean of what comes before, and add up to at most four
 * times m2 for that; their sum is as above.
 */
export const M2 = 4 * SUM;

/** Of the mean, relative to the standard deviation: Σ(x − shift) over blocks, whose mean magnitude is at most twice it. */
export const MEAN = 2 * SUM;

/**
 * Over thousands of elements per channel rounding errors of both signs cancel, and what is left of the sums' is near the
 * error of a single number: relative to the variance, and to the standard deviation.
 */
export const LARGE_VARIANCE = 2e-7;
export const LARGE_MEAN = 5e-8;
