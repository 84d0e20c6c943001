/** @file What one rank does otherwise than the others is an error on all of them. */
import { expect, test } from 'vitest';
import type { refuse, trainLonger } from './programs/failures.js';
import { onRanks, outcomesOnRanks } from './ranks.js';

const CALLS = [
  [
    'distributedDataParallel',
    { units: 4 },
    'weight 1 of 2: kernel of shape [2, 4], float32',
    'weight 1 of 2: kernel of shape [2, 3], float32',
  ],
  [
    'distributedDataParallel',
    { rate: 0.2 },
    'optimizer: SGD {"learningRate":0.2}',
    'optimizer: SGD {"learningRate":0.1}',
  ],
  ['distributedDataParallel', { metrics: ['mse'] }, 'metrics: [mse]', 'metrics: []'],
  [
    'distributedDataParallel',
    { loss: 'meanAbsoluteError' },
    'loss: meanAbsoluteError',
    'loss: meanSquaredError',
  ],
  [
    'distributedDataParallel',
    { isFrozen: true },
    'weights that are trained: ',
    'weights that are trained: 1, 2',
  ],
  // Only weights count.
  [
    'broadcastWeights',
    { rate: 0.2, units: 4 },
    'weight 1 of 2: kernel of shape [2, 4], float32',
    'weight 1 of 2: kernel of shape [2, 3], float32',
  ],
] as const;

test('another model on other ranks than the first is refused by all of them', async () => {
  const input = [...CALLS.map(([name, others]) => [name, others] as const), ['trainOnBatch', {}] as const];
  const ranks = await onRanks<typeof refuse>('failures', 'refuse', { size: 3, input });
  const errors = CALLS.map(
    ([, , one, first]) =>
      `ValueError: Rank 1 has another model than rank 0. Rank 1 has “${one}”, and rank 0 “${first}”. ` +
      `Build and compile the same model on all ranks.`,
  );
  errors.push('ValueError: No rank has any samples in this step. One of them must have some.');
  expect(ranks).toEqual([errors, errors, errors]);
});

test('a rank with fewer batches: the others wait no longer than the timeout', async () => {
  // Long enough for the late rank's own work on a busy machine.
  const options = { size: 2, input: false, timeout: 6 };
  expect(await outcomesOnRanks<typeof trainLonger>('failures', 'trainLonger', options)).toEqual([
    { error: expect.stringMatching(/^Error: Rank 0 of 2.* waited 6 s .*as many batches\?$/) as string },
    { value: undefined },
  ]);
});

test('a rank with fewer batches in fit: an error at once', async () => {
  const options = { size: 2, input: true };
  const outcomes = await outcomesOnRanks<typeof trainLonger>('failures', 'trainLonger', options);
  expect(outcomes).toEqual([
    { error: expect.stringMatching(/Rank 0 of 2.* at the start of a step/) as string },
    { error: expect.stringMatching(/Rank 1 of 2.* at the end of an epoch/) as string },
  ]);
});
