/** @file Options that a tool does not have are refused, with the nearest that it has. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { saveKerasModel } from 'evenkeel/keras';
import { fold, inspect, recalibrate } from 'evenkeel/tools';
import { expect, test } from 'vitest';

const model = () =>
  tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] }), layerBatchNormalization()] });
const x = () => tf.ones([4, 3]);

test.each<[string, (options: object) => Promise<unknown>, object, string]>([
  ['inspect', (options) => inspect(model(), x(), options), { batch: 3 }, "'batches'"],
  ['recalibrate', (options) => recalibrate(model(), x(), options), { batch_size: 3 }, "'batchSize'"],
  ['recalibrate', (options) => recalibrate(model(), x(), options), { Tolerance: 3 }, "'tolerance'"],
  ['fold', (options) => fold(model(), options), { dat: x() }, "'data'"],
  ['fold', (options) => fold(model(), x(), options), { onProgres: null }, "'onProgress'"],
  [
    'saveKerasModel',
    (options) => saveKerasModel(model(), null, options as never),
    { formt: 'h5' },
    "'format'",
  ],
])('%s refuses %o', async (name, run, options, near) => {
  const error: unknown = await run(options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TypeError);
  const given = Object.keys(options)[0]!;
  expect((error as Error).message).toContain(`Unknown option '${given}' of ${name}. Did you mean ${near}?`);
});
