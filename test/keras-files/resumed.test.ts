/** @file Models go on training where they stopped in Keras: the same losses, step by step, by each optimizer and loss. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateTensorFlow } from 'evenkeel';
import { loadKerasModel } from 'evenkeel/keras';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { unpack } from '../golden/index.js';
import { MODELS, inputsOf, readModel } from './golden.js';

const warnings = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
afterEach(() => {
  warnings.mockClear();
});
accelerateTensorFlow();

/** Of the largest magnitude, which counts as 1 at least. */
const TOLERANCE = 2e-5;

const RESUMED = MODELS.filter(({ resumed }) => resumed);

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  test.each(RESUMED)('$file', async (golden) => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const model = await loadKerasModel(readModel(golden));
    expect(warnings.mock.calls.filter(([text]) => /compiled|anew/.test(String(text)))).toEqual([]);
    const inputs = inputsOf(golden);
    const targets = golden.targets!.map((y) => tf.tensor([...unpack(y)], y.shape));
    const losses: number[] = [];
    while (losses.length < golden.resumed!.length) {
      const result = await model.trainOnBatch(inputs, targets.length === 1 ? targets[0]! : targets);
      losses.push([result].flat()[0]!);
    }
    const scale = Math.max(1, ...golden.resumed!.map(Math.abs));
    golden.resumed!.forEach((want, i) => {
      expect(Math.abs(want - losses[i]!) / scale, `step ${i}: ${losses[i]} for ${want}`).toBeLessThanOrEqual(
        TOLERANCE,
      );
    });
    model.dispose();
    tf.dispose([inputs, targets]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
