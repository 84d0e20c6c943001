/** @file The sample of the documents: wrong in inference as its statistics are young, and right once it is recalibrated. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fitData, readArrays } from 'evenkeel/data';
import { loadKerasModel } from 'evenkeel/keras';
import { inspect, recalibrate } from 'evenkeel/tools';
import { beforeAll, expect, test } from 'vitest';
import { ROOT } from '../docs/blocks.js';

beforeAll(() => tf.setBackend('cpu'));

const pathOf = (name: string) => join(ROOT, 'examples/digits', name);

test('digits: a quarter is right, 97 % after recalibration', async () => {
  const model = await loadKerasModel(pathOf('model.h5'));
  const data = fitData(model, await readArrays(pathOf('x.npy'))).inBatches();
  const [labels] = (await readArrays(pathOf('y.npy'))).arrays.values();
  const share = () => {
    const predicted: number[] = [];
    for (const [batch] of data) {
      const digits = tf.tidy(() => tf.argMax(model.predict(batch!) as tf.Tensor, 1).dataSync());
      predicted.push(...digits);
    }
    return predicted.filter((digit, i) => digit === labels!.values[i]).length / predicted.length;
  };

  expect(share()).toBeCloseTo(0.245);
  const { findings } = await inspect(model, data);
  expect(findings.map(({ name }) => name)).toEqual(['young-statistics', 'output-gap']);
  await recalibrate(model, data);
  expect(share()).toBeCloseTo(0.975, 1);
  expect((await inspect(model, data)).findings).toEqual([]);
});
