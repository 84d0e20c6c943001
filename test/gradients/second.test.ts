/**
 * @file Second derivatives with `fused: false`, which TF.js takes of the operations that it recorded for the first ones,
 * against differences of the first derivatives that the core computes in float64.
 */
import * as tf from '@tensorflow/tfjs';
import {
  backward,
  forward,
  type BatchNormalizationOptions,
  type CallArguments,
  type State,
} from 'evenkeel/core';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { sizeOf } from '../core/reference.js';
import {
  drawInput,
  drawState,
  floats,
  makeLayer,
  relativeDistance,
  toTensor,
} from '../properties/layer-and-core.js';

/** Far enough for float64 to see a difference, near enough for it to be the derivative: the error is about its square. */
const DISTANCE = 1e-5;

interface Place {
  options: BatchNormalizationOptions;
  shape: number[];
  training: boolean;
  mask?: { shape: number[]; values: number[]; dtype: 'float32' };
}

const FUSED = { fused: false };
// The r and d of renorm are constants to the gradient, so differences must not see them change: they are clipped.
const CLIPPED = { rmax: 0.9, rmin: 0.9, dmax: 0 };
const PLACES: [string, Place][] = [
  ['in training', { options: FUSED, shape: [5, 3], training: true }],
  ['in inference', { options: FUSED, shape: [5, 3], training: false }],
  ['along axis 1', { options: { ...FUSED, axis: 1 }, shape: [2, 3, 2, 2], training: true }],
  ['along two axes', { options: { ...FUSED, axis: [0, 2] }, shape: [2, 5, 3], training: true }],
  ['with ghost batches', { options: { ...FUSED, virtualBatchSize: 3 }, shape: [6, 2], training: true }],
  [
    'with renorm',
    { options: { ...FUSED, renorm: true, renormClipping: CLIPPED }, shape: [5, 2], training: true },
  ],
  [
    'with a mask',
    {
      options: FUSED,
      shape: [3, 2, 2],
      training: true,
      mask: { shape: [3, 2], values: [1, 0, 1, 0.5, 2, 1], dtype: 'float32' },
    },
  ],
];

describeBackends(() => {
  /**
   * The loss is Σ c·y³, its derivative by x is g(x, gamma, beta). What is compared is the gradient of Σ v·g, which in
   * direction u is the change of Σ v·g along u.
   */
  test.each(PLACES)('%s', (_, { options, shape, training, mask }) => {
    const size = sizeOf(shape);
    const x = drawInput(shape, 'float32', 21);
    const state = drawState(options, shape, 31);
    const [c, v] = [floats(size, 41), floats(size, 42)];

    const firstInCore = (at: Float64Array, given: State): number => {
      const call: CallArguments = { training, mask: mask ?? null };
      const { y, saved } = forward({ values: at, shape }, given, options, call);
      const { dx } = backward(
        y.map((value, i) => 3 * c[i]! * value ** 2),
        saved,
      );
      return dx.reduce((sum, value, i) => sum + value * v[i]!, 0);
    };
    const nudged = (values: ArrayLike<number>, i: number, by: number) =>
      Float64Array.from(values, (value, j) => (i === j ? value + by : value));
    const difference = (f: (by: number) => number) => (f(DISTANCE) - f(-DISTANCE)) / (2 * DISTANCE);
    const byParameter = (name: 'gamma' | 'beta') =>
      Float64Array.from(state[name]!, (_value, i) =>
        difference((by) => firstInCore(x, { ...state, [name]: nudged(state[name]!, i, by) })),
      );
    const want = [
      x.map((_value, i) => difference((by) => firstInCore(nudged(x, i, by), state))),
      byParameter('gamma'),
      byParameter('beta'),
    ];

    const layer = makeLayer({ options, shape, training, seed: 0 }, state, null);
    const kwargs = {
      ...{ training, updateMovingStatistics: false },
      mask: mask && toTensor(mask.values, mask.shape),
    };
    const loss = (at: tf.Tensor) =>
      tf.sum(tf.mul(toTensor(c, shape), tf.pow(layer.apply(at, kwargs) as tf.Tensor, 3)));
    const got = tf.grads((at: tf.Tensor) => tf.sum(tf.mul(toTensor(v, shape), tf.grad(loss)(at))))([
      toTensor(x, shape),
      layer.gamma!.read(),
      layer.beta!.read(),
    ]);
    want.forEach((values, i) => {
      expect(relativeDistance(got[i]!.dataSync(), values), `by ${['x', 'gamma', 'beta'][i]!}`).toBeLessThan(
        1e-4,
      );
    });
    layer.dispose();
  });

  test('take a mask for a constant, though it be computed from the input', () => {
    const layer = makeLayer(
      { options: FUSED, shape: [6, 3], training: true, seed: 0 },
      drawState(FUSED, [6, 3], 31),
      null,
    );
    const x = toTensor(drawInput([6, 3], 'float32', 21), [6, 3]);
    const maskOf = (t: tf.Tensor) => tf.sigmoid(tf.sum(t, -1));
    const second = (mask: (t: tf.Tensor) => tf.Tensor) => {
      const loss = (t: tf.Tensor) =>
        tf.sum(tf.pow(layer.apply(t, { training: true, mask: mask(t) }) as tf.Tensor, 3));
      return tf
        .grad((t: tf.Tensor) => tf.sum(tf.square(tf.grad(loss)(t))))(x)
        .dataSync();
    };
    const constant = maskOf(x);
    expect(
      relativeDistance(
        second(maskOf),
        second(() => constant),
      ),
    ).toBeLessThan(1e-5);
    layer.dispose();
  });
});
