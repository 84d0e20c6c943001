/** @file The tests' own way to run programs on ranks. */
import { expect, test } from 'vitest';
import type { fail, sum } from './programs/sums.js';
import { onRanks, outcomesOnRanks } from './ranks.js';

test('gives the results of all ranks, in their order', async () => {
  expect(await onRanks<typeof sum>('sums', 'sum', { size: 3, input: [1, 10] })).toEqual(
    new Array(3).fill([6, 60]),
  );
});

test('a rank that fails lets no other wait', async () => {
  const options = { size: 2, input: undefined };
  expect(await outcomesOnRanks<typeof fail>('sums', 'fail', options)).toEqual([
    {
      error: 'Error: Rank 0 of 2: the group of threads has ended. Rank 1 has ended by RangeError: It fails.',
    },
    { error: 'RangeError: It fails.' },
  ]);
  await expect(onRanks<typeof fail>('sums', 'fail', options)).rejects.toThrow(/^Rank 0 of 2: /);
});
