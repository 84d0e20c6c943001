/**
 * @file The page: offers what the tests in Node replay too, by name, to be called from outside. Vite bundles it with
 * the package as it is installed.
 */
/// <reference types="vite/client" />
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plainUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { check, checkSame } from '../../check.js';
import { type KernelsInUse, checkKernels } from '../../fused/kernels-in-use.js';
import type { GoldenAttempt, GoldenCase, GoldenRun, LayerGroup } from '../../golden/format.js';
import { replayAcceptance, replayCase, replayRefusal } from '../../keras/cases.js';
import { type Setup, replayRun } from '../../keras/runs.js';
import { USES, leftByCalls, leftByDisposal, leftByGradients, leftByTraining } from '../../models/leaks.js';
import { recordWarnings, takeWarnings } from '../../warnings.js';

setWasmPaths({
  'tfjs-backend-wasm.wasm': plainUrl,
  'tfjs-backend-wasm-simd.wasm': simdUrl,
  'tfjs-backend-wasm-threaded-simd.wasm': threadedUrl,
});

/** What runs in the page. */
export interface Running {
  backend: string;
  /** Whether tensors lie on a GPU, or on what stands in for one. */
  isOnGpu: boolean;
  /** Of the wasm backend, 0 elsewhere. */
  threads: number;
  hasSharedMemory: boolean;
  /** Whether a layer says that it runs on kernels of ours. */
  hasKernels: boolean;
}

const files = new Map<string, Promise<unknown>>();

/** A file of golden data. The server says that it is compressed, and the browser sees to that. */
function read<T>(name: string): Promise<T> {
  let file = files.get(name);
  if (!file) {
    file = fetch(`./${name}.json.gz`).then((response) => response.json());
    files.set(name, file);
  }
  return file as Promise<T>;
}

async function caseOf(group: LayerGroup, index: number): Promise<GoldenCase> {
  return (await read<{ cases: GoldenCase[] }>(group)).cases[index]!;
}

async function attemptOf(group: 'errors' | 'accepted', index: number): Promise<GoldenAttempt> {
  return (await read<{ cases: GoldenAttempt[] }>(group)).cases[index]!;
}

/**
 * TF.js takes WebGL's float32 for float16, and then adds 1e-4 where Keras adds 1e-7, as in its constraints and losses:
 * tensorflow/tfjs#6980. To be deleted once that is mended. COMPATIBILITY.md tells users.
 */
function mendPrecision(): void {
  if (tf.getBackend() === 'webgl') Object.assign(tf.engine().backend, { floatPrecisionValue: 32 });
}

/** What can be asked of the page. Each throws what does not hold. */
const tests = {
  /** Makes a backend the one that runs. */
  async start(backend: string, threads: number): Promise<Running> {
    // Small tensors too are to be computed where the backend computes large ones.
    tf.env().set('WEBGL_CPU_FORWARD', false);
    tf.env().set('WEBGPU_CPU_FORWARD', false);
    if (threads > 1) setThreadsCount(threads);
    check(await tf.setBackend(backend), `${backend} does not start`);
    await tf.ready();
    mendPrecision();
    await tf.add(tf.ones([3]), 1).data();
    const { numBytesInGPU = 0 } = tf.memory() as tf.MemoryInfo & { numBytesInGPU?: number };
    const { wasm } = tf.engine().backend as { wasm?: { HEAPU8: Uint8Array } };
    return {
      backend: tf.getBackend(),
      isOnGpu: numBytesInGPU > 0,
      threads: wasm ? getThreadsCount() : 0,
      hasSharedMemory:
        typeof SharedArrayBuffer !== 'undefined' && wasm?.HEAPU8.buffer instanceof SharedArrayBuffer,
      hasKernels: layerBatchNormalization().describe().kernels.length > 0,
    };
  },

  async replayCase(group: LayerGroup, index: number, more: BatchNormalizationArgs) {
    await replayCase(await caseOf(group, index), index, more);
  },

  async checkKernels(group: LayerGroup, index: number, expected: KernelsInUse) {
    await checkKernels(await caseOf(group, index), expected);
  },

  async replayRefusal(index: number) {
    replayRefusal(await attemptOf('errors', index));
  },

  async replayAcceptance(index: number) {
    replayAcceptance(await attemptOf('accepted', index));
  },

  async replayRun(index: number, setup: Setup) {
    const { runs } = await read<{ runs: GoldenRun[] }>('runs');
    await replayRun(runs[index]!, setup);
  },

  checkLeaks(use: string) {
    const layer = USES[use]!;
    checkSame(leftByCalls(layer), [0, 0], 'tensors left by calls');
    checkSame(leftByGradients(layer), [0, 0], 'tensors left by gradients');
    checkSame(leftByDisposal(layer), 0, 'tensors left by a layer that is disposed');
  },

  async checkLeaksOfTraining() {
    checkSame((await leftByTraining()).flat(), [0, 0, 0, 0, 0, 0], 'left by training');
  },
};

export type PageTests = typeof tests;

/** Runs a test, disposes its tensors, and fails it for warnings that it did not take. */
async function run(name: keyof PageTests, args: readonly unknown[]): Promise<unknown> {
  const stopRecording = recordWarnings();
  tf.engine().startScope();
  try {
    const result: unknown = await (tests[name] as (...args: readonly unknown[]) => unknown)(...args);
    checkSame(takeWarnings(), [], 'warnings that the test did not take');
    return result;
  } finally {
    tf.engine().endScope();
    stopRecording();
  }
}

declare global {
  interface Window {
    runTest: typeof run;
  }
}

window.runTest = run;
