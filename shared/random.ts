/**
 * @file Seeded random numbers. One seed gives several streams, one for each use (digits, weights, …), that never
 * overlap, so that a change in how one of them is used leaves the others as they were.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** What random numbers are drawn for; each has a stream of its own, in this order. */
const STREAMS = ['digits', 'split', 'weights', 'batches'] as const;

export type Stream = (typeof STREAMS)[number];

export class Random {
  readonly #generator;

  constructor(seed: number, stream: Stream) {
    this.#generator = xoroshiro128plus(seed);
    for (let i = 0; i < STREAMS.indexOf(stream); i++) this.#generator.jump();
  }

  /** A number in [from, to). */
  between(from: number, to: number): number {
    return from + (to - from) * uniformFloat64(this.#generator);
  }

  /** An integer from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return uniformInt(this.#generator, from, to);
  }

  /** A number of the normal distribution with mean 0 (Box and Muller). */
  normal(deviation: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.between(0, 1)));
    return deviation * radius * Math.cos(this.between(0, 2 * Math.PI));
  }

  /** 0 … count − 1 in random order (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
