/** @file Products with transposed factors on wasm, against those of the cpu backend. */
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { draw, valuesOf } from '../models/models.js';
import { describeBackends } from '../backends.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import { accelerated, held, on, registered } from './accelerated.js';

/** Sizes of a product: leading dimensions of both factors, rows, sums, columns. */
type Sizes = [a: number[], b: number[], rows: number, sums: number, columns: number];

const SIZES: Sizes[] = [
  [[], [], 40, 30, 20],
  [[1], [1], 40, 30, 20],
  [[1, 1], [1, 1], 24, 24, 24],
  [[1], [], 24, 24, 24],
  // More than one matrix, which are not transposed first.
  [[3], [3], 30, 20, 24],
  [[2, 3], [1, 3], 30, 20, 24],
  [[3], [1], 30, 20, 24],
  // Enough to do for each.
  [[3], [3], 40, 30, 20],
  [[2, 3], [2, 3], 40, 20, 24],
  [[2], [1], 40, 30, 20],
  [[0], [0], 40, 30, 20],
  // Too little to do: few numbers, and few to do for each that is transposed.
  [[], [], 2, 3, 4],
  [[], [], 1, 200, 300],
  [[], [], 300, 200, 1],
  [[1], [1], 0, 20, 30],
];

const transposes = [false, true].flatMap((a) => [false, true].map((b) => [a, b] as const));

describeBackends(() => {
  test.each(SIZES)('%j × %j, of %d × %d × %d', async (leadingA, leadingB, rows, sums, columns) => {
    for (const [transposeA, transposeB] of transposes) {
      const shapeA = [...leadingA, ...(transposeA ? [sums, rows] : [rows, sums])];
      const shapeB = [...leadingB, ...(transposeB ? [columns, sums] : [sums, columns])];
      const product = () =>
        tf.tidy(() => {
          const y = tf.matMul(draw(shapeA, 1), draw(shapeB, 2), transposeA, transposeB);
          return { shape: y.shape, values: valuesOf(y) };
        });
      const want = await on('cpu', product);
      await accelerated(() => {
        const before = held();
        const got = product();
        expect(got.shape).toEqual(want.shape);
        expect(relativeDistance(got.values, want.values)).toBeLessThan(1e-6);
        expect(held()).toEqual(before);
      });
    }
  });

  test('keeps what is not a number', async () => {
    await accelerated(() => {
      const a = tf.tensor2d(
        Float32Array.from({ length: 900 }, (_, i) => [NaN, Infinity, 1][i] ?? 0),
        [30, 30],
      );
      const y = valuesOf(tf.matMul(a, tf.ones([30, 30]), true));
      expect([y[0], y[30], y[60], y[90]]).toEqual([NaN, Infinity, 1, 0]);
    });
  });

  test('hands TF.js a plain product where that is worth it', async () => {
    const stock = registered('BatchMatMul', 'wasm')!;
    const seen: unknown[] = [];
    const watched: tf.KernelConfig = {
      ...stock,
      kernelFunc: (call) => {
        seen.push(call.attrs);
        return stock.kernelFunc(call);
      },
    };
    tf.unregisterKernel('BatchMatMul', 'wasm');
    tf.registerKernel(watched);
    await accelerated(() => {
      tf.matMul(tf.ones([30, 30]), tf.ones([30, 30]), true, true);
      tf.matMul(tf.ones([2, 2]), tf.ones([2, 2]), true, true);
    });
    expect(registered('BatchMatMul', 'wasm')).toBe(watched);
    tf.unregisterKernel('BatchMatMul', 'wasm');
    tf.registerKernel(stock);
    expect(seen).toEqual([
      { transposeA: false, transposeB: false },
      { transposeA: true, transposeB: true },
    ]);
  });
}, ['wasm']);

test('a product that TF.js refuses leaves nothing', async () => {
  await on('wasm', () =>
    accelerated(() => {
      const x = tf.ones([40, 40], 'int32');
      x.dataSync();
      const before = held();
      expect(() => tf.tidy(() => tf.matMul(x, x, true))).toThrow(/float32/);
      expect(held()).toEqual(before);
      x.dispose();
    }),
  );
});
