/**
 * @file `accelerateTensorFlow` when a backend is there but was never the active one: TF.js has not set up its kernels
 * yet. This file must not import what makes wasm the active backend.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateTensorFlow } from 'evenkeel';
import { expect, test } from 'vitest';

test("TF.js' own kernel is set up all the same, and serves again after undo", async () => {
  await tf.setBackend('cpu');
  const undo = accelerateTensorFlow();
  await tf.setBackend('wasm');
  await tf.ready();
  expect(tf.getBackend()).toBe('wasm');
  undo();
  const y = tf.batchNorm2d([[1], [3]], [1], [4], [5], [6], 0);
  expect(Array.from(y.dataSync())).toEqual([5, 11]);
});
