/** @file The course of a training, from new networks to their last accuracies: in this thread, or as one of several. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateTensorFlow } from 'evenkeel';
import { trainOnThreads } from 'evenkeel/threads';
import { Random } from '../shared/random.js';
import type { Digits } from '../shared/digits.js';
import type { Data } from './data.js';
import { Network } from './networks.js';
import type { BackendName, Settings } from './settings.js';
import { type Each, type Part, type Progress, readEach, train } from './train.js';

/** The fraction of all test digits that are recognized at the end. */
export type Accuracies = Each<number>;

export async function chooseBackend(name: BackendName): Promise<void> {
  // Also keeps TF.js from greeting, and from advising a backend that the user did not ask for.
  tf.enableProdMode();
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js cannot use its ${name} backend here.`);
  // Dense layers train five times as fast on wasm.
  accelerateTensorFlow();
}

/** Trains in this thread; of several ranks, the first one alone measures. */
export async function runCourse(
  { steps, seed, options }: Settings,
  data: Data,
  part: Part,
  onProgress: (progress: Progress) => void,
): Promise<Accuracies | null> {
  // Every rank has the same networks, and draws the same batches.
  const networks = Network.pair(new Random(seed, 'weights'), options);
  try {
    const random = new Random(seed, 'batches');
    for await (const progress of train(networks, data, { steps, random, ...part })) onProgress(progress);
    if (part.communicator && part.communicator.rank > 0) return null;
    const { plain, normalized } = await readEach(networks, data.test);
    return { plain: plain.accuracy, normalized: normalized.accuracy };
  } finally {
    networks.plain.dispose();
    networks.normalized.dispose();
  }
}

/** What each thread is given. */
export interface Assignment {
  readonly settings: Settings;
  readonly data: Data;
  /** One number, in shared memory: 0 until the training is to stop. */
  readonly stop: Int32Array;
}

function share({ images, labels }: Digits): Digits {
  const bytes = new Uint8Array(new SharedArrayBuffer(images.length + labels.length));
  bytes.set(images);
  bytes.set(labels, images.length);
  return { images: bytes.subarray(0, images.length), labels: bytes.subarray(images.length) };
}

/** Trains on as many threads as the settings say; they see the same digits, not copies. */
export async function runOnThreads(
  settings: Settings,
  { source, training, test }: Data,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Accuracies> {
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const ask = () => {
    Atomics.store(stop, 0, 1);
  };
  if (signal.aborted) ask();
  signal.addEventListener('abort', ask);
  const data = { source, training: share(training), test: share(test) };
  try {
    return await trainOnThreads<Accuracies, Assignment>(new URL('thread.ts', import.meta.url), {
      threads: settings.threads,
      data: { settings, data, stop },
      onReport: onProgress,
    });
  } finally {
    signal.removeEventListener('abort', ask);
  }
}
