/** @file Sums and means on wasm, against those of the cpu backend. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { draw, valuesOf } from '../models/models.js';
import { accelerateAll, expectSame } from './accelerated.js';

accelerateAll('wasm');

const shapes = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 0, maxLength: 5 });
const flags = fc.array(fc.boolean(), { minLength: 6, maxLength: 6 });
const types = fc.constantFrom('float32', 'int32', 'bool');

test('sums and means over any axes', () =>
  fc.assert(
    fc.asyncProperty(shapes, flags, types, async (shape, chosen, type) => {
      const axes = [...shape.keys()].filter((axis) => chosen[axis]);
      const drawn = () => draw(shape, 1);
      const x = () => (type === 'bool' ? tf.greater(drawn(), 0) : tf.cast(tf.mul(drawn(), 5), type));
      await expectSame(() => tf.sum(x(), axes, chosen[5]), 1e-6);
      // The mean of nothing is another NaN on each.
      fc.pre(shape.every((size) => size > 0));
      await expectSame(() => tf.mean(x(), axes, chosen[5]), 1e-6);
    }),
    { numRuns: 200, seed: 3 },
  ));

test.each([
  [[5000, 3], [0]],
  [[3, 700, 37], [1]],
  [
    [2, 30, 40, 64],
    [1, 2],
  ],
  [[2, 3, 5000], [0]],
  [
    [3, 50, 6],
    [-2, 0],
  ],
])('of many numbers: %j over %j', (shape, axes) =>
  expectSame(() => tf.sum(tf.add(draw(shape, 1), 10), axes), 1e-6),
);

test('what is not a number stays in its column', () => {
  tf.tidy(() => {
    const x = tf.tensor2d([1, NaN, Infinity, 2, 1, 1], [2, 3]);
    expect(valuesOf(tf.sum(x, 0))).toEqual([3, NaN, Infinity]);
  });
});

test.each(['float32', 'int32', 'bool'] as const)(
  'the mean of nothing is not a number, of %s too',
  (dtype) => {
    const mean = tf.tidy(() => tf.keep(tf.mean(tf.zeros([0, 3], dtype), 0)));
    expect([mean.dtype, ...valuesOf(mean)]).toEqual(['float32', NaN, NaN, NaN]);
    mean.dispose();
  },
);
