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
}

/** What has been seen of a layer's inputs. */
export class Population {
  /** How many batches were added: each ghost batch is one, and so is each place of a shared layer. */
  batches = 0;
  /** How many batches told something of a channel. */
  readonly #known: Float64Array;
  /** Means of batches, weighted by their counts: the population's mean, and Σ n_b·(mean_b − mean)². */
  readonly #means: Spread;
  /** Variances of batches, weighted by their counts: the mean variance within a batch. */
  readonly #variances: Spread;
  /** The same, each batch of one weight, and variances as a training step sees them. */
  readonly #trainingMean: Spread;
  readonly #trainingVariance: Spread;

  /** @param hasBessel whether a training step multiplies the batch's variance by n/(n − 1) */
  constructor(
    readonly channels: number,
    readonly hasBessel: boolean,
  ) {
    this.#known = new Float64Array(channels);
    this.#means = new Spread(channels);
    this.#variances = new Spread(channels);
    this.#trainingMean = new Spread(channels);
    this.#trainingVariance = new Spread(channels);
  }

  /** Adds moments per group and channel; each group is a batch. Channels with a count of 0 tell nothing. */
  add({ count, mean, variance }: Moments): void {
    this.batches += count.length / this.channels;
    for (let k = 0; k < count.length; k++) {
      const [channel, n] = [k % this.channels, count[k]!];
      if (n === 0) continue;
      this.#known[channel]! += 1;
      this.#means.add(channel, mean[k]!, n);
      this.#variances.add(channel, variance[k]!, n);
      this.#trainingMean.add(channel, mean[k]!, 1);
      this.#trainingVariance.add(channel, variance[k]! * this.#besselOf(n), 1);
    }
  }

  #besselOf(n: number): number {
    return this.hasBessel && n > 1 ? n / (n - 1) : 1;
  }

  /** Values seen, or their weight, per channel. */
  get count(): Float64Array {
    return this.#means.weight;
  }

  /** Statistics of all values together: n in the variance's denominator. */
  whole(): Statistics {
    const { mean, squares, weight } = this.#means;
    const within = this.#variances.mean;
    return { mean: mean.slice(), variance: within.map((value, c) => value + squares[c]! / weight[c]!) };
  }

  /** The same with Bessel's correction where training has it; n is the whole count. */
  corrected(): Statistics {
    const { mean, variance } = this.whole();
    return { mean, variance: variance.map((value, c) => value * this.#besselOf(this.count[c]!)) };
  }

  /** What moving averages would come to, had they an endless memory: means over batches, each of one weight. */
  overBatches(): Statistics {
    return { mean: this.#trainingMean.mean.slice(), variance: this.#trainingVariance.mean.slice() };
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
   * variances of the channel, the root of the mean square over channels. They are told by how batches differ, so
   * there are none before the second.
   */
  standardError(epsilon: number): { mean: number; variance: number } {
    const { variance } = this.whole();
    const errorOf = ({ squares, weight }: Spread, scale: (variance: number) => number) => {
      const squared = variance.map((value, c) => {
        if (this.#known[c] === 0) return 0;
        const error = squares[c]! / (weight[c]! * (this.#known[c]! - 1));
        return error / scale(value + epsilon);
      });
      return Math.sqrt(squared.reduce((total, value) => total + value, 0) / this.channels);
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
