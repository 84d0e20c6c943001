/** @file Which test samples are shown, and in what order. */

export interface Chosen {
  /** Their indices. */
  readonly samples: readonly number[];
  /** How many of them stand first because they are wrong. */
  readonly wrong: number;
}

/**
 * Chooses `count` samples: at most half of them because networks are wrong about them, first those that the most are
 * wrong about; then others as the data has them, which show how good the networks are.
 *
 * @param guesses of each network, for each sample
 */
export function wrongFirst(labels: Uint8Array, guesses: readonly Uint8Array[], count: number): Chosen {
  const networks = Array.from(labels, (label, i) => guesses.filter((of) => of[i] !== label).length);
  const all = [...labels.keys()];
  const wrong = all
    .filter((i) => networks[i]! > 0)
    .sort((one, other) => networks[other]! - networks[one]! || one - other)
    .slice(0, Math.floor(count / 2));
  const others = all.filter((i) => !wrong.includes(i));
  return { samples: [...wrong, ...others].slice(0, count), wrong: wrong.length };
}
