/**
 * @file `accelerateTensorFlow` before any backend is there. This file must not import what imports a backend, before
 * its test does.
 */
import * as tf from '@tensorflow/tfjs-core';
import { accelerateTensorFlow } from 'evenkeel';
import { expect, test, vi } from 'vitest';

const names = (backend: string) => tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName);
const kernel = (name: string, backend: string) => tf.getKernel(name, backend) as tf.KernelConfig | undefined;

/** Channels first, where TF.js' own kernel is wrong. */
const normalize = () =>
  tf.tidy(() =>
    Array.from(
      tf
        .batchNorm4d(
          tf.tensor4d([1, 2, 3, 4], [1, 2, 1, 2]),
          tf.tensor4d([1, 4], [1, 2, 1, 1]),
          tf.ones<tf.Rank.R4>([1, 2, 1, 1]),
          undefined,
          undefined,
          0,
        )
        .dataSync(),
    ),
  );

test('accelerates a backend that is imported later, when it becomes the active one', async () => {
  const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const undo = accelerateTensorFlow();
  expect(['wasm', 'cpu'].map(names)).toEqual([['EvenkeelOnActivation'], ['EvenkeelOnActivation']]);

  await import('@tensorflow/tfjs-backend-cpu');
  await import('@tensorflow/tfjs-backend-wasm');
  const stock = kernel('FusedBatchNorm', 'wasm');
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    await tf.ready();
    expect(tf.getBackend()).toBe(backend);
    expect(normalize()).toEqual([0, 1, -1, 0]);
  }
  expect(kernel('FusedBatchNorm', 'wasm')).not.toBe(stock);
  expect(kernel('Conv2DBackpropFilter', 'wasm')).toBeDefined();
  undo();
  expect(kernel('FusedBatchNorm', 'wasm')).toBe(stock);
  expect(kernel('Conv2DBackpropFilter', 'wasm')).toBeUndefined();
  expect(names('wasm')).not.toContain('EvenkeelOnActivation');
  // TF.js' own kernel was set up too.
  expect(normalize()).toEqual([0, -2, 2, 0]);
  expect(warnings.mock.calls.flat().filter((text) => String(text).includes('already registered'))).toEqual(
    [],
  );
});
