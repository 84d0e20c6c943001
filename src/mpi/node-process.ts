/** @file What is asked of Node's process. This package does not depend on Node's types. */
import { builtinModule } from '../node/builtin-module.js';

export interface NodeProcess {
  readonly env: Record<string, string | undefined>;
  on(event: 'exit', listener: (code: number) => void): void;
  on(event: 'uncaughtExceptionMonitor', listener: (error: unknown) => void): void;
  off(event: 'exit', listener: (code: number) => void): void;
  off(event: 'uncaughtExceptionMonitor', listener: (error: unknown) => void): void;
  listenerCount(event: 'uncaughtException'): number;
  hasUncaughtExceptionCaptureCallback(): boolean;
}

/** The process, of which this must be the main thread. */
export function mainProcess(): NodeProcess {
  const threads = builtinModule('node:worker_threads') as { isMainThread: boolean } | undefined;
  if (!threads) {
    throw new Error("MPI starts processes of Node, and this is none. In a page, use 'evenkeel/threads'.");
  }
  if (!threads.isMainThread) {
    throw new Error(
      'mpiCommunicator() was called in a worker thread, and MPI serves the main thread of each process. Call it there; for ' +
        "threads of one process, use threadCommunicator() of 'evenkeel/threads'.",
    );
  }
  return (globalThis as unknown as { process: NodeProcess }).process;
}
