/** @file Kernels that only move numbers, on wasm, against those of the cpu backend: to the last bit. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { valuesOf } from '../models/models.js';
import { accelerateAll, expectSame, held } from './accelerated.js';

accelerateAll('wasm');

const TYPES = ['float32', 'int32', 'bool'] as const;
type Type = (typeof TYPES)[number];

/** No two numbers are the same, but of booleans. */
const numbered = (shape: number[], dtype: Type) =>
  tf.tidy(() => {
    const numbers = tf.reshape(tf.range(0, tf.util.sizeFromShape(shape), 1, 'int32'), shape);
    return dtype === 'bool' ? tf.equal(tf.mod(numbers, 3), 0) : tf.cast(numbers, dtype);
  });

const shapes = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 6 }), { minLength: min, maxLength: max });
const types = fc.constantFrom(...TYPES);
const RUNS = { numRuns: 150, seed: 7 };

/** What to choose with: as many numbers as are asked for, below 1. */
const choices = fc.array(
  fc.integer({ min: 0, max: 999 }).map((number) => number / 1000),
  { minLength: 16, maxLength: 16 },
);

const below = (choice: number, end: number) => Math.floor(choice * end);

function permutation(rank: number, choice: readonly number[]): number[] {
  const axes = [...Array(rank).keys()];
  return Array.from({ length: rank }, (_, i) => axes.splice(below(choice[i]!, axes.length), 1)[0]!);
}

test('slices', () =>
  fc.assert(
    fc.asyncProperty(shapes(1, 5), types, choices, (shape, type, choice) => {
      const begin = shape.map((size, i) => below(choice[i]!, size + 1));
      const size = shape.map((length, i) => {
        const most = length - begin[i]!;
        return choice[i + 5]! < 0.3 ? -1 : below(choice[i + 10]!, most + 1);
      });
      return expectSame(() => tf.slice(numbered(shape, type), begin, size));
    }),
    RUNS,
  ));

test('parts along an axis, of equal and of given lengths, and one by one', () =>
  fc.assert(
    fc.asyncProperty(shapes(1, 4), types, choices, async (shape, type, choice) => {
      const axis = below(choice[0]!, shape.length) - (choice[1]! < 0.3 ? shape.length : 0);
      const length = shape.at(axis)!;
      const first = below(choice[2]!, length + 1);
      const x = () => numbered(shape, type);
      await expectSame(() => tf.split(x(), [first, length - first], axis));
      if (length > 0) await expectSame(() => tf.split(x(), length, axis));
      await expectSame(() => tf.unstack(x(), axis));
    }),
    RUNS,
  ));

test('joined along an axis', () =>
  fc.assert(
    fc.asyncProperty(shapes(1, 4), types, choices, async (shape, type, choice) => {
      const axis = below(choice[0]!, shape.length);
      const parts = () =>
        choice
          .slice(1, 2 + below(choice[1]!, 3))
          .map((one) => numbered(shape.with(axis, below(one, 5)), type));
      await expectSame(() => tf.concat(parts(), axis));
      await expectSame(() => tf.stack([numbered(shape, type), numbered(shape, type)], axis));
    }),
    RUNS,
  ));

test('joined though their types differ', () =>
  expectSame(() => tf.concat([numbered([2, 3], 'int32'), numbered([2, 1], 'float32')], 1)));

test('repeated', () =>
  fc.assert(
    fc.asyncProperty(shapes(1, 4), types, choices, (shape, type, choice) =>
      expectSame(() =>
        tf.tile(
          numbered(shape, type),
          shape.map((_, i) => below(choice[i]!, 4)),
        ),
      ),
    ),
    RUNS,
  ));

test('reversed', () =>
  fc.assert(
    fc.asyncProperty(shapes(0, 4), types, choices, (shape, type, choice) =>
      expectSame(() =>
        tf.reverse(
          numbered(shape, type),
          [...shape.keys()].filter((axis) => choice[axis]! < 0.5),
        ),
      ),
    ),
    RUNS,
  ));

test('transposed', () =>
  fc.assert(
    fc.asyncProperty(shapes(0, 6), types, choices, (shape, type, choice) => {
      // TF.js' own, which has the booleans, divides by a size of 0.
      fc.pre(type !== 'bool' || !shape.includes(0));
      return expectSame(() => tf.transpose(numbered(shape, type), permutation(shape.length, choice)));
    }),
    RUNS,
  ));

test.each([
  [
    [70, 37],
    [1, 0],
  ],
  [
    [3, 65, 34],
    [0, 2, 1],
  ],
  [
    [35, 3, 66],
    [2, 1, 0],
  ],
  [
    [33, 2, 40, 5],
    [2, 1, 3, 0],
  ],
])('transposed in tiles: %j by %j', (shape, perm) =>
  expectSame(() => tf.transpose(numbered(shape, 'float32'), perm)),
);

test('long rows', async () => {
  await expectSame(() => tf.slice(numbered([3, 700], 'int32'), [1, 99], [2, 601]));
  await expectSame(() => tf.tile(numbered([2, 301], 'float32'), [1, 3]));
});

test('what is not a number stays as it is', () =>
  expectSame(() => tf.transpose(tf.tensor2d([NaN, -0, Infinity, -Infinity, 1e-40, 2], [2, 3]))));

test('Tile of seven dimensions, each of which is repeated', async () => {
  await expectSame(() => tf.tile(numbered([2, 1, 2, 1, 2, 1, 2], 'float32'), [2, 2, 2, 2, 2, 2, 2]));
});

test('the gradient of Tile where something is repeated no time', () => {
  const x = tf.ones([2, 2]);
  const before = held();
  const dx = tf.grad((t) => tf.tile(t, [0, 2]))(x);
  expect(valuesOf(dx)).toEqual([0, 0, 0, 0]);
  dx.dispose();
  expect(held()).toEqual(before);
});
