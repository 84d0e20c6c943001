/** @file Spoiled statistics cost a network its accuracy, and recalibration brings it back: on drawn and on real digits. */
import { recalibrate } from 'evenkeel/tools';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../backends.js';
import { accuracyOf, changeStatistics, loadSamples, makeReader, trainReader } from './digits.js';

const REAL_DIGITS = process.env.EVENKEEL_MNIST ?? '';

describe.each([
  { digits: 'drawn digits', folder: undefined, tags: [] },
  { digits: 'real digits', folder: REAL_DIGITS, tags: ['digits'] },
])('on $digits', ({ folder, tags }) => {
  beforeAll(() => useBackend('wasm'));

  test.skipIf(folder === '')('brings the accuracy back, in either order', { tags }, async () => {
    const { training, test: held } = await loadSamples(folder);
    const model = makeReader();
    await trainReader(model, training, 2);
    const trained = accuracyOf(model, held);
    expect(trained).toBeGreaterThan(0.9);

    const random = tf.randomUniform([96], -3, 3, 'float32', 1).dataSync();
    for (const order of ['layer by layer', 'one pass'] as const) {
      for (const name of ['bn1', 'bn2']) {
        changeStatistics(model.getLayer(name), (mean, variance) => [
          mean.map((value, c) => value + random[c]!),
          variance.map((value, c) => value * Math.exp(random[c + 48]!)),
        ]);
      }
      expect(accuracyOf(model, held)).toBeLessThan(0.7);
      await recalibrate(model, training.xs, { order, batchSize: 250, batches: 8 });
      expect(accuracyOf(model, held)).toBeGreaterThan(trained - 0.01);
    }
  });
});
