/** @file Names of which no two are the same. */

export class UniqueNames {
  readonly #taken: Set<string>;
  /** What each name that was taken already gets next: nothing is tried twice. */
  readonly #numbers = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /** `name`, or `name_1`, `name_2`, … where that is taken; it is taken then. */
  take(name: string): string {
    let number = this.#numbers.get(name) ?? 0;
    let unique = number === 0 ? name : `${name}_${number}`;
    while (this.#taken.has(unique)) unique = `${name}_${++number}`;
    this.#numbers.set(name, number + 1);
    this.#taken.add(unique);
    return unique;
  }
}
