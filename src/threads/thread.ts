/** @file A thread's side: it is told its rank and the data, trains, and says what came of it. */
import type { Communicator } from '../group/communicator.js';
import { flushOutput, listen, makerOfThis } from './platform.js';
import { send } from './portable.js';
import { threadCommunicator } from './thread-communicator.js';
import type { ThreadGroup } from './thread-group.js';

/** What a thread is given beside its communicator. */
export interface Thread<Data> {
  /** What `trainOnThreads` was given as `data`: a copy, but for what lies in SharedArrayBuffers. */
  readonly data: Data;
  /** Sends a value to `onReport` of `trainOnThreads`: how far the training is, for instance. */
  readonly report: (value: unknown) => void;
}

/** What every rank runs. */
export type ThreadTraining<Result, Data> = (
  communicator: Communicator,
  thread: Thread<Data>,
) => Result | Promise<Result>;

/** What a thread is told, when it says that it listens. */
export interface Assignment {
  readonly evenkeel: 'assignment';
  readonly group: ThreadGroup;
  readonly rank: number;
  readonly timeout: number | undefined;
  readonly data: unknown;
}

/** An error as it goes from thread to thread. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** What a thread says. Whatever else it posts is not for us. */
export type Message =
  | { readonly evenkeel: 'ready' }
  | { readonly evenkeel: 'report'; readonly value: unknown }
  | { readonly evenkeel: 'done'; readonly result: unknown }
  | { readonly evenkeel: 'failed'; readonly thrown: Thrown };

export const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && 'evenkeel' in value;

export const thrownOf = (error: unknown): Thrown =>
  error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: 'Error', message: String(error), stack: undefined };

/**
 * In a file of its own that `trainOnThreads` runs in every thread: trains, when it is told which rank it is.
 *
 * @returns a promise that never settles: the thread is ended when all are done
 * @throws Error outside a worker
 */
export function trainAsThread<Result, Data = unknown>(train: ThreadTraining<Result, Data>): Promise<never> {
  const maker = makerOfThis();
  if (!maker) {
    throw new Error(
      'trainAsThread is for a file that a worker runs, and this thread is no worker: hand the worker to trainOnThreads.',
    );
  }
  const run = async ({ group, rank, timeout, data }: Assignment) => {
    const communicator = threadCommunicator(group, rank, timeout === undefined ? {} : { timeout });
    // Told before the group is broken, so that nobody takes an error that follows from this one for the first.
    const fail = async (error: unknown) => {
      await flushOutput();
      const thrown = thrownOf(error);
      maker.postMessage({ evenkeel: 'failed', thrown } satisfies Message);
      communicator.abort!(`Rank ${rank} failed: ${thrown.message}`);
    };
    // Node tells whoever made the worker, and has no such event; a page does not tell.
    listen(maker, 'unhandledrejection', (event) => {
      void fail((event as PromiseRejectionEvent).reason);
    });
    const report = (value: unknown) => {
      send(maker, 'report', value, { evenkeel: 'report', value } satisfies Message);
    };
    try {
      const result = await train(communicator, { data: data as Data, report });
      await flushOutput();
      // The ranks have the same weights, and one of them tells.
      const told = rank === 0 ? result : undefined;
      send(maker, 'The result', told, { evenkeel: 'done', result: told } satisfies Message);
      communicator.abort!(`Rank ${rank} is done. Did every thread get as many batches?`);
    } catch (error) {
      await fail(error);
    }
  };
  listen(maker, 'message', (message) => {
    const { evenkeel } = (message ?? {}) as Partial<Assignment>;
    if (evenkeel === 'assignment') void run(message as Assignment);
  });
  maker.postMessage({ evenkeel: 'ready' } satisfies Message);
  return new Promise(() => undefined);
}
