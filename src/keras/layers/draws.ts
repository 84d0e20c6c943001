/** @file Random numbers of layers, drawn where TF.js runs, so that no backend has to give any back. */

/** With a seed the same numbers come in the same order; they are not those of Keras. */
export class Draws {
  #state: number | null;

  constructor(seed: number | null) {
    this.#state = seed;
  }

  /** Evenly between two numbers; the upper one is left out, unless both are the same. */
  between(from: number, to: number): number {
    return from + (to - from) * this.#next();
  }

  #next(): number {
    if (this.#state === null) return Math.random();
    // SplitMix32: a step, and a hash of where it leads to.
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let hash = this.#state ^ (this.#state >>> 16);
    hash = Math.imul(hash, 0x21f0aaad);
    hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
    return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
  }
}
