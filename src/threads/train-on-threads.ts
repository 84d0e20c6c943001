/** @file Training on all cores: the side that starts the threads, hears of each, and ends them all together. */
import { checkNames } from '../text/names.js';
import { refuse } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';
import {
  countCores,
  errorIn,
  isScriptWorker,
  listen,
  makeScriptWorker,
  type ThreadWorker,
} from './platform.js';
import { send } from './portable.js';
import {
  type Assignment,
  type Message,
  type ThreadTraining,
  type Thrown,
  isMessage,
  thrownOf,
  trainAsThread,
} from './thread.js';
import { checkTimeout } from './thread-communicator.js';
import { breakThreadGroup, makeThreadGroup, rankThatEnded, type ThreadGroup } from './thread-group.js';

export interface ThreadsOptions<Data> {
  /** How many threads, which are the ranks of the group. Default: as many as there are cores. */
  threads?: number;
  /**
   * What every thread gets as `data`. Each gets a copy of its own; of a typed array over a SharedArrayBuffer, all get
   * the same numbers without a copy: `new Float32Array(new SharedArrayBuffer(bytes))`.
   */
  data?: Data;
  /** Ends the training: the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** How long a sum waits for the other threads, in seconds. Default 600. */
  timeout?: number;
  /** Is given what a thread reports, and the thread's rank. */
  onReport?(report: unknown, rank: number): void;
}

const OPTIONS = ['threads', 'data', 'signal', 'timeout', 'onReport'];

/** How long to wait for the first error, from which others follow, in milliseconds. */
const PATIENCE = 1000;

/** Whether this thread has trained by a function before. */
let hasTrained = false;

/**
 * Trains on all cores: runs `train` on several threads at once, each of which is a rank of one group.
 *
 * The threads are workers that run this same file from its beginning. In them, the call runs `train` and never returns;
 * what stands after it is run by the main thread alone, which gets the result of rank 0.
 *
 * @example
 * // train.js: node train.js
 * const loss = await trainOnThreads(import.meta.url, async (communicator) => {
 *   await tf.setBackend('cpu');
 *   const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
 *   model.compile({ optimizer: tf.train.sgd(0.2), loss: 'meanSquaredError' });
 *   const { rank, callbacks } = distributedDataParallel(model, communicator);
 *   // Each rank has rows of its own, and as many as the others.
 *   const x = tf.randomUniform([64, 1], 0, 1, 'float32', 1 + rank);
 *   const { history } = await model.fit(x, tf.add(tf.mul(x, 3), 1), { epochs: 100, verbose: 0, callbacks });
 *   return Number(history.loss!.at(-1));
 * });
 * console.log(loss < 0.01); // true
 *
 * @param script `import.meta.url`
 * @param train what every thread runs; its result may be anything but tensors, functions and models
 * @returns rank 0's result, when all threads are done
 * @throws what the first rank that failed threw, with its rank; then all threads have been ended
 */
export function trainOnThreads<Result, Data = unknown>(
  script: string | URL,
  train: ThreadTraining<Result, Data>,
  options?: ThreadsOptions<Data>,
): Promise<Result>;
/**
 * Trains on all cores, by a file of its own that calls `trainAsThread`.
 *
 * Bundlers of pages know a worker by `() => new Worker(new URL('./thread.js', import.meta.url), { type: 'module' })`.
 * The page must be cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and
 * Cross-Origin-Embedder-Policy: require-corp). There TF.js' wasm backend starts threads of its own: call its
 * setThreadsCount(1) in the worker's file, before setBackend.
 *
 * @param thread the file, as `new URL('./thread.js', import.meta.url)`, or what makes one worker that runs it
 */
export function trainOnThreads<Result, Data = unknown>(
  thread: string | URL | (() => ThreadWorker),
  options?: ThreadsOptions<Data>,
): Promise<Result>;
export async function trainOnThreads<Result, Data>(
  script: string | URL | (() => ThreadWorker),
  ...rest: [ThreadTraining<Result, Data>, ThreadsOptions<Data>?] | [ThreadsOptions<Data>?]
): Promise<Result> {
  const makeWorker = typeof script === 'function' ? script : () => makeScriptWorker(script);
  if (typeof script !== 'function' && !URL.canParse(String(script))) {
    refuse(TypeError, 'script', "import.meta.url, or new URL('./thread.js', import.meta.url)", script);
  }
  const [first, second] = rest;
  if (typeof first !== 'function') {
    if (isScriptWorker()) {
      throw new ValueError(
        'trainOnThreads was called in a thread that it has started. The file of such a thread calls trainAsThread(train).',
      );
    }
    return runThreads(makeWorker, first) as Promise<Result>;
  }
  if (hasTrained) {
    throw new ValueError(
      'trainOnThreads was given a function before, and its threads come no further than to the first call. For several ' +
        "trainings, write a file that calls trainAsThread(train), and here trainOnThreads(new URL('./thread.js', " +
        'import.meta.url), { data }).',
    );
  }
  hasTrained = true;
  return isScriptWorker() ? trainAsThread(first) : (runThreads(makeWorker, second) as Promise<Result>);
}

/** An error of this thread for one of another, of which it tells name and stack as its cause. */
function errorFrom(rank: number, size: number, { name, message, stack }: Thrown): Error {
  const cause = new Error(message);
  cause.name = name;
  if (stack !== undefined) cause.stack = stack;
  const who = `Rank ${rank} of ${size}`;
  // A communicator's errors say it.
  const text = message.startsWith(who) ? message : `${who} failed: ${message}`;
  const Class = name === 'ValueError' ? ValueError : name === 'TypeError' ? TypeError : Error;
  return new Class(text, { cause });
}

/** Starts the threads; when it is settled they have ended. */
async function runThreads(
  makeWorker: () => ThreadWorker,
  options: ThreadsOptions<unknown> = {},
): Promise<unknown> {
  checkNames('option', 'trainOnThreads', options, OPTIONS);
  const { threads: size = countCores(), signal, timeout } = options;
  if (timeout !== undefined) checkTimeout(timeout);
  const group = makeThreadGroup(size);
  signal?.throwIfAborted();
  const workers: ThreadWorker[] = [];
  const listening = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal!.reason as Error);
      };
      signal?.addEventListener('abort', abort, { signal: listening.signal });
      const hear = makeListener(group, options, resolve, reject);
      for (let rank = 0; rank < size; rank++) {
        const worker = makeWorker();
        if (typeof (worker as Partial<ThreadWorker> | null)?.postMessage !== 'function') {
          refuse(TypeError, 'makeWorker', 'a function that gives a worker', worker);
        }
        workers.push(worker);
        hear(worker, rank);
      }
    });
  } finally {
    listening.abort();
    breakThreadGroup(group);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Listens to the workers of a group: when all are done it resolves, when one fails it rejects. */
function makeListener(
  group: ThreadGroup,
  options: ThreadsOptions<unknown>,
  resolve: (result: unknown) => void,
  reject: (error: unknown) => void,
): (worker: ThreadWorker, rank: number) => void {
  const { data, timeout } = options;
  const done = new Set<number>();
  const failures = new Map<number, Error>();
  let result: unknown;

  const fail = (rank: number, thrown: Thrown) => {
    if (failures.has(rank) || done.has(rank)) return;
    const failure = errorFrom(rank, group.size, thrown);
    failures.set(rank, failure);
    breakThreadGroup(group, failure);
    // Others fail because the first did, and may be heard of before.
    const first = rankThatEnded(group);
    if (first === null || done.has(first) || failures.has(first)) {
      reject(failures.get(first ?? rank) ?? failure);
    } else {
      setTimeout(() => {
        reject(failure);
      }, PATIENCE);
    }
  };
  const answer = (worker: ThreadWorker, rank: number, message: Message) => {
    switch (message.evenkeel) {
      case 'ready':
        send(worker, 'data', data, {
          evenkeel: 'assignment',
          group,
          rank,
          timeout,
          data,
        } satisfies Assignment);
        break;
      case 'report':
        options.onReport?.(message.value, rank);
        break;
      case 'done':
        done.add(rank);
        if (rank === 0) result = message.result;
        if (done.size === group.size) resolve(result);
        break;
      case 'failed':
        fail(rank, message.thrown);
    }
  };
  return (worker, rank) => {
    listen(worker, 'message', (message) => {
      try {
        if (isMessage(message)) answer(worker, rank, message);
      } catch (error) {
        reject(error);
      }
    });
    listen(worker, 'error', (error) => {
      fail(rank, thrownOf(errorIn(error)));
    });
    listen(worker, 'messageerror', () => {
      fail(rank, thrownOf('A message of it cannot be read.'));
    });
    listen(worker, 'exit', (code) => {
      fail(rank, thrownOf(`Its thread has ended, with exit code ${String(code)}.`));
    });
  };
}
