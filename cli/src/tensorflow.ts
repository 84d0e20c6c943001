/** @file Starts TF.js: the backend that was asked for, with this library's kernels, and quiet. */
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';
import { accelerateTensorFlow } from 'evenkeel';
import type { BackendName } from './options.js';

/**
 * What TF.js 4.22 warns those of who program with it, and where that is no matter for files of models: states that a call
 * is given stand among its inputs, which are saved.
 */
const TO_PROGRAMMERS = [
  /was passed non-serializable keyword arguments/,
  /^Orthogonal initializer is being called/,
  /^`implementation=0` has been deprecated/,
  /^Backend rnn\(\): the unroll = true option is not applicable/,
];

/** @returns what takes this library's kernels out again, and lets TF.js say what it likes */
export async function startTensorFlow(backend: BackendName): Promise<() => void> {
  // Also keeps TF.js from greeting, and from advising another backend.
  enableProdMode();
  await (backend === 'wasm'
    ? import('@tensorflow/tfjs-backend-wasm')
    : import('@tensorflow/tfjs-backend-cpu'));
  if (!(await setBackend(backend))) throw new Error(`TensorFlow.js cannot use its ${backend} backend here.`);
  const undo = accelerateTensorFlow();
  const { warn } = console;
  console.warn = (...message: unknown[]) => {
    if (!TO_PROGRAMMERS.some((pattern) => pattern.test(String(message[0])))) warn(...message);
  };
  return () => {
    console.warn = warn;
    undo();
  };
}
