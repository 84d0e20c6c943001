/** @file What is asked of Node's process. This package does not depend on Node's types. */

export interface NodeProcess {
  readonly env: Record<string, string | undefined>;
  getBuiltinModule(name: string): unknown;
  on(event: 'exit', listener: (code: number) => void): void;
  on(event: 'uncaughtExceptionMonitor', listener: (error: unknown) => void): void;
  off(event: 'exit', listener: (code: number) => void): void;
  off(event: 'uncaughtExceptionMonitor', listener: (error: unknown) => void): void;
  listenerCount(event: 'uncaughtException'): number;
  hasUncaughtExceptionCaptureCallback(): boolean;
}

/** The process, of which this must be the main thread. */
export function mainProcess(): NodeProcess {
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  if (!process?.getBuiltinModule) {
    throw new Error("MPI starts processes of Node, and this is none. In a page, use 'evenkeel/threads'.");
  }
  const node = process as NodeProcess;
  if (!(node.getBuiltinModule('node:worker_threads') as { isMainThread: boolean }).isMainThread) {
    throw new Error(
      'mpiCommunicator() was called in a worker thread, and MPI serves the main thread of each process. Call it there; for ' +
        "threads of one process, use threadCommunicator() of 'evenkeel/threads'.",
    );
  }
  return node;
}
