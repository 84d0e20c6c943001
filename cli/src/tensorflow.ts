/** @file Starts TF.js: the backend that was asked for, with this library's kernels. */
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';
import { accelerateTensorFlow } from 'evenkeel';
import type { BackendName } from './options.js';

/** @returns what takes this library's kernels out again */
export async function startTensorFlow(backend: BackendName): Promise<() => void> {
  // Also keeps TF.js from greeting, and from advising another backend.
  enableProdMode();
  await (backend === 'wasm'
    ? import('@tensorflow/tfjs-backend-wasm')
    : import('@tensorflow/tfjs-backend-cpu'));
  if (!(await setBackend(backend))) throw new Error(`TensorFlow.js cannot use its ${backend} backend here.`);
  return accelerateTensorFlow();
}
