/** @file Random choices that a seed and the number of a case decide. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Random {
  readonly #generator;

  constructor(seed: number, number: number) {
    this.#generator = xoroshiro128plus(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
    // Seeds that differ by a bit begin alike.
    for (let i = 0; i < 4; i++) this.#generator.next();
  }

  /** An integer from 0 to below `count`, 0 where there is none. */
  below(count: number): number {
    return uniformInt(this.#generator, 0, Math.max(0, Math.min(count, 2 ** 31) - 1));
  }

  /** An integer from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** Small numbers mostly, and seldom one near `most`. */
  count(most: number): number {
    return 1 + this.below(Math.max(1, Math.floor(most ** ((1 + this.below(4)) / 4))));
  }

  /** True once in `count` times. */
  once(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const order = [...list];
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
