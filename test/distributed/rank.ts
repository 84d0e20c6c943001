/** @file A thread that is one rank: it runs a program, and says what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ThreadGroup, threadCommunicator } from 'evenkeel/threads';
import type { Outcome, Program } from './ranks.js';

/** What a thread is started with. */
export interface Assignment {
  readonly group: ThreadGroup;
  readonly rank: number;
  /** Of the file in programs/, and of a function that it exports. */
  readonly file: string;
  readonly name: string;
  readonly input: unknown;
  readonly timeout: number;
}

const { group, rank, file, name, input, timeout } = workerData as Assignment;

async function run(): Promise<Outcome<unknown>> {
  try {
    const module = (await import(`./programs/${file}.ts`)) as Record<string, Program<unknown, unknown>>;
    // A short timeout counts from when all ranks have loaded their program, which takes seconds on a busy machine.
    threadCommunicator(group, rank, { timeout: 60 }).allReduce(new Float64Array(1));
    return { value: await module[name]!(threadCommunicator(group, rank, { timeout }), input) };
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

parentPort!.postMessage(await run());
