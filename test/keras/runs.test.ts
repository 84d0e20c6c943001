/** @file Whole trainings as tf-keras did them, on every backend, with TF.js as it is and accelerated. */
import { afterAll, describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { readRuns } from '../golden/index.js';
import { canTrain, replayRun } from './runs.js';

describeBackends((backend) => {
  const runs = readRuns();

  describe.each([
    { how: 'as TF.js is', accelerate: false },
    { how: 'accelerated', accelerate: true },
  ])('$how', ({ how, accelerate }) => {
    const possible = runs.filter((run) => canTrain(backend, run, accelerate));
    let ran = 0;

    test.each(possible)('trains as Keras does: $name', async (run) => {
      await replayRun(run, accelerate);
      ran++;
    });

    afterAll(() => {
      process.stdout.write(`golden runs on ${backend}, ${how}: ${ran} of ${runs.length} agree with Keras\n`);
      expect(possible).toHaveLength(backend === 'cpu' || accelerate ? 12 : 9);
    });
  });
});
