/**
 * @file Gradients that TF.js computes wrongly: on wasm those of max pooling and Conv3D, against those of the cpu
 * backend; on both those of average pooling, against what pooling does to each number.
 */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { draw, valuesOf } from '../models/models.js';
import { describeBackends } from '../backends.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import { accelerated, held, on } from './accelerated.js';

type Pooling = [
  shape: [number, number, number, number],
  size: number,
  strides: number,
  pad: 'same' | 'valid',
];

const POOLINGS: Pooling[] = [
  [[2, 6, 5, 3], 2, 2, 'valid'],
  [[2, 6, 5, 3], 3, 2, 'same'],
  [[1, 7, 7, 2], 3, 1, 'same'],
  [[1, 4, 4, 1], 2, 3, 'same'],
];

type Triple = [number, number, number];
type Convolution = [shape: tf.Tensor5D['shape'], filter: Triple, strides: Triple, pad: 'same' | 'valid'];

const CONVOLUTIONS: Convolution[] = [
  [[2, 3, 4, 5, 2], [2, 2, 2], [1, 1, 1], 'valid'],
  [[1, 3, 6, 6, 1], [3, 3, 3], [1, 1, 1], 'same'],
  [[2, 5, 4, 5, 3], [3, 2, 1], [2, 1, 2], 'valid'],
  [[1, 4, 5, 4, 2], [1, 2, 3], [2, 2, 3], 'same'],
];

describeBackends((backend) => {
  test.each(POOLINGS)(
    'max pooling of %j, windows of %d, strides of %d, %s',
    async (shape, size, strides, pad) => {
      // Of both signs, all negative, all positive; and equal ones, zeros or positive.
      for (const [change, isWhole] of [
        [0, false],
        [-10, false],
        [10, false],
        [0, true],
        [10, true],
      ] as const) {
        const gradient = () =>
          tf.tidy(() => {
            const drawn = draw(shape, 1);
            const x = tf.add<tf.Tensor4D>(isWhole ? tf.relu(tf.round(drawn)) : drawn, change);
            const pool = (t: tf.Tensor4D) => tf.maxPool(t, size, strides, pad);
            const dy = draw(pool(x).shape, 2);
            return valuesOf(tf.grad((t) => tf.sum(tf.mul(pool(t as tf.Tensor4D), dy)))(x));
          });
        const want = await on('cpu', gradient);
        await accelerated(() => {
          const before = held();
          expect(relativeDistance(gradient(), want)).toBeLessThan(1e-6);
          expect(held()).toEqual(before);
        });
      }
    },
  );

  test.each(CONVOLUTIONS)('Conv3D of %j, filter %j, strides %j, %s', async (shape, size, strides, pad) => {
    const gradient = () =>
      tf.tidy(() => {
        const filter = draw([...size, shape[4], 2], 1) as tf.Tensor5D;
        const convolve = (x: tf.Tensor5D) => tf.conv3d(x, filter, strides, pad);
        const x = draw(shape, 2) as tf.Tensor5D;
        const dy = draw(convolve(x).shape, 3);
        return valuesOf(tf.grad((t) => tf.sum(tf.mul(convolve(t as tf.Tensor5D), dy)))(x));
      });
    const transposed = () =>
      tf.tidy(() => {
        const filter = draw([...size, 2, shape[4]], 1) as tf.Tensor5D;
        const sizes = shape.slice(1, 4).map((length, i) => length * strides[i]!);
        const output = [shape[0], ...sizes, 2] as tf.Tensor5D['shape'];
        return valuesOf(tf.conv3dTranspose(draw(shape, 2) as tf.Tensor5D, filter, output, strides, 'same'));
      });
    for (const compute of [gradient, transposed]) {
      const want = await on('cpu', compute);
      await accelerated(() => {
        const before = held();
        expect(relativeDistance(compute(), want)).toBeLessThan(1e-6);
        expect(held()).toEqual(before);
      });
    }
  });

  test.each<Convolution>([
    [[1, 6, 6, 7, 2], [1, 1, 2], [4, 4, 4], 'same'],
    [[2, 5, 6, 6, 1], [1, 1, 1], [2, 4, 3], 'same'],
  ])(
    'Conv3D of %j, filter %j, strides %j, %s, has the gradients of its sums',
    async (shape, size, strides, pad) => {
      // It is linear in both: dy·convolve(x, filter) = dx·x = dFilter·filter.
      await accelerated(() => {
        tf.tidy(() => {
          const x = draw(shape, 1) as tf.Tensor5D;
          const filter = draw([...size, shape[4], 2], 2) as tf.Tensor5D;
          const convolve = (one: tf.Tensor5D, other: tf.Tensor5D) => tf.conv3d(one, other, strides, pad);
          const dy = draw(convolve(x, filter).shape, 3);
          const loss = (one: tf.Tensor, other: tf.Tensor) =>
            tf.sum(tf.mul(convolve(one as tf.Tensor5D, other as tf.Tensor5D), dy));
          const [dx, dFilter] = tf.grads(loss)([x, filter]) as [tf.Tensor, tf.Tensor];
          const want = valuesOf(loss(x, filter))[0]!;
          expect(valuesOf(tf.sum(tf.mul(dx, x)))[0]).toBeCloseTo(want, 4);
          expect(valuesOf(tf.sum(tf.mul(dFilter, filter)))[0]).toBeCloseTo(want, 4);
        });
      });
    },
  );

  /** How far the gradient of average pooling is from the sum of what each of dy's windows takes from x. */
  function errorOfAveragePooling(
    [samples, channels]: [number, number],
    space: number[],
    pool: (x: tf.Tensor) => tf.Tensor,
  ): number {
    return tf.tidy(() => {
      const x = draw([samples, ...space, channels], 1);
      const dy = draw(pool(x).shape, 2);
      const dx = tf.grad((t) => tf.sum(tf.mul(pool(t), dy)))(x);
      const pixels = tf.util.sizeFromShape(space);
      const taken = tf.reshape(pool(tf.reshape(tf.eye(pixels), [pixels, ...space, 1])), [1, pixels, -1]);
      const want = tf.matMul(taken, tf.reshape(dy, [samples, -1, channels]));
      return relativeDistance(valuesOf(dx), valuesOf(want));
    });
  }

  test.each([2, 3])('average pooling in %d dimensions', async (dimensions) => {
    const lengths = (max: number) =>
      fc.array(fc.integer({ min: 1, max }), { minLength: dimensions, maxLength: dimensions });
    await accelerated(() => {
      fc.assert(
        fc.property(lengths(6), lengths(4), lengths(3), fc.boolean(), (space, windows, strides, isSame) => {
          // TF.js' padding in three dimensions is negative where strides are longer than windows.
          fc.pre(dimensions === 2 || strides.every((stride, i) => stride <= windows[i]!));
          fc.pre(isSame || space.every((size, i) => size >= windows[i]!));
          const pad = isSame ? 'same' : 'valid';
          const pool = (x: tf.Tensor): tf.Tensor =>
            dimensions === 2
              ? tf.avgPool(x as tf.Tensor4D, windows as [number, number], strides as [number, number], pad)
              : tf.avgPool3d(x as tf.Tensor5D, windows as Triple, strides as Triple, pad);
          const before = held();
          expect(errorOfAveragePooling([2, 3], space, pool)).toBeLessThan(1e-6);
          expect(held()).toEqual(before);
        }),
        { numRuns: 200, seed: 4 },
      );
    });
  });

  test('average pooling was wrong where windows reach beyond the input', () => {
    const error = (pad: 'same' | 'valid', dimensions: number) =>
      errorOfAveragePooling([1, 1], dimensions === 2 ? [3, 4] : [2, 3, 4], (x) =>
        dimensions === 2
          ? tf.avgPool(x as tf.Tensor4D, 2, 1, pad)
          : tf.avgPool3d(x as tf.Tensor5D, 2, 1, pad),
      );
    for (const dimensions of [2, 3]) {
      expect(error('valid', dimensions)).toBeLessThan(1e-6);
      expect(error('same', dimensions)).toBeGreaterThan(0.1);
    }
  });

  /** How far the gradient of resizing is from the sum of what each number of dy takes from x. */
  function errorOfResizing(name: 'resizeNearestNeighbor' | 'resizeBilinear', sizes: number[]): number {
    const [samples, height, width, newHeight, newWidth] = sizes as [number, number, number, number, number];
    const resize = (x: tf.Tensor) => tf.image[name](x as tf.Tensor4D, [newHeight, newWidth]);
    return tf.tidy(() => {
      const pixels = height * width;
      const taken = tf.reshape(resize(tf.reshape(tf.eye(pixels), [pixels, height, width, 1])), [
        1,
        pixels,
        -1,
      ]);
      const dy = draw([samples, newHeight, newWidth, 3], 1);
      const dx = tf.grad(resize)(tf.ones([samples, height, width, 3]), dy);
      expect(dx.shape).toEqual([samples, height, width, 3]);
      const want = tf.matMul(taken, tf.reshape(dy, [samples, newHeight * newWidth, 3]));
      return relativeDistance(valuesOf(dx), valuesOf(want));
    });
  }

  test.each(['resizeNearestNeighbor', 'resizeBilinear'] as const)('%s of several images', async (name) => {
    await accelerated(() => {
      for (const sizes of [
        [1, 2, 2, 4, 4],
        [2, 2, 3, 4, 6],
        [3, 5, 3, 2, 7],
        [2, 4, 4, 2, 2],
      ]) {
        const before = held();
        expect(errorOfResizing(name, sizes), `${sizes}`).toBeLessThan(1e-6);
        expect(held()).toEqual(before);
      }
    });
  });

  test('resizing was wrong on cpu for all images but the first, and failed where they are not square', () => {
    const isCpu = backend === 'cpu';
    expect(errorOfResizing('resizeNearestNeighbor', [1, 2, 2, 4, 4])).toBeLessThan(1e-6);
    expect(errorOfResizing('resizeNearestNeighbor', [2, 2, 2, 4, 4]) > 0.1).toBe(isCpu);
    const failure = () => errorOfResizing('resizeBilinear', [1, 2, 3, 4, 6]);
    if (isCpu) expect(failure).toThrow('has shape');
    else expect(failure()).toBeLessThan(1e-6);
  });
});
