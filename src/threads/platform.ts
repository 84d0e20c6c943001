/** @file Threads as Node and pages have them: how they are started, and how both sides talk. */
import { builtinModule } from '../node/builtin-module.js';

/** A worker of Node or of a page, as far as this package uses it. */
export interface ThreadWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

/** Where messages come from: Node's emitters, or a page's event targets. */
type Source =
  | { on(type: string, listener: (value: unknown) => void): unknown }
  | { addEventListener(type: string, listener: (event: Event) => void): void };

interface WorkerThreads {
  readonly Worker: new (
    script: URL,
    options: { workerData: unknown; argv: readonly string[]; execArgv: readonly string[] },
  ) => ThreadWorker;
  readonly parentPort: (ThreadWorker & Source) | null;
  readonly workerData: unknown;
}
interface Stream {
  write(text: string, done: () => void): void;
}
interface Process {
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  readonly stdout: Stream;
  readonly stderr: Stream;
}
interface Require {
  resolve(name: string): string;
}

const workerThreads = () => builtinModule('node:worker_threads') as WorkerThreads | undefined;
const nodeProcess = () => builtinModule('node:process') as Process | undefined;

/** How a worker that this package makes knows that it is one. */
const MARK = 'evenkeel thread';

/** How many cores there are. */
export function countCores(): number {
  const os = builtinModule('node:os') as { availableParallelism(): number } | undefined;
  return os?.availableParallelism() ?? navigator.hardwareConcurrency;
}

/** A worker that runs the script from its beginning. */
export function makeScriptWorker(script: string | URL): ThreadWorker {
  const node = workerThreads();
  if (!node) return new Worker(script, { type: 'module', name: MARK });
  const { argv, execArgv } = nodeProcess()!;
  return new node.Worker(new URL(script), {
    workerData: MARK,
    argv: argv.slice(2),
    execArgv: [...execArgv, ...typescriptArguments(script, execArgv)],
  });
}

/**
 * tsx gives a process TypeScript by `--import tsx`, but not its workers before Node 22.22.3, 24.11.1 and 25.1. This can
 * go when those are not supported any longer.
 */
function typescriptArguments(script: string | URL, execArgv: readonly string[]): string[] {
  // A name, or the path or address of its loader.
  const tsx = execArgv.find((argument) => /\btsx\b/.test(argument));
  if (tsx === undefined) return [];
  const { createRequire } = builtinModule('node:module') as {
    createRequire: (from: string | URL) => Require;
  };
  const from = /^(file:|\/|[a-z]:\\)/i.test(tsx) ? tsx : script;
  const { pathToFileURL } = builtinModule('node:url') as { pathToFileURL: (path: string) => URL };
  // Resolved is what `require` would get, beside what is to be imported.
  const api = new URL('index.mjs', pathToFileURL(createRequire(from).resolve('tsx/esm/api'))).href;
  return ['--import', `data:text/javascript,import { register } from '${api}'; register();`];
}

/** Whether this thread was made by `makeScriptWorker`. */
export function isScriptWorker(): boolean {
  const node = workerThreads();
  return node ? node.workerData === MARK : typeof self !== 'undefined' && self.name === MARK;
}

/** What a worker talks to: whoever made it. null where this is no worker. */
export function makerOfThis(): (ThreadWorker & Source) | null {
  const node = workerThreads();
  if (node) return node.parentPort;
  const isWorker = typeof window === 'undefined' && typeof self !== 'undefined';
  return isWorker ? (self as unknown as ThreadWorker & Source) : null;
}

/**
 * Waits until the output of this thread is out: Node's workers hand it to the main thread, and lose it when they end.
 */
export async function flushOutput(): Promise<void> {
  const { stdout, stderr } = nodeProcess() ?? {};
  for (const stream of [stdout, stderr]) {
    if (stream)
      await new Promise<void>((resolve) => {
        stream.write('', resolve);
      });
  }
}

/** What an 'error' of a worker is about: of Node it is the error, of a page an event. */
export function errorIn(value: unknown): unknown {
  if (!(value instanceof Event)) return value;
  // It is not another error, of the page.
  value.preventDefault();
  return new Error((value as Partial<ErrorEvent>).message ?? 'Its script could not be loaded.');
}

/** Listens to what a worker, or its maker, says. */
export function listen(source: object, type: string, listener: (value: unknown) => void): void {
  const from = source as Source;
  if ('on' in from) from.on(type, listener);
  else {
    from.addEventListener(type, (event) => {
      listener(type === 'message' ? (event as MessageEvent).data : event);
    });
  }
}
