/** @file The layer agrees with the core whatever its options and the input's shape. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BACKENDS, describeBackends, takeWarnings, WITHOUT_KERNELS } from '../backends.js';
import { DRAWS, EXPERIMENTS, isFusedInKeras } from './experiments.js';
import { compareWithCore, disagreements, type Experiment } from './layer-and-core.js';

describeBackends(() => {
  test('computes what the core computes in float64: outputs, gradients, statistics', () => {
    fc.assert(
      fc.property(EXPERIMENTS, (experiment) => {
        const before = tf.memory().numTensors;
        const errors = compareWithCore(experiment);
        expect(disagreements(errors)).toEqual({});
        expect(tf.memory().numTensors, 'tensors').toBe(before);
        const { mask, training, trainable } = experiment;
        const ignoresMask = mask && training && trainable && isFusedInKeras(experiment);
        expect(takeWarnings()).toHaveLength(ignoresMask ? 1 : 0);
      }),
      { ...DRAWS, numRuns: 1200 },
    );
  });

  // Their parameters have rank 7, one more than arithmetic on TF.js' wasm backend can do.
  test.each([true, false])('takes ghost batches of rank 6 (training: %s)', (training) => {
    const options = { axis: 2, renorm: true, virtualBatchSize: 2 };
    const errors = compareWithCore({ shape: [4, 2, 3, 1, 2, 1], options, training, steps: 2, seed: 6 });
    expect(disagreements(errors)).toEqual({});
  });
}, [...BACKENDS, WITHOUT_KERNELS]);

describeBackends(() => {
  test('loses no digits where the mean is far from 0', () => {
    const drawn = EXPERIMENTS.map((experiment): Experiment => {
      // TF.js' operations round the mean to float32, and that is then missing from every difference to it.
      const fused = experiment.options.fused === false ? null : (experiment.options.fused ?? null);
      return { ...experiment, options: { ...experiment.options, fused }, dtype: 'float32', offset: 3000 };
    });
    fc.assert(
      fc.property(drawn, (experiment) => {
        expect(disagreements(compareWithCore(experiment))).toEqual({});
        takeWarnings();
      }),
      { ...DRAWS, numRuns: 200 },
    );
  });
});
