/**
 * @file What each process of a job of MPI does in these tests:
 * `mpiexec -n 2 node --import tsx test/mpi/rank.ts <name>`. All import this file whole before any of them begins, so
 * that a name that is misspelt ends the job.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type MpiCommunicator, mpiCommunicator, type MpiOptions } from 'evenkeel/mpi';
import koffi from 'koffi';
import { Group, makeMessage } from '../../src/group/group.js';
import type { Program } from '../distributed/ranks.js';

/** Prints in one piece, so that the lines of several ranks do not mix. */
const say = (text: string) => process.stdout.write(`${text}\n`);

const sumOnes = (communicator: MpiCommunicator) => {
  const values = new Float64Array(3).fill(1);
  communicator.allReduce(values);
  return values[0]!;
};

const messageOf = (run: () => unknown) => {
  try {
    return String(run());
  } catch (error) {
    return (error as Error).message;
  }
};

const rejectionOf = (options: MpiOptions) =>
  mpiCommunicator(options).then(
    () => 'nothing',
    (error: unknown) => (error as Error).message,
  );

/** Only what needs TF.js waits for it. */
async function importTensorFlow() {
  const tf = await import('@tensorflow/tfjs');
  tf.enableProdMode(); // no greeting
  return tf;
}

const SCENARIOS: Record<string, () => Promise<void>> = {
  /** Whole numbers, so that the sums are exact; lengths around the pieces. */
  async sums() {
    const communicator = await mpiCommunicator({ timeout: 60 });
    const { rank, size } = communicator;
    for (const Values of [Float64Array, Float32Array]) {
      const piece = (1 << 20) / Values.BYTES_PER_ELEMENT;
      for (const length of [0, 1, 26, piece - 1, piece, piece + 1, 2 * piece + 7]) {
        const values = new Values(length);
        for (let i = 0; i < length; i++) values[i] = (i % 1000) + 10_000 * rank;
        communicator.allReduce(values);
        const wrong = values.findIndex((value, i) => value !== size * (i % 1000) + 5000 * size * (size - 1));
        if (wrong >= 0) throw new Error(`of ${length} numbers, ${wrong} is ${values[wrong]!}`);
      }
    }
    const random = Float64Array.from({ length: 300_000 }, () => Math.random() - 0.5);
    communicator.allReduce(random);
    say(`bits ${createHash('sha256').update(random).digest('hex')}`);
    say(`rank ${rank} of ${size}`);
  },

  /** Without close(). */
  async forgets() {
    const communicator = await mpiCommunicator();
    say(`sum ${sumOnes(communicator)}`);
  },

  async closes() {
    const communicator = await mpiCommunicator();
    sumOnes(communicator);
    communicator.close();
    communicator.close();
    communicator.abort('nothing is left to end');
    say(messageOf(() => sumOnes(communicator)));
    say(await rejectionOf({ timeout: 1 }));
    say(String((await mpiCommunicator()) === communicator));
  },

  /** A function of test/distributed/programs, as threads run them. */
  async program() {
    const [file, name, input] = process.argv.slice(3) as [string, string, string];
    const communicator = await mpiCommunicator({ timeout: 60 });
    await importTensorFlow();
    const module = (await import(`../distributed/programs/${file}.ts`)) as Record<
      string,
      Program<unknown, unknown>
    >;
    const result = await module[name]!(communicator, JSON.parse(input));
    say(JSON.stringify(result, (_, value: unknown) => (value instanceof Float32Array ? [...value] : value)));
  },

  async 'other model'() {
    const communicator = await mpiCommunicator({ timeout: 60 });
    const tf = await importTensorFlow();
    const { distributedDataParallel } = await import('evenkeel/distributed');
    const units = communicator.rank === 0 ? 3 : 4;
    const model = tf.sequential({ layers: [tf.layers.dense({ units, inputShape: [2] })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    distributedDataParallel(model, communicator);
  },

  async 'other order'() {
    const communicator = await mpiCommunicator({ timeout: 60 });
    const group = Group.of(communicator);
    group.sum('gradient', makeMessage(8));
    group.sum(communicator.rank === 0 ? 'moments' : 'gradient', makeMessage(24));
    await sleep(60_000);
  },

  async 'other length'() {
    const communicator = await mpiCommunicator({ timeout: 60 });
    Group.of(communicator).sum('moments', makeMessage(communicator.rank === 0 ? 24 : 97_292));
    await sleep(60_000);
  },

  async 'fewer batches'() {
    const communicator = await mpiCommunicator({ timeout: 2 });
    for (let batch = 0; batch < 3 - communicator.rank; batch++) sumOnes(communicator);
    say(`rank ${communicator.rank} is through`);
  },

  async 'goes on after a timeout'() {
    const communicator = await mpiCommunicator({ timeout: 1 });
    if (communicator.rank === 1) return;
    say(messageOf(() => sumOnes(communicator)));
    say(messageOf(() => sumOnes(communicator)));
    communicator.close();
    say('goes on');
  },

  async killed() {
    const communicator = await mpiCommunicator();
    sumOnes(communicator);
    if (communicator.rank === 1) process.kill(process.pid, 'SIGKILL');
    sumOnes(communicator);
  },

  async throws() {
    const communicator = await mpiCommunicator();
    if (communicator.rank === 1) throw new RangeError('this rank has no data');
    sumOnes(communicator);
  },

  async 'throws, and handles it'() {
    const communicator = await mpiCommunicator();
    process.on('uncaughtException', ({ message }) => {
      say(`handled: ${message}`);
    });
    setImmediate(() => {
      throw new RangeError('this rank has no data');
    });
    await sleep(50);
    say(`sum ${sumOnes(communicator)}`);
  },

  async exits() {
    const communicator = await mpiCommunicator();
    if (communicator.rank === 1) process.exit(3);
    sumOnes(communicator);
  },

  async 'sets its status'() {
    const communicator = await mpiCommunicator();
    if (communicator.rank === 1) process.exitCode = 4;
    else sumOnes(communicator);
  },

  async aborts() {
    const communicator = await mpiCommunicator();
    if (communicator.rank === 1) communicator.abort(new Error('the disk is full'));
    sumOnes(communicator);
  },

  async 'ends before MPI begins'() {
    if (process.env.PMI_RANK === '1') process.exit(0);
    await mpiCommunicator();
    say('began');
  },

  async 'begins MPI itself'() {
    koffi.load(process.env.EVENKEEL_MPI!).func('int MPI_Init(void *, void *)')(null, null);
    say(await rejectionOf({}));
  },

  async 'is refused'() {
    say(await rejectionOf({}));
  },

  /** What C sees of the environment, not JavaScript. */
  async environment() {
    await mpiCommunicator();
    const getenv = koffi.load(null).func('str getenv(str)');
    say(`${String(getenv('UCX_MEM_EVENTS'))} ${String(getenv('UCX_ERROR_SIGNALS'))}`);
  },

  /** What V8 and MPI both watch: memory that comes and goes while sums of all sizes are made. */
  async churns() {
    const communicator = await mpiCommunicator({ timeout: 60 });
    const kept: unknown[] = [];
    for (let step = 0; step < 60; step++) {
      const objects = Array.from({ length: 20_000 }, (_, i) => ({ i, text: `${i} ${step}` }));
      if (step % 4 === 0) kept.push(objects, new WebAssembly.Memory({ initial: 64 }));
      if (kept.length > 8) kept.length = 0;
      communicator.allReduce(new Float64Array(step % 2 ? 26 : 40_000).fill(step));
    }
    say('whole');
  },
};

await SCENARIOS[process.argv[2]!]!();
