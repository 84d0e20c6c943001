/** @file How far trainings are apart. */
import { expect } from 'vitest';

/** The largest difference, relative to 1 or the largest number, whichever is greater. */
export function differenceOf(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!))) / largest;
}

/** The numbers of several arrays, in a row. */
export const flat = (arrays: readonly ArrayLike<number>[]): number[] =>
  arrays.flatMap((array) => Array.from(array));
