/** @file A file that trainOnThreads runs in every thread: it trains, or ends, as the data say. */
import type { Communicator } from 'evenkeel/distributed';
import { type Thread, trainAsThread } from 'evenkeel/threads';
import { ValueError } from '../../src/text/value-error.js';

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** Takes a second to load, and few trainings need it. */
const tensorflow = () => import('@tensorflow/tfjs');

/** One number that all ranks sum. */
function sum(communicator: Communicator, value: number): number {
  const values = Float64Array.of(value);
  communicator.allReduce(values);
  return values[0]!;
}

export interface Input {
  readonly what: keyof typeof TRAININGS;
  /** Each rank adds 1 to its place, in memory that all share. */
  readonly shared?: Int32Array;
}

const TRAININGS = {
  /** Sums, tells of each, and counts itself in. */
  sums(communicator: Communicator, thread: Thread<Input>) {
    const { rank } = communicator;
    const sums = [1, 2, 3].map((factor) => sum(communicator, factor * (rank + 1)));
    thread.report({ sums });
    thread.data.shared![rank]! += 1;
    return { rank, sums, bytes: Float32Array.of(1.5) };
  },
  throws(communicator: Communicator) {
    if (communicator.rank === 1) throw new ValueError('It fails.');
    sum(communicator, 1);
  },
  async exits(communicator: Communicator) {
    if (communicator.rank === 1) process.exit(3);
    await sleep(0);
    sum(communicator, 1);
  },
  async rejects(communicator: Communicator) {
    if (communicator.rank === 1) {
      void Promise.reject(new Error('Nobody listens.'));
      await sleep(60);
    }
    sum(communicator, 1);
  },
  async throwsLater(communicator: Communicator) {
    if (communicator.rank === 1) {
      setTimeout(() => {
        throw new RangeError('It fails later.');
      }, 10);
      await sleep(60);
    }
    sum(communicator, 1);
  },
  /** Rank 1 fails in a sum, and closes what it has open before it says so. */
  async throwsSlowly(communicator: Communicator) {
    if (communicator.rank === 0) return sum(communicator, 1);
    try {
      communicator.allReduce([1] as unknown as Float64Array);
    } finally {
      await sleep(0.3);
    }
  },
  /** Rank 1 has a batch less. */
  isShort(communicator: Communicator) {
    for (let batch = 0; batch < 3 - communicator.rank; batch++) sum(communicator, 1);
  },
  /** Rank 1 ends the group, and goes on as if nothing had happened. */
  async goesOn(communicator: Communicator) {
    if (communicator.rank === 1) {
      communicator.abort?.('Rank 1 gives up.');
      await sleep(60);
    }
    sum(communicator, 1);
  },
  givesTensor: async () => ({ history: [{ loss: (await tensorflow()).scalar(1) }] }),
  givesFunction: () => sum,
  async givesModel() {
    const tf = await tensorflow();
    return tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  },
  async reportsTensor(_: Communicator, thread: Thread<Input>) {
    thread.report((await tensorflow()).scalar(1));
  },
  reports(_: Communicator, thread: Thread<Input>) {
    thread.report(1);
  },
  sleeps: () => sleep(60),
} satisfies Record<string, (communicator: Communicator, thread: Thread<Input>) => unknown>;

await trainAsThread((communicator, thread: Thread<Input>) =>
  TRAININGS[thread.data.what](communicator, thread),
);
