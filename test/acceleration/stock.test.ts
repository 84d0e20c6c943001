/**
 * @file What TF.js computes wrongly by itself. Once a test here fails, TF.js has mended a kernel, and ours can go.
 * Kernels that it lacks are in undo.test.ts, normalization off the last axis in fused-batch-norm.test.ts, average pooling
 * and resizing in gradients.test.ts.
 */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../backends.js';
import { draw, valuesOf } from '../models/models.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import { accelerated, on } from './accelerated.js';

const image = () => tf.sub<tf.Tensor4D>(draw([2, 6, 5, 2], 1), 2);
const volume = () => tf.sub<tf.Tensor5D>(draw([2, 4, 5, 6, 2], 1), 2);
const filter = (...shape: number[]) => draw(shape, 2);

/** The gradient of the sum of squares. */
const gradient = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => tf.grad((t) => tf.sum(tf.square(f(t))))(x);

const convolve3D = (x: tf.Tensor, taps: tf.Tensor, strides: number) =>
  tf.conv3d(x as tf.Tensor5D, taps as tf.Tensor5D, strides, 'valid');

/** By the names of kernels; each is right on the cpu backend. */
const WRONG_ON_WASM: Record<string, () => tf.Tensor> = {
  MaxPoolGrad: () => gradient((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), image()),
  MaxPool3D: () => tf.maxPool3d(volume(), 2, 2, 'valid'),
  MaxPool3DGrad: () => gradient((x) => tf.maxPool3d(x as tf.Tensor5D, 2, 2, 'valid'), volume()),
  'Conv3DBackpropInputV2, as a gradient': () =>
    gradient((x) => convolve3D(x, filter(2, 2, 2, 2, 3), 1), volume()),
  'Conv3DBackpropInputV2, as tf.conv3dTranspose': () =>
    tf.conv3dTranspose(volume(), filter(2, 2, 2, 3, 2) as tf.Tensor5D, [2, 5, 6, 7, 3], 1, 'valid'),
  'Conv3DBackpropFilterV2 with strides': () =>
    gradient((taps) => convolve3D(volume(), taps, 2), filter(2, 2, 2, 2, 3)),
  'Conv2D with long strides': () => tf.conv2d(image(), filter(2, 2, 2, 3) as tf.Tensor4D, 3, 'same'),
  'FusedConv2D with long strides': () =>
    tf.fused.conv2d({ x: image(), filter: filter(2, 2, 2, 3) as tf.Tensor4D, strides: 3, pad: 'same' }),
  'DepthwiseConv2dNative with long strides': () =>
    tf.depthwiseConv2d(image(), filter(2, 2, 2, 1) as tf.Tensor4D, 3, 'same'),
  'FusedDepthwiseConv2D with long strides': () =>
    tf.fused.depthwiseConv2d({
      x: image(),
      filter: filter(2, 2, 2, 1) as tf.Tensor4D,
      strides: 3,
      pad: 'same',
    }),
};

beforeAll(() => useBackend('wasm'));

test.each(Object.entries(WRONG_ON_WASM))('%s is wrong on wasm, and right when accelerated', async (_, f) => {
  const compute = () => tf.tidy(() => valuesOf(f()));
  const want = await on('cpu', compute);
  expect(relativeDistance(compute(), want)).toBeGreaterThan(0.01);
  expect(relativeDistance(await accelerated(compute), want)).toBeLessThan(1e-6);
});

test('MaxPool3DGrad is wrong on cpu for windows whose height is not their width', async () => {
  const compute = () =>
    tf.tidy(() => {
      const x = tf.tensor([-3, -2, -5, -1, -4, -2.5], [1, 1, 2, 3, 1]);
      const dy = tf.tensor([1, 10, 100, 1000, 10_000, 100_000], [1, 1, 2, 3, 1]);
      return valuesOf(tf.grad((t) => tf.maxPool3d(t as tf.Tensor5D, [1, 2, 1], 1, 'same'))(x, dy));
    });
  const want = [0, 10, 0, 1001, 10_000, 100_100];
  await on('cpu', async () => {
    expect(compute()).not.toEqual(want);
    expect(await accelerated(compute)).toEqual(want);
  });
});
