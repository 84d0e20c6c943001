/** @file Models whose weights lie on a device, which gives none of them at once, saved and loaded. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { expect, test } from 'vitest';
import { describeWebgpu } from './suite.js';

describeWebgpu(() => {
  test.each([
    { for: 'tf-keras', format: 'h5' },
    { for: 'keras3', format: 'keras' },
  ] as const)('a trained model is saved for $for as .$format, and loads', async (form) => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [3] }));
    layerBatchNormalization(model, { renorm: true, renormClipping: { rmax: tf.variable(tf.scalar(3)) } });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    await model.trainOnBatch(tf.randomNormal([8, 3], 3), tf.zeros([8, 4]));
    const again = await loadKerasModel(await saveKerasModel(model, null, form));
    const values = ({ weights }: tf.LayersModel) =>
      Promise.all(weights.map(async (weight) => [...(await weight.read().data())]));
    expect(await values(again)).toEqual(await values(model));
    expect(again.layers.at(-1)?.getConfig()).toMatchObject({ renormClipping: { rmax: 3 } });
  });
});
