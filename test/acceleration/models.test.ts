/**
 * @file Models of TF.js' own layers train on wasm, where TF.js fails (at a kernel that is missing there, or at a batch
 * normalization off the last axis), to the losses that the cpu backend finds.
 */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../backends.js';
import { draw } from '../models/models.js';
import { accelerated, held, on } from './accelerated.js';

const { layers } = tf;

interface Model {
  readonly make: () => tf.LayersModel;
  readonly input: () => tf.Tensor;
  /** What TF.js lacks on wasm. */
  readonly kernels: readonly string[];
}

const image = (shape: number[]) => () => draw([6, ...shape], 1);

const MODELS: Record<string, Model> = {
  'convolutions, batch normalization and pooling': {
    make: () =>
      tf.sequential({
        layers: [
          layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', inputShape: [11, 9, 3] }),
          layers.batchNormalization(),
          layers.activation({ activation: 'relu' }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.conv2d({ filters: 6, kernelSize: [3, 2], strides: 2 }),
          layers.batchNormalization({ axis: 1 }),
          layers.conv2d({ filters: 6, kernelSize: 1 }),
          layers.averagePooling2d({ poolSize: 2, padding: 'same' }),
          layers.flatten(),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    input: image([11, 9, 3]),
    kernels: ['Conv2DBackpropFilter'],
  },
  'depthwise and separable convolutions': {
    make: () =>
      tf.sequential({
        layers: [
          layers.depthwiseConv2d({
            ...{ kernelSize: 3, depthMultiplier: 2, strides: 2, padding: 'same' },
            inputShape: [9, 8, 3],
          }),
          layers.batchNormalization(),
          layers.separableConv2d({ filters: 5, kernelSize: 3, activation: 'relu', padding: 'same' }),
          layers.batchNormalization(),
          layers.depthwiseConv2d({ kernelSize: 2 }),
          layers.globalAveragePooling2d({}),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    input: image([9, 8, 3]),
    kernels: [
      'DepthwiseConv2dNativeBackpropFilter',
      'DepthwiseConv2dNativeBackpropInput',
      'Conv2DBackpropFilter',
    ],
  },
  'an embedding and a convolution of one dimension': {
    make: () =>
      tf.sequential({
        layers: [
          layers.embedding({ inputDim: 10, outputDim: 4, inputLength: 7 }),
          layers.batchNormalization(),
          layers.conv1d({ filters: 5, kernelSize: 3 }),
          layers.batchNormalization({ axis: 1 }),
          layers.globalMaxPooling1d({}),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    input: () => tf.tidy(() => tf.floor(tf.mul(tf.abs(draw([6, 7], 1)), 10))),
    kernels: ['UnsortedSegmentSum', 'Conv2DBackpropFilter'],
  },
  'transposed convolutions': {
    make: () =>
      tf.sequential({
        layers: [
          layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, inputShape: [4, 5, 2] }),
          layers.batchNormalization(),
          layers.conv2d({ filters: 3, kernelSize: 5, strides: 3 }),
          layers.flatten(),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    input: image([4, 5, 2]),
    kernels: ['Conv2DBackpropFilter'],
  },
};

/** The model, the same at each call, and what it learns from. */
function prepare({ make, input }: Model) {
  const model = make();
  const weights = model.getWeights();
  model.setWeights(
    weights.map(({ shape, size }, i) => tf.tidy(() => tf.mul(draw(shape, i + 1), size > 9 ? 0.5 : 0.9))),
  );
  // Means and variances stay positive.
  for (const layer of model.layers) {
    if (layer.getClassName() === 'BatchNormalization') {
      layer.setWeights(layer.getWeights().map((weight) => tf.tidy(() => tf.add(tf.abs(weight), 0.5))));
    }
  }
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3), 'float32'));
  return { model, x: input(), labels };
}

async function losses(of: Model, steps: number): Promise<number[]> {
  const { model, x, labels } = prepare(of);
  const found: number[] = [];
  for (let i = 0; i < steps; i++) found.push((await model.trainOnBatch(x, labels)) as number);
  return found;
}

const entries = Object.entries(MODELS);

beforeAll(() => useBackend('wasm'));

test.each(entries)('trains %s as on cpu, and not without', async (_, of) => {
  await expect(losses(of, 1)).rejects.toThrow(/not registered for backend 'wasm'|Size\(/);
  await accelerated(async () => {
    const want = await on('cpu', () => losses(of, 20));
    const got = await losses(of, 20);
    expect(want.at(-1)).toBeLessThan(want[0]!);
    got.forEach((loss, i) => {
      expect(Math.abs(loss - want[i]!), `loss of step ${i + 1}`).toBeLessThan(1e-4);
    });
  });
});

test.each(entries)('uses the kernels that were missing for %s', async (_, of) => {
  await accelerated(async () => {
    const { model, x, labels } = prepare(of);
    const kernels = new Set<string>();
    const { kernelNames } = await tf.profile(async () => {
      await model.trainOnBatch(x, labels);
      return tf.scalar(0);
    });
    for (const name of kernelNames) kernels.add(name);
    expect([...kernels]).toEqual(expect.arrayContaining([...of.kernels, 'FusedBatchNorm']));
  });
});

test.each(entries)('leaks nothing over 200 steps of %s', async (_, of) => {
  await accelerated(async () => {
    const { model, x, labels } = prepare(of);
    for (let i = 0; i < 5; i++) await model.trainOnBatch(x, labels);
    const before = held();
    for (let i = 0; i < 200; i++) await model.trainOnBatch(x, labels);
    expect(held()).toEqual(before);
  });
});
