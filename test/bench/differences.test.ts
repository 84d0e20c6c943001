/** @file Benchmarks compare results before they time them: what is NaN does not pass for alike. */
import { expect, test } from 'vitest';
import { largestDifference, largestMagnitude } from '../../bench/differences.js';

test('the largest difference and magnitude are of all numbers', () => {
  expect(largestDifference([1, -2, 3], [1, 2, 2])).toBe(4);
  expect(largestMagnitude([1, -2, 0])).toBe(2);
});

test.each([0, 1, 2])('NaN at %i is not lost to what stands behind it', (at) => {
  const values = [1, 2, 3].with(at, NaN);
  expect(largestDifference(values, [1, 2, 3])).toBeNaN();
  expect(largestDifference([1, 2, 3], values)).toBeNaN();
  expect(largestMagnitude(values)).toBeNaN();
});
