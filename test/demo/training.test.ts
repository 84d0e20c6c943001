/** @file Training both networks, and the product that makes it fast. */
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { describeBackends } from '../backends.js';
import type { Data } from '../../demo/data.js';
import { drawDigits } from '../../shared/digits.js';
import { Network } from '../../demo/networks.js';
import { Random } from '../../shared/random.js';
import { train, type Measurement } from '../../demo/train.js';

const digits = drawDigits(100, new Random(1, 'digits'));
const drawn: Data = { source: 'a few drawn digits', training: digits, test: digits };

async function measureTraining(steps: number, signal = new AbortController().signal): Promise<Measurement[]> {
  const networks = Network.pair(new Random(1, 'weights'), {});
  const series: Measurement[] = [];
  for await (const { measurement } of train(networks, drawn, {
    steps,
    random: new Random(1, 'batches'),
    communicator: null,
    isStopped: () => signal.aborted,
  })) {
    if (measurement) series.push(measurement);
  }
  networks.plain.dispose();
  networks.normalized.dispose();
  return series;
}

describeBackends(() => {
  it('starts both networks from the same weights', async () => {
    const [start] = await measureTraining(1);
    // The moving variance starts at 1, so that only epsilon, 0.001, tells the networks apart.
    start!.normalized.percentiles.forEach((value, i) => {
      expect(Math.abs(value / start!.plain.percentiles[i]! - 1)).toBeLessThan(2e-3);
    });
  });

  it('measures the same after the same seed, before the first step and after the last', async () => {
    const series = await measureTraining(3);
    expect(series.map(({ step }) => step)).toEqual([0, 3]);
    expect(await measureTraining(3)).toEqual(series);
  });

  it('stops where it is told to, and measures there', async () => {
    expect((await measureTraining(1000, AbortSignal.abort())).map(({ step }) => step)).toEqual([0]);
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort();
    }, 100);
    const series = await measureTraining(100_000, controller.signal);
    expect(series.at(-1)!.step).toBeLessThan(100_000);
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await measureTraining(3);
    expect(tf.memory().numTensors).toBe(before);
  });
});
