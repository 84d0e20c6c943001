/** @file In what order test samples are shown. */

/**
 * The samples' indices: those first that the most networks are wrong about, and among these as they come.
 *
 * @param guesses of each network, for each sample
 */
export function wrongFirst(labels: Uint8Array, guesses: readonly Uint8Array[]): number[] {
  const wrong = Array.from(labels, (label, i) => guesses.filter((of) => of[i] !== label).length);
  return [...labels.keys()].sort((one, other) => wrong[other]! - wrong[one]! || one - other);
}
