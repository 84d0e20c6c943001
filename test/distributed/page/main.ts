/** @file A page that trains on threads, as a bundler makes it; a test in Node calls what it offers. */
import { makeThreadGroup, threadCommunicator, trainOnThreads } from 'evenkeel/threads';
import type { Input, Result } from './thread.js';

export const functions = {
  /** The result of rank 0, and what the threads reported, by rank. */
  async train(what: Input['what'], threads: number): Promise<{ result: Result; reports: unknown[] }> {
    const reports: unknown[] = [];
    const result = await trainOnThreads<Result, Input>(
      () => new Worker(new URL('./thread.ts', import.meta.url), { type: 'module' }),
      { threads, data: { what }, onReport: (report, rank) => (reports[rank] = report) },
    );
    return { result, reports };
  },
  /** A training whose script does not exist. */
  async trainNothing(): Promise<void> {
    await trainOnThreads(() => new Worker(new URL('no-such-file.js', location.href), { type: 'module' }), {
      threads: 2,
    });
  },
  /** Takes part in a group on the page's own thread. */
  wait(): void {
    threadCommunicator(makeThreadGroup(2), 0);
  },
};

Object.assign(window, { functions });
