/** @file A short soak: thousands of steps of small layers leave nothing in TF.js, nor on the wasm heap. */
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { type Reading, type SUBJECTS, growthIn, soak } from './soak.js';

async function readingsOf(
  subject: keyof typeof SUBJECTS,
  steps: number,
  interval: number,
  leak: () => void = () => {},
): Promise<Reading[]> {
  const readings: Reading[] = [];
  for await (const reading of soak(steps, interval, subject)) {
    readings.push(reading);
    leak();
  }
  takeWarnings();
  return readings;
}

describeBackends(() => {
  test('thousands of steps of small layers leave nothing', async () => {
    expect(growthIn(await readingsOf('layers', 2000, 500))).toBeNull();
  });

  test('a thousand steps of a network with convolutions leave nothing', async () => {
    expect(growthIn(await readingsOf('network', 1000, 250))).toBeNull();
  });

  test('a tensor that is left behind is seen', async () => {
    const leak = () => {
      tf.keep(tf.scalar(1));
    };
    expect(growthIn(await readingsOf('layers', 300, 100, leak))).toMatch(/^tensors grew from \d+ to \d+$/);
  });
});
