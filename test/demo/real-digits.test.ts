/**
 * @file The experiment's claim, on real digits: MNIST's files in the folder that EVENKEEL_MNIST names. Skipped without.
 */
import { accelerateTensorFlow } from 'evenkeel';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadData } from '../../demo/data.js';
import { Network } from '../../demo/networks.js';
import { Random } from '../../shared/random.js';
import { train } from '../../demo/train.js';
import { useBackend } from '../backends.js';

const REAL_DIGITS = process.env.EVENKEEL_MNIST ?? '';

describe.skipIf(REAL_DIGITS === '')('on real digits', { tags: ['digits'] }, () => {
  beforeAll(async () => {
    await useBackend('wasm');
    accelerateTensorFlow();
  });

  it('reaches 90 % with normalization in at most a third of the steps that it takes without', async () => {
    const data = await loadData(REAL_DIGITS, 1);
    const networks = Network.pair(new Random(1, 'weights'), {});
    const controller = new AbortController();
    let reachedAt = Infinity;
    for await (const { step, measurement } of train(networks, data, {
      steps: 2400,
      random: new Random(1, 'batches'),
      communicator: null,
      isStopped: () => controller.signal.aborted,
    })) {
      if (measurement === undefined) continue;
      expect(measurement.plain.accuracy).toBeLessThan(0.9);
      if (measurement.normalized.accuracy >= 0.9) reachedAt = Math.min(reachedAt, step);
      // The plain network has had three times as many steps, and is not there.
      if (step >= 3 * reachedAt) controller.abort();
    }
    expect(reachedAt).toBeLessThanOrEqual(800);
    networks.plain.dispose();
    networks.normalized.dispose();
  });
});
