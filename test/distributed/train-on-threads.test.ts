/** @file Training on threads, from its start to its end, in each way in which it can end. */
import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import {
  type ThreadGroup,
  type ThreadsOptions,
  threadCommunicator,
  trainAsThread,
  trainOnThreads,
} from 'evenkeel/threads';
import { beforeEach, describe, expect, test } from 'vitest';
import { ValueError } from '../../src/text/value-error.js';
import { ROOT } from '../docs/blocks.js';
import type { Input } from './training.js';

/** How many workers there are that have not ended. */
let alive = 0;
let started = 0;
beforeEach(() => {
  alive = started = 0;
});

function makeWorker(script = 'start-training.js'): Worker {
  alive++;
  started++;
  return new Worker(new URL(script, import.meta.url), { stderr: true }).on('exit', () => alive--);
}

const train = <Result>(what: Input['what'], options: ThreadsOptions<Input> = {}): Promise<Result> =>
  trainOnThreads<Result, Input>(() => makeWorker(), { threads: 2, data: { what }, ...options });

/** What the training is rejected with. It must come at once, and no thread be left. */
async function failureOf(training: Promise<unknown>): Promise<Error> {
  const failure = await training.then(
    () => new Error('It did not fail.'),
    (error: unknown) => error as Error,
  );
  expect(alive).toBe(0);
  return failure;
}

describe('training on threads', () => {
  test('gives the result of rank 0, hears what all report, and shares memory', async () => {
    const shared = new Int32Array(new SharedArrayBuffer(12));
    const reports: unknown[] = [];
    const result = await train<{ rank: number; sums: number[]; bytes: Float32Array }>('sums', {
      threads: 3,
      data: { what: 'sums', shared },
      onReport(report: { sums: number[] }, rank) {
        reports[rank] = report.sums;
      },
    });
    expect(result).toEqual({ rank: 0, sums: [6, 12, 18], bytes: Float32Array.of(1.5) });
    expect(reports).toEqual(new Array(3).fill([6, 12, 18]));
    expect([...shared]).toEqual([1, 1, 1]);
    expect([started, alive]).toEqual([3, 0]);
  });

  test.each([
    ['one thread', 1],
    ['as many threads as there are cores, if nobody says how many', undefined],
  ])('works with %s', async (_, threads) => {
    const shared = new Int32Array(new SharedArrayBuffer(4 * availableParallelism()));
    const options = threads === undefined ? {} : { threads };
    await trainOnThreads<unknown, Input>(() => makeWorker(), {
      ...options,
      data: { what: 'sums', shared },
    });
    expect([started, alive]).toEqual([threads ?? availableParallelism(), 0]);
  });
});

describe('ends all threads where', () => {
  test('one throws, and says which and where', async () => {
    const failure = await failureOf(train('throws'));
    expect(failure).toBeInstanceOf(ValueError);
    expect(failure.message).toBe('Rank 1 of 2 failed: It fails.');
    const cause = failure.cause as Error;
    expect([cause.name, cause.message]).toEqual(['ValueError', 'It fails.']);
    expect(cause.stack).toContain('training.ts');
  });

  test.each([
    ['exits', 'Rank 1 of 2 failed: Its thread has ended, with exit code 3.'],
    ['rejects', 'Rank 1 of 2 failed: Nobody listens.'],
    ['throwsLater', 'Rank 1 of 2 failed: It fails later.'],
    ['throwsSlowly', 'Rank 1 of 2: values: expected a Float64Array or a Float32Array, received [1].'],
    [
      'isShort',
      'Rank 0 of 2: the group of threads has ended. Rank 1 is done. Did every thread get as many batches?',
    ],
    ['goesOn', 'Rank 0 of 2: the group of threads has ended. Rank 1 gives up.'],
  ] as const)('one %s', async (what, message) => {
    const before = performance.now();
    expect((await failureOf(train(what))).message).toBe(message);
    expect(performance.now() - before).toBeLessThan(40_000);
  });

  test.each([
    ['givesTensor', 'The result.history[0].loss: expected what can be copied (numbers, strings'],
    ['givesFunction', 'received the function sum: function sum('],
    ['givesModel', 'numbers of their weights), received an object of class Sequential.'],
    ['reportsTensor', 'report: expected what can be copied'],
  ] as const)('what one sends cannot be sent: %s', async (what, message) => {
    const failure = await failureOf(train(what));
    expect(failure).toBeInstanceOf(TypeError);
    expect(failure.message).toMatch(/^Rank \d of 2 failed: /);
    expect(failure.message).toContain(message);
  });

  test('one fails of which the others are heard first', async () => {
    const workers: EventEmitter[] = [];
    const tell = (worker: EventEmitter, message: object) => worker.emit('message', message);
    const fail = (rank: number, message: string) =>
      tell(workers[rank]!, { evenkeel: 'failed', thrown: { name: 'Error', message } });
    const training = trainOnThreads(
      () => {
        const postMessage = ({ group, rank }: { group: ThreadGroup; rank: number }) => {
          if (rank === 1) threadCommunicator(group, rank).abort!('The first to fail.');
        };
        const worker = Object.assign(new EventEmitter(), { postMessage, terminate: () => undefined });
        workers.push(worker);
        return worker;
      },
      { threads: 2 },
    );
    for (const worker of workers) tell(worker, { evenkeel: 'ready' });
    fail(0, 'What follows from it.');
    fail(1, 'The first to fail.');
    await expect(training).rejects.toThrow('Rank 1 of 2 failed: The first to fail.');
  });

  test('the data cannot be sent', async () => {
    const tensor = tf.scalar(1);
    const data = { what: 'sums', weights: { first: tensor } } as const;
    const failure = await failureOf(train('sums', { data }));
    expect(failure).toBeInstanceOf(TypeError);
    expect(failure.message).toBe(
      'data.weights.first: expected what can be copied (numbers, strings, arrays, typed arrays, plain objects; not tensors, ' +
        'but await tensor.data(), nor models, but the numbers of their weights), received a tensor of shape [].',
    );
    tensor.dispose();
  });

  test('a report is not taken', async () => {
    const error = new Error('The disk is full.');
    const onReport = () => {
      throw error;
    };
    expect(await failureOf(train('reports', { onReport }))).toBe(error);
  });

  test('the script does not run', async () => {
    const training = trainOnThreads(() => makeWorker('no-such-file.js'), { threads: 2 });
    expect((await failureOf(training)).message).toMatch(/^Rank \d of 2 failed: Cannot find module/);
  });

  test('it is told to', async () => {
    const controller = new AbortController();
    const training = train('sleeps', { signal: controller.signal });
    setTimeout(() => {
      controller.abort(new Error('Enough.'));
    }, 500);
    expect((await failureOf(training)).message).toBe('Enough.');
    expect(started).toBe(2);
    expect((await failureOf(train('sleeps', { signal: controller.signal }))).message).toBe('Enough.');
    expect(started).toBe(2);
  });
});

describe('refused are', () => {
  const anything = (value: unknown) => value as never;
  test.each([
    ['no threads', () => train('sums', { threads: 0 }), 'size: expected how many threads'],
    [
      'times of 0',
      () => train('sums', { timeout: 0 }),
      'timeout: expected seconds, more than 0, received 0.',
    ],
    [
      'unknown options',
      () => train('sums', anything({ thread: 2 })),
      "Unknown option 'thread' of trainOnThreads. Did you mean 'threads'?",
    ],
    ...[7, null, './thread.js'].map((script): [string, () => Promise<unknown>, string] => [
      `scripts that are none: ${String(script)}`,
      () => trainOnThreads(anything(script), () => 1),
      "script: expected import.meta.url, or new URL('./thread.js', import.meta.url), received ",
    ]),
    [
      'workers that are none',
      () => trainOnThreads(() => anything(Promise.resolve())),
      'makeWorker: expected a function that gives a worker, received an object of class Promise.',
    ],
  ])('%s', async (_, start, message) => {
    expect((await failureOf(start())).message).toContain(message);
  });

  test('threads’ work outside a thread', () => {
    // Vitest's own are processes.
    expect(() => trainAsThread(() => 1)).toThrow(
      'trainAsThread is for a file that a worker runs, and this thread is no worker: hand the worker to trainOnThreads.',
    );
  });
});

describe('a single file', () => {
  /** Runs a script as a user would. */
  const run = (code: string): Promise<{ code: unknown; stdout: string; stderr: string }> => {
    mkdirSync(`${ROOT}out`, { recursive: true });
    const folder = mkdtempSync(`${ROOT}out/threads-`);
    const file = `${folder}/train.ts`;
    writeFileSync(file, `import { trainOnThreads } from 'evenkeel/threads';\n${code}`);
    return new Promise((resolve) => {
      const options = { cwd: ROOT, timeout: 100_000, maxBuffer: 1e8 };
      execFile('node', ['--import', 'tsx', file, '--epochs', '5'], options, (error, stdout, stderr) => {
        rmSync(folder, { recursive: true });
        resolve({ code: error?.code ?? 0, stdout, stderr });
      });
    });
  };

  test('trains on its own threads, prints what they print, and goes on alone', async () => {
    const { code, stdout, stderr } = await run(`
      const result = await trainOnThreads(import.meta.url, (communicator, { data }) => {
        const values = Float32Array.of(communicator.rank + data.first);
        communicator.allReduce(values);
        for (let i = 0; i < 20000; i++) console.log('rank', communicator.rank, process.argv.slice(2).join(' '));
        return values;
      }, { threads: 2, data: { first: 10 } });
      console.log('sum', result[0]);
      const again = trainOnThreads(import.meta.url, () => 1).catch((error) => console.log(error.message));
      await again;
    `);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    for (const rank of [0, 1])
      expect(lines.filter((line) => line === `rank ${rank} --epochs 5`)).toHaveLength(20_000);
    expect(lines.slice(40_000)[0]).toBe('sum 21');
    expect(lines.slice(40_001).join()).toMatch(/^trainOnThreads was given a function before/);
  });

  test('of a thread must not start threads in turn', async () => {
    const { code, stderr } = await run(`
      await trainOnThreads(import.meta.url, { threads: 2 });
    `);
    expect(code).toBe(1);
    expect(stderr).toContain('trainOnThreads was called in a thread that it has started.');
  });

  test('fails where a thread fails', async () => {
    const { code, stderr } = await run(`
      await trainOnThreads(import.meta.url, ({ rank }) => {
        if (rank === 1) throw new RangeError('It fails.');
        return new Promise(() => setInterval(() => 0, 1000));
      }, { threads: 2 });
    `);
    expect(code).toBe(1);
    expect(stderr).toContain('Error: Rank 1 of 2 failed: It fails.');
    expect(stderr).toMatch(/\[cause\]: Error \[RangeError\]: It fails\.\n\s+at .*train\.ts/);
  });
});
