/** @file Agreement with real tf-keras: every golden case, on every backend, as given and with `fused: false`. */
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import {
  LAYER_GROUPS,
  type Packed,
  readAttempts,
  readCases,
  relativeError,
  unpack,
} from '../golden/index.js';
import { TOLERANCE, replayAcceptance, replayCase, replayRefusal } from './cases.js';

describeBackends(() => {
  for (const group of LAYER_GROUPS) {
    test.each(readCases(group).map((golden, index) => ({ golden, index })))(
      `agrees with Keras in ${group}: $golden.name`,
      async ({ golden, index }) => {
        await replayCase(golden, index);
      },
    );
    const unlikeGiven = readCases(group).filter(({ args }) => args.fused !== false);
    test.each(unlikeGiven.map((golden, index) => ({ golden, index })))(
      `agrees with Keras in ${group} with fused: false: $golden.name`,
      async ({ golden, index }) => {
        await replayCase(golden, index, { fused: false });
      },
    );
  }

  test.each(readAttempts('errors'))('refuses what Keras refuses, no later: $name', (golden) => {
    replayRefusal(golden);
  });

  test.each(readAttempts('accepted'))('accepts what Keras accepts: $name', (golden) => {
    replayAcceptance(golden);
  });
});

test('a golden array that differs is told from one that agrees', () => {
  const want: Packed = { shape: [2], dtype: 'float32', data: [1, 'NaN'] };
  expect(relativeError([1 + 1e-5, NaN], want)).toBeLessThanOrEqual(TOLERANCE);
  expect(relativeError([1 + 1e-4, NaN], want)).toBeGreaterThan(TOLERANCE);
  expect(relativeError([1, 0], want)).toBeGreaterThan(TOLERANCE);
  expect(unpack(want)).toEqual(Float64Array.of(1, NaN));
});
