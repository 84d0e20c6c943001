/**
 * @file Runs a program on several ranks, which are threads of this process, and gives what each of them returns.
 * Programs are functions that files in programs/ export; what these import must do without Vitest.
 */
import { Worker } from 'node:worker_threads';
import type { Communicator } from 'evenkeel/distributed';
import { breakThreadGroup, makeThreadGroup } from 'evenkeel/threads';
import type { Assignment } from './rank.js';

/** What each rank runs. Input and result are plain data, since threads get copies of them. */
export type Program<Input, Result> = (communicator: Communicator, input: Input) => Result | Promise<Result>;

type Input<P> = P extends Program<infer Input, unknown> ? Input : never;
type Result<P> = P extends Program<never, infer Result> ? Awaited<Result> : never;

/** What came of a program on one rank; an error as 'name: message'. */
export type Outcome<Result> = { readonly value: Result } | { readonly error: string };

export interface RankOptions<P> {
  /** How many ranks there are. */
  readonly size: number;
  readonly input: Input<P>;
  /** How many seconds a sum waits for the other ranks. Default 60. */
  readonly timeout?: number;
  /** How many bytes a rank lays down at once. Default as in makeThreadGroup. */
  readonly byteLength?: number;
}

/**
 * The outcomes on all ranks, in their order. A rank that fails ends the group, so that no other waits for it.
 *
 * @param file in programs/, without '.ts'
 * @param name of the function that it exports, whose type is P
 */
export async function outcomesOnRanks<P extends Program<never, unknown>>(
  file: string,
  name: string,
  { size, input, timeout = 60, byteLength }: RankOptions<P>,
): Promise<Outcome<Result<P>>[]> {
  const group = makeThreadGroup(size, byteLength);
  const workers: Worker[] = [];
  const runOn = (rank: number) =>
    new Promise<Outcome<Result<P>>>((resolve) => {
      const workerData: Assignment = { group, rank, file, name, input, timeout };
      const worker = new Worker(new URL('start-rank.js', import.meta.url), { workerData });
      workers.push(worker);
      const fail = (error: string) => {
        breakThreadGroup(group, `Rank ${rank} has ended by ${error}`);
        resolve({ error });
      };
      worker.on('message', (outcome: Outcome<Result<P>>) => {
        if ('error' in outcome) fail(outcome.error);
        else resolve(outcome);
      });
      worker.on('error', (error) => {
        fail(String(error));
      });
      worker.on('exit', (code) => {
        if (code !== 0) fail(`The thread ended with ${code}.`);
      });
    });
  const outcomes = await Promise.all(Array.from({ length: size }, (_, rank) => runOn(rank)));
  // Not each when it is done: another may still be on its way out of the last sum.
  await Promise.all(workers.map((worker) => worker.terminate()));
  return outcomes;
}

/**
 * What the program returns on each rank.
 *
 * @throws where it fails on one, with what the first of them says
 */
export async function onRanks<P extends Program<never, unknown>>(
  file: string,
  name: string,
  options: RankOptions<P>,
): Promise<Result<P>[]> {
  const outcomes = await outcomesOnRanks<P>(file, name, options);
  return outcomes.map((outcome, rank) => {
    if ('error' in outcome) throw new Error(`Rank ${rank} of ${options.size}: ${outcome.error}`);
    return outcome.value;
  });
}
