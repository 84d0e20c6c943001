/** @file Whole trainings as tf-keras did them, on every backend, with TF.js as it is and accelerated. */
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { readRuns } from '../golden/index.js';
import { type Setup, canTrain, replayRun } from './runs.js';

/** How many runs can be trained. */
const COUNTS = {
  cpu: { 'TF.js': [21, 24], Keras: [29, 29] },
  wasm: { 'TF.js': [9, 24], Keras: [9, 29] },
};

const SETUPS = (['TF.js', 'Keras'] as const).flatMap((layers) =>
  [false, true].map((accelerate): Setup => ({ layers, accelerate })),
);

describeBackends((backend) => {
  const runs = readRuns();

  describe.each(SETUPS)('with the layers of $layers, accelerated: $accelerate,', (setup) => {
    const possible = runs.filter((run) => canTrain(backend, run, setup));

    test.each(possible)('trains as Keras does: $name', async (run) => {
      await replayRun(run, setup);
    });

    test('trains all that can be trained', () => {
      expect(possible).toHaveLength(
        COUNTS[backend as 'cpu' | 'wasm'][setup.layers][Number(setup.accelerate)]!,
      );
    });
  });
});
