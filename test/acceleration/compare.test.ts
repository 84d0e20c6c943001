/** @file Comparisons and choices on wasm, against those of the cpu backend. */
import * as tf from '@tensorflow/tfjs';
import { test } from 'vitest';
import { draw } from '../models/models.js';
import { accelerateAll, expectSame } from './accelerated.js';

accelerateAll('wasm');

/** Of few different numbers, so that some are equal; among them NaN, infinities and zeros of both signs. */
const few = (shape: number[], seed: number) =>
  tf.tidy(() => {
    const numbers = tf.tensor1d([NaN, Infinity, -Infinity, 0, -0, 1, -1, 2]);
    const drawn = tf.cast(tf.floor(tf.mul(tf.abs(draw(shape, seed)), 16)), 'int32');
    return tf.gather(numbers, tf.mod(drawn, tf.scalar(8, 'int32')));
  });

const COMPARISONS = {
  equal: tf.equal,
  notEqual: tf.notEqual,
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
};

const SHAPES: [a: number[], b: number[]][] = [
  [[37], [37]],
  [
    [3, 16],
    [3, 16],
  ],
  [[5, 7], []],
  [[], [5, 7]],
  [[1, 1], [33]],
  [[33], [1]],
  [[], []],
  [[1], [1, 1]],
  [
    [2, 3, 4, 5],
    [2, 1, 1, 5],
  ],
  [[3, 1], [4]],
  [[0, 3], [3]],
  [[0], []],
];

test.each(Object.entries(COMPARISONS))('%s', async (_, compare) => {
  for (const [a, b] of SHAPES) {
    await expectSame(() => compare(few(a, 1), few(b, 2)));
    await expectSame(() => compare(tf.cast(draw(a, 1), 'int32'), tf.cast(draw(b, 2), 'int32')));
  }
});

test('and', async () => {
  for (const [a, b] of SHAPES) {
    await expectSame(() => tf.logicalAnd(tf.greater(draw(a, 1), 0), tf.greater(draw(b, 2), 0)));
  }
});

test('choices', async () => {
  for (const [a, b] of SHAPES) {
    const condition = () => tf.greater(draw(a, 3), 0);
    await expectSame(() => tf.where(condition(), few(a, 1), few(b, 2)));
    await expectSame(() => tf.where(condition(), tf.cast(draw(a, 1), 'int32'), tf.cast(draw(b, 2), 'int32')));
  }
  await expectSame(() => tf.where(tf.greater(draw([37], 1), 0), tf.greater(draw([37], 2), 0), false));
});

test('the gradient of ReLU6, of leaky ReLU and of a global maximum', async () => {
  const gradient = (f: (x: tf.Tensor) => tf.Tensor) => () =>
    tf.tidy(() => {
      const x = tf.mul(draw([3, 4, 5, 6], 1), 8);
      const dy = draw(f(x).shape, 2);
      return tf.grad(f)(x, dy);
    });
  await expectSame(gradient((x) => tf.clipByValue(x, 0, 6)));
  await expectSame(gradient((x) => tf.leakyRelu(x, 0.5)));
  await expectSame(gradient((x) => tf.max(x, [1, 2])));
});
