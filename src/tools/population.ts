/**
 * @file Statistics of many batches, merged from the moments of each, in float64: count, mean and sum of squared
 * distances by the formula of Chan, so that it is the same in however many batches the data came.
 *
 *   mean = (n_a·mean_a + n_b·mean_b) / n      M2 = M2_a + M2_b + (mean_b − mean_a)²·n_a·n_b / n
 *
 * Source: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
 */
import type { Moments } from '../core/passes.js';

/** Whether a batch's moments are numbers, wherever there was something to compute them from. */
export function areFinite({ count, mean, variance }: Moments): boolean {
  return count.every((n, k) => n === 0 || (Number.isFinite(mean[k]) && Number.isFinite(variance[k])));
}

/** A mean and a variance per channel. */
export interface Statistics {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Numbers that are added one by one, with weights: their weighted mean, and the spread about it. */
class Spread {
  readonly weight: Float64Array;
  readonly mean: Float64Array;
  /** Σ w·(value − mean)² */
  readonly squares: Float64Array;

  constructor(channels: number) {
    this.weight = new Float64Array(channels);
    this.mean = new Float64Array(channels);
    this.squares = new Float64Array(channels);
  }

  add(channel: number, value: number, weight: number): void {
    const before = this.weight[channel]!;
    const distance = value - this.mean[channel]!;
    const share = weight / (before + weight);
    this.weight[channel] = before + weight;
    this.mean[channel]! += distance * share;
    this.squares[channel]! += distance * distance * before * share;
  }

  /** Adds numbers that are known by their weight, their mean and the spread about it. */
  merge(channel: number, weight: number, mean: number, squares: number): void {
    if (weight === 0) return;
    this.add(channel, mean, weight);
    this.squares[channel]! += squares;
  }
}

/** A population as plain numbers, one of each per channel. JSON keeps all their bits. */
export interface PopulationMoments {
  /** Batches looked at. */
  readonly batches: number;
  /** Values, or the weight that a mask gave them. */
  readonly count: readonly number[];
  /** 0 where the count is 0. */
  readonly mean: readonly number[];
  /** Σ (value − mean)², in the square of the values' unit: the variance is m2/count. */
  readonly m2: readonly number[];
  /**
   * What tells batches apart. Without it there are no standard errors, no share between batches, and no statistics of
   * batches; the population's are the same.
   */
  readonly perBatch?: {
    /** Batches that had values. */
    readonly batches: readonly number[];
    /** Σ n_b·(mean_b − mean)² over batches of n_b values: the part of m2 that lies between them. */
    readonly m2Between: readonly number[];
    /** Σ n_b·(variance_b − mean variance)² */
    readonly m2OfVariances: readonly number[];
    /** Calls of the layer, or ghost batches of them, that had values: what training's moving averages take in. */
    readonly updates: readonly number[];
    /** The mean over updates of their means, each of one weight. */
    readonly meanOfMeans: readonly number[];
    /** The same of their variances, times n/(n − 1) where training gives that correction. */
    readonly meanOfVariances: readonly number[];
  };
}

/** Statistics of all values together, from the means and variances of their parts. */
const statisticsOf = ({ mean, squares, weight }: Spread, variances: Spread): Statistics => ({
  mean: mean.slice(),
  variance: variances.mean.map((within, c) => within + squares[c]! / weight[c]!),
});

/** What a layer's inputs came to, over many batches. */
export class Population {
  /** How many batches were added. */
  batches = 0;
  /** Whether everything that was added tells its batches apart. */
  hasBatches = true;
  /** How many of them had values in a channel. */
  readonly #known: Float64Array;
  /** Means of batches, weighted by their counts: the population's mean, and Σ n_b·(mean_b − mean)². */
  readonly #means: Spread;
  /** Variances of batches, weighted by their counts: the mean variance within a batch. */
  readonly #variances: Spread;
  /** What each call, and each ghost batch of it, brings to the moving averages in training: all of one weight. */
  readonly #updates: { readonly means: Spread; readonly variances: Spread };

  /** @param hasBessel whether a training step multiplies the batch's variance by n/(n − 1) */
  constructor(
    readonly channels: number,
    readonly hasBessel: boolean,
  ) {
    this.#known = new Float64Array(channels);
    this.#means = new Spread(channels);
    this.#variances = new Spread(channels);
    this.#updates = { means: new Spread(channels), variances: new Spread(channels) };
  }

  /**
   * Adds one batch: the moments of each call in which the layer got it, per group and channel. They are one observation
   * together, since how calls differ says nothing of how batches do. Channels with a count of 0 add nothing.
   */
  add(calls: readonly Moments[]): void {
    this.batches++;
    const [means, variances] = [new Spread(this.channels), new Spread(this.channels)];
    for (const { count, mean, variance } of calls) {
      for (let k = 0; k < count.length; k++) {
        const [channel, n] = [k % this.channels, count[k]!];
        if (n === 0) continue;
        means.add(channel, mean[k]!, n);
        variances.add(channel, variance[k]!, n);
        this.#updates.means.add(channel, mean[k]!, 1);
        this.#updates.variances.add(channel, variance[k]! * this.#besselOf(n), 1);
      }
    }
    const together = statisticsOf(means, variances);
    means.weight.forEach((n, channel) => {
      if (n === 0) return;
      this.#known[channel]! += 1;
      this.#means.add(channel, together.mean[channel]!, n);
      this.#variances.add(channel, together.variance[channel]!, n);
    });
  }

  /** Adds what another population came to. */
  merge({ batches, count, mean, m2, perBatch }: PopulationMoments): void {
    this.batches += batches;
    this.hasBatches &&= perBatch !== undefined;
    for (let c = 0; c < this.channels; c++) {
      const n = count[c]!;
      if (n === 0) continue;
      const between = perBatch?.m2Between[c] ?? 0;
      this.#means.merge(c, n, mean[c]!, between);
      this.#variances.merge(c, n, (m2[c]! - between) / n, perBatch?.m2OfVariances[c] ?? 0);
      if (!perBatch) continue;
      this.#known[c]! += perBatch.batches[c]!;
      this.#updates.means.merge(c, perBatch.updates[c]!, perBatch.meanOfMeans[c]!, 0);
      this.#updates.variances.merge(c, perBatch.updates[c]!, perBatch.meanOfVariances[c]!, 0);
    }
  }

  /** What it came to, for `merge`. */
  moments(): PopulationMoments {
    const { weight, mean, squares } = this.#means;
    const { means, variances } = this.#updates;
    return {
      batches: this.batches,
      count: [...weight],
      mean: [...mean],
      m2: Array.from(weight, (n, c) => this.#variances.mean[c]! * n + squares[c]!),
      ...(this.hasBatches && {
        perBatch: {
          batches: [...this.#known],
          m2Between: [...squares],
          m2OfVariances: [...this.#variances.squares],
          updates: [...means.weight],
          meanOfMeans: [...means.mean],
          meanOfVariances: [...variances.mean],
        },
      }),
    };
  }

  #besselOf(n: number): number {
    return this.hasBessel && n > 1 ? n / (n - 1) : 1;
  }

  /** Values per channel, or their weight. */
  get count(): Float64Array {
    return this.#means.weight;
  }

  /** How many values per channel a call, or a ghost batch of one, has on average. */
  get countPerUpdate(): Float64Array {
    return this.count.map((n, c) => n / this.#updates.means.weight[c]!);
  }

  /** Statistics of all values together: n in the variance's denominator. */
  whole(): Statistics {
    return statisticsOf(this.#means, this.#variances);
  }

  /** The same with Bessel's correction where training has it; n is the whole count. */
  corrected(): Statistics {
    const { mean, variance } = this.whole();
    return { mean, variance: variance.map((value, c) => value * this.#besselOf(this.count[c]!)) };
  }

  /** What moving averages would come to, had they an endless memory: means over updates, each of one weight. */
  overUpdates(): Statistics {
    const { means, variances } = this.#updates;
    return { mean: means.mean.slice(), variance: variances.mean.slice() };
  }

  /** The part of each channel's variance that lies between batches and not within them; 0 where there is none. */
  shareBetweenBatches(): Float64Array {
    const { variance } = this.whole();
    return variance.map((value, c) =>
      value > 0 ? this.#means.squares[c]! / this.#means.weight[c]! / value : 0,
    );
  }

  /**
   * How far the statistics may still be off: the standard errors of mean and variance, in standard deviations and
   * variances of the channel, the root of the mean square over channels that had values. They come from how batches
   * differ: null unless there were two for each of these channels, and all are told apart.
   *
   *   error² = Σ n_b·(value_b − value)² / (n·(batches − 1))
   */
  standardError(epsilon: number): { mean: number; variance: number } | null {
    const known = [...this.#known.keys()].filter((c) => this.#known[c]! > 0);
    if (!this.hasBatches || known.length === 0 || known.some((c) => this.#known[c] === 1)) return null;
    const { variance } = this.whole();
    const errorOf = ({ squares, weight }: Spread, scale: (variance: number) => number) => {
      const squared = known.map((c) => {
        const error = squares[c]! / (weight[c]! * (this.#known[c]! - 1));
        return error / scale(variance[c]! + epsilon);
      });
      return Math.sqrt(squared.reduce((total, value) => total + value, 0) / known.length);
    };
    return {
      mean: errorOf(this.#means, (scale) => scale),
      variance: errorOf(this.#variances, (scale) => scale * scale),
    };
  }
}

/**
 * How far normalized values are from mean 0 and deviation 1 where data of the statistics `actual` is normalized by
 * `used`, per channel: √(((mean − mean_used)/σ)² + (√(variance + ε)/σ − 1)²) with σ = √(variance_used + ε). That is the
 * 2-Wasserstein distance between the two normal distributions in the deviations that the layer divides by.
 */
export function distances(
  actual: Statistics,
  used: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number> },
  epsilon: number,
): Float64Array {
  return actual.mean.map((mean, c) => {
    const deviation = Math.sqrt(used.variance[c]! + epsilon);
    const ratio = Math.sqrt(actual.variance[c]! + epsilon) / deviation;
    return Math.hypot((mean - used.mean[c]!) / deviation, ratio - 1);
  });
}

/** The root of the mean square. */
export const rootMeanSquare = (values: Float64Array): number =>
  Math.sqrt(values.reduce((total, value) => total + value * value, 0) / values.length);

/** Numbers as JSON has them: null for what is not finite. */
export const plain = (values: ArrayLike<number>): (number | null)[] =>
  Array.from(values, (value) => (Number.isFinite(value) ? value : null));
