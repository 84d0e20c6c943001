/** @file Whole trainings as tf-keras did them, on every backend, with TF.js as it is and accelerated. */
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { readRuns } from '../golden/index.js';
import { canTrain, replayRun } from './runs.js';

describeBackends((backend) => {
  const runs = readRuns();

  describe.each([
    { how: 'as TF.js is', accelerate: false },
    { how: 'accelerated', accelerate: true },
  ])('$how', ({ accelerate }) => {
    const possible = runs.filter((run) => canTrain(backend, run, accelerate));

    test.each(possible)('trains as Keras does: $name', async (run) => {
      await replayRun(run, accelerate);
    });

    test('trains all that TF.js can train', () => {
      expect(possible).toHaveLength(backend === 'cpu' || accelerate ? 12 : 9);
    });
  });
});
