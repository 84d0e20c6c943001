/** @file What the tests of `accelerateTensorFlow` share. */
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow } from 'evenkeel';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Backend, useBackend } from '../backends.js';
import { valuesOf } from '../models/models.js';
import { relativeDistance } from '../properties/layer-and-core.js';

/** What `f` gives while TF.js is accelerated. */
export async function accelerated<T>(f: () => T | Promise<T>): Promise<T> {
  const undo = accelerateTensorFlow();
  try {
    return await f();
  } finally {
    undo();
  }
}

/** Has all tests of a file run accelerated, on a backend. */
export function accelerateAll(backend: Backend): void {
  let undo: () => void;
  beforeAll(async () => {
    await useBackend(backend);
    undo = accelerateTensorFlow();
  });
  afterAll(() => {
    undo();
  });
}

/** What `f` gives on another backend than the one that runs. */
export async function on<T>(backend: Backend, f: () => T | Promise<T>): Promise<T> {
  const before = tf.getBackend() as Backend;
  await useBackend(backend);
  try {
    return await f();
  } finally {
    await useBackend(before);
  }
}

/** Sees that `f` gives the same on the active backend as on cpu, and that nothing else is left. */
export async function expectSame(f: () => tf.Tensor | tf.Tensor[], tolerance = 0): Promise<void> {
  const results = () =>
    tf.tidy(() =>
      [f()].flat().map((tensor) => ({ shape: tensor.shape, type: tensor.dtype, values: valuesOf(tensor) })),
    );
  const want = await on('cpu', results);
  const before = held();
  const got = results();
  if (tolerance === 0) {
    expect(got).toEqual(want);
  } else {
    expect(got.map(({ shape, type }) => [shape, type])).toEqual(want.map(({ shape, type }) => [shape, type]));
    got.forEach(({ values }, i) => {
      expect(relativeDistance(values, want[i]!.values)).toBeLessThan(tolerance);
    });
  }
  expect(held()).toEqual(before);
}

/** The kernel that is registered, or undefined. */
export const registered = (kernelName: string, backendName: string) =>
  tf.getKernel(kernelName, backendName) as tf.KernelConfig | undefined;

/** TF.js' own kernels, taken before any of ours is in their place. */
const STOCK_ON_CPU = new Map(tf.getKernelsForBackend('cpu').map((config) => [config.kernelName, config]));

/** Runs the cpu backend's kernel, TF.js' own, whatever backend is active. */
export function runOnCpu(
  kernelName: string,
  inputs: Record<string, tf.Tensor>,
  attributes: object,
): number[] {
  const backend = tf.engine().findBackend('cpu');
  const { kernelFunc } = STOCK_ON_CPU.get(kernelName)!;
  const { dataId } = kernelFunc({ inputs, attrs: attributes as tf.NamedAttrMap, backend }) as tf.TensorInfo;
  const values = Array.from(backend.readSync(dataId) as Float32Array);
  backend.disposeData(dataId);
  return values;
}

/** Runs the active backend's kernel. */
export function run(kernelName: string, inputs: Record<string, tf.Tensor>, attributes: object): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>(kernelName, inputs, attributes as tf.NamedAttrMap);
}

/** How many tensors there are, and arrays in the active backend. */
export const held = () => [tf.memory().numTensors, tf.engine().backend.numDataIds()];
