/** @file Which backends can train on several ranks. */
import { getBackend } from '@tensorflow/tfjs-core';
import { ValueError } from '../text/value-error.js';

/** @throws ValueError where values cannot be read without waiting, as sums between two operations need them */
export function checkBackend(): void {
  if (getBackend() !== 'webgpu') return;
  throw new ValueError(
    "backend: 'webgpu' cannot train on several ranks, since it gives the values of tensors only later. " +
      "Use tf.setBackend('wasm') or tf.setBackend('cpu').",
  );
}
