/** @file Whole trainings on WebGPU, to the losses, weights and predictions of tf-keras. */
import { test } from 'vitest';
import { readRuns } from '../golden/index.js';
import { canTrain, replayRun } from '../keras/runs.js';
import { describeWebgpu } from './suite.js';

describeWebgpu(() => {
  const setup = { layers: 'Keras', accelerate: false } as const;
  test.each(readRuns().filter((run) => canTrain('webgpu', run, setup)))(
    'trains as Keras does: $name',
    async (run) => {
      await replayRun(run, setup);
    },
  );
  test('trains as Keras does, stock TensorFlow.js being accelerated elsewhere', async () => {
    await replayRun(
      readRuns().find(({ name }) => name.startsWith('conv'))!,
      { layers: 'TF.js', accelerate: true },
    );
  });
});
