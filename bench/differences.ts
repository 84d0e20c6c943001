/** @file How far results lie apart. NaN stays NaN, whatever comes after it. */

export function largestMagnitude(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
}

/** @param others as many */
export function largestDifference(values: ArrayLike<number>, others: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]! - others[i]!));
  return most;
}
