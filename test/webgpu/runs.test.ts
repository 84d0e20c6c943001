/** @file Whole trainings on WebGPU, to the losses, weights and predictions of tf-keras. */
import { test } from 'vitest';
import { readRuns } from '../golden/index.js';
import { replayRun } from '../keras/runs.js';
import { describeWebgpu } from './suite.js';

describeWebgpu(() => {
  test.each(readRuns())('trains as Keras does: $name', async (run) => {
    await replayRun(run, false);
  });
  test('trains as Keras does, stock TensorFlow.js being accelerated elsewhere', async () => {
    await replayRun(
      readRuns().find(({ name }) => name.startsWith('conv'))!,
      true,
    );
  });
});
