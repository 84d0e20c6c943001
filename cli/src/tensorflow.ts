/** @file Starts TF.js: the backend that was asked for, with this library's kernels, and quiet. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { accelerateTensorFlow } from 'evenkeel';
import { ValueError } from 'evenkeel/core';
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
  core.enableProdMode();
  await (backend === 'wasm'
    ? import('@tensorflow/tfjs-backend-wasm')
    : import('@tensorflow/tfjs-backend-cpu'));
  if (!(await core.setBackend(backend)))
    throw new Error(`TensorFlow.js cannot use its ${backend} backend here.`);
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

/**
 * Runs modules of the user's own, which register classes of layers. A module's default export is called with TF.js, so
 * that it need not find the copy of TF.js that this command has.
 *
 * @throws ValueError where a module cannot be run
 */
export async function importModules(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
      if (typeof module.default === 'function')
        await (module.default as (tf: object) => unknown)({ ...core, ...layers });
    } catch (error) {
      throw new ValueError(`--import ${path}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}
