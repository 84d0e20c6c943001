/** @file Layers that move, pool or drop: what golden models cannot tell. */
import * as tf from '@tensorflow/tfjs';
import { ValueError, layerBatchNormalization } from 'evenkeel';
import { kerasLayers } from 'evenkeel/keras';
import { fold } from 'evenkeel/tools';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const apply = (layer: tf.layers.Layer, x: tf.Tensor, training?: boolean) =>
  layer.apply(x, training === undefined ? {} : { training }) as tf.Tensor;

describe('in training', () => {
  const RATE = 0.25;

  /** The values of what is kept or dropped together. */
  const units = (y: tf.Tensor, axes: number[]) => {
    const [low, high] = [tf.min(y, axes), tf.max(y, axes)].map((t) => [...t.dataSync()]);
    expect(low).toEqual(high);
    return low!;
  };

  test.each([
    ['spatialDropout2d', [40, 3, 2, 50], [1, 2], {}],
    ['spatialDropout2d', [40, 50, 3, 2], [2, 3], { dataFormat: 'channelsFirst' }],
    ['spatialDropout3d', [40, 2, 3, 2, 50], [1, 2, 3], {}],
  ] as const)('%s drops whole channels: %j', (name, shape, axes, settings) => {
    const layer = kerasLayers[name]({ rate: RATE, ...settings });
    const values = units(apply(layer, tf.ones([...shape]), true), [...axes]);
    expect(new Set(values.map((v) => v.toFixed(4)))).toEqual(
      new Set(['0.0000', (1 / (1 - RATE)).toFixed(4)]),
    );
    const share = values.filter((v) => v === 0).length / values.length;
    // Of 2000, the deviation of the share is 0.01.
    expect(Math.abs(share - RATE)).toBeLessThan(0.06);
  });

  test('StochasticDepth drops whole samples', () => {
    const y = apply(kerasLayers.stochasticDepth({ dropPathRate: RATE }), tf.ones([2000, 2, 3]), true);
    const values = units(y, [1, 2]);
    const share = values.filter((v) => v === 0).length / values.length;
    expect(Math.abs(share - RATE)).toBeLessThan(0.06);
    expect(Math.max(...values)).toBeCloseTo(1 / (1 - RATE), 5);
  });

  test.each([
    ['inference', 0.5, undefined, 1],
    ['inference that is said', 0.5, false, 1],
    ['a rate of 0', 0, true, 1],
    ['a rate of 1', 1, true, 0],
  ] as const)('%s', (_, rate, training, value) => {
    const y = apply(kerasLayers.spatialDropout2d({ rate }), tf.ones([2, 2, 2, 2]), training);
    expect([...y.dataSync()]).toEqual(Array(16).fill(value));
  });
});

describe('wrong settings are refused', () => {
  test.each([
    [() => kerasLayers.zeroPadding1d({ padding: -1 }), ValueError, /padding: expected integers from 0 on/],
    [
      () => kerasLayers.zeroPadding3d({ padding: [1, 2] }),
      ValueError,
      /padding: .* for each of 3 dimensions/,
    ],
    [() => kerasLayers.cropping1d({ cropping: 1.5 }), ValueError, /cropping/],
    [() => kerasLayers.upSampling2d({ size: [2, 2, 2] as never }), ValueError, /size: .* or 2 of them/],
    [
      () => kerasLayers.upSampling2d({ interpolation: 'cubic' as never }),
      ValueError,
      /one of bilinear, nearest/,
    ],
    [
      () => kerasLayers.globalMaxPooling2d({ keepdims: 1 as never }),
      TypeError,
      /keepdims: expected true or false/,
    ],
    [() => kerasLayers.averagePooling2d({ padding: 'full' as never }), ValueError, /padding: .*valid, same/],
    [
      () => kerasLayers.flatten({ dataFormat: 'last' as never }),
      ValueError,
      /dataFormat: expected 'channelsLast'/,
    ],
    [() => kerasLayers.unitNormalization({ axis: '1' as never }), TypeError, /axis: expected an integer/],
    [
      () => kerasLayers.groupNormalization({ groups: 0 }),
      ValueError,
      /groups: expected a positive integer, or -1/,
    ],
    [
      () => kerasLayers.layerNormalization({ epsilon: -1 }),
      ValueError,
      /epsilon: expected a number from 0 on/,
    ],
    [() => kerasLayers.spatialDropout3d({ rate: 2 }), ValueError, /rate: expected a number from 0 to 1/],
  ] as const)('%s', (make, kind, message) => {
    expect(make).toThrow(kind);
    expect(make).toThrow(message);
  });

  test('where the input shows it', () => {
    const x = tf.input({ shape: [3, 4] });
    expect(() => kerasLayers.cropping1d({ cropping: 2 }).apply(x)).toThrow(/leaves nothing of the shape/);
    expect(() => kerasLayers.groupNormalization({ groups: 3 }).apply(x)).toThrow(
      /a divisor of the 4 channels/,
    );
    expect(() => kerasLayers.softmax({ axis: 3 }).apply(tf.ones([2, 2]))).toThrow(
      /the input has 2 dimensions/,
    );
    expect(() => kerasLayers.layerNormalization({ axis: [1, -2] }).apply(x)).toThrow(/names one twice/);
  });
});

test('nothing is left behind, forward and backward', () => {
  const x = tf.randomNormal([2, 4, 3, 2]);
  const layers = [
    kerasLayers.upSampling2d({ interpolation: 'bicubic' }),
    kerasLayers.averagePooling2d({ padding: 'same', strides: 1 }),
    kerasLayers.adaptiveMaxPooling2d({ outputSize: 2 }),
    kerasLayers.globalMaxPooling2d(),
    kerasLayers.softmax({ axis: 1 }),
    kerasLayers.flatten(),
  ];
  const before = tf.memory().numTensors;
  for (const layer of layers) {
    tf.grad((input) => tf.sum(tf.square(apply(layer, input))))(x).dispose();
    expect(tf.memory().numTensors, layer.name).toBe(before);
  }
});

test('the second derivative of interpolation is that of the sum that it is', () => {
  const up = kerasLayers.upSampling2d({ interpolation: 'bilinear' });
  const x = tf.randomNormal([1, 3, 2, 1]);
  const first = tf.grad((input: tf.Tensor) => tf.sum(tf.square(apply(up, input))));
  // The first is linear: H·x. So x·H·x is 2·Σy², and its gradient is 2·H·x.
  const second = tf.grad((input: tf.Tensor) => tf.sum(tf.mul(first(input), input)))(x);
  const expected = tf.mul(first(x), 2);
  expect(Math.max(...tf.abs(tf.sub(second, expected)).dataSync())).toBeLessThan(1e-4);
});

test('fold passes a normalization through a mean that keeps its dimensions', async () => {
  const model = tf.sequential();
  model.add(tf.layers.conv2d({ filters: 3, kernelSize: 2, inputShape: [4, 4, 2] }));
  model.add(kerasLayers.globalAveragePooling2d({ keepdims: true }));
  const normalization = layerBatchNormalization();
  model.add(normalization);
  model.add(tf.layers.activation({ activation: 'relu' }));
  normalization.setWeights(
    [
      [1.5, 0.5, 2],
      [0.1, 0.2, 0.3],
      [0.4, -0.2, 0.1],
      [0.5, 1, 2],
    ].map((w) => tf.tensor1d(w)),
  );
  const x = tf.randomNormal([2, 4, 4, 2]);
  const { model: folded, folded: gone } = await fold(model, x);
  expect(gone).toHaveLength(1);
  const [want, got] = [model, folded].map((one) => one.predict(x) as tf.Tensor);
  expect(got!.shape).toEqual([2, 1, 1, 3]);
  expect(Math.max(...tf.abs(tf.sub(want!, got!)).dataSync())).toBeLessThan(1e-5);
});
