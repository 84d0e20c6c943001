/**
 * @file `distributed/keras_worker.py` with two workers of real Keras: steps against the core in float64 and golden
 * cases, a training against one process here, and what it refuses.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { type BatchNormalizationOptions, backward, forward, initialState } from 'evenkeel/core';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { npy } from '../cli/files.js';
import { ROOT, blocksOf } from '../docs/blocks.js';
import { LAYER_GROUPS, type Packed, readCases, relativeError, unpack } from '../golden/index.js';
import { hasNamespaces, inNamespace } from '../../shared/namespace.js';
import { findPython } from '../python.js';

/** Who names a Python is not to be left without these tests. */
const python = process.env.EVENKEEL_PYTHON || hasNamespaces() ? findPython() : null;

mkdirSync(`${ROOT}out`, { recursive: true });
const FOLDER = mkdtempSync(`${ROOT}out/keras-worker-`);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterAll(() => {
  rmSync(FOLDER, { recursive: true });
});

/** No worker runs longer, in seconds, unless it hangs. */
const LIMIT = 110;

const ADDRESSES = '127.0.0.1:4711,127.0.0.1:4712';

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The words of a command for a shell. */
const quote = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');

/** Runs lines of a shell at the same time. TensorFlow listens on all interfaces that there are. */
async function runShells(...lines: readonly string[]): Promise<Ended[]> {
  const jobs = lines.map((line, rank) => `(${line}) > ${rank}.out 2> ${rank}.err; echo $? > ${rank}.status`);
  const [command, ...args] = inNamespace(
    'sh',
    '-c',
    `${jobs.map((job) => `{ ${job}; } &`).join('\n')}\nwait`,
  );
  const run = spawn(command, args, { cwd: FOLDER, stdio: 'ignore' });
  await new Promise((resolve) => run.on('close', resolve));
  return lines.map((_, rank) => {
    const text = (ending: string) => readFileSync(join(FOLDER, `${rank}.${ending}`), 'utf8');
    return { status: Number(text('status')), stdout: text('out'), stderr: text('err') };
  });
}

/** Nothing is left behind, even where a test is stopped. */
const limited = (...words: readonly string[]): string =>
  quote(['timeout', '--kill-after=5', String(LIMIT), ...words]);

const worker = (program: string, args: readonly string[]): string =>
  limited(python!, join(ROOT, program), ...args);

function expectSuccess(ended: readonly Ended[]): void {
  for (const { status, stderr } of ended) expect(status, stderr.slice(-2000)).toBe(0);
}

const pack = (values: ArrayLike<number>, shape: readonly number[]): Packed => ({
  shape: [...shape],
  dtype: 'float32',
  data: Array.from(values, (value) => (Number.isNaN(value) ? 'NaN' : Math.fround(value))),
});

/** Numbers of mean 0 and deviation 1, about, the same each time. */
const noise = (count: number, phase: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.SQRT2 * Math.sin(12.9898 * i + phase + (i % 7)));

interface StepCase {
  readonly name: string;
  /** Of Keras' layer. */
  readonly arguments: Record<string, unknown>;
  readonly weights: Record<string, Packed> | null;
  /** Of each worker. */
  readonly rows: readonly [number, number];
  readonly x: Packed;
  readonly dy: Packed;
  readonly mask: Packed | null;
}

interface StepResult {
  readonly y: Packed;
  readonly dx: Packed;
  /** Of gamma and beta, as far as there are. */
  readonly gradients: readonly Packed[];
  readonly weights: Record<string, Packed>;
}

/** A step of 16 rows. */
interface Drawn {
  readonly shape?: readonly number[];
  readonly mean?: number;
  /** What masked values are. */
  readonly masked?: number;
  readonly options?: BatchNormalizationOptions;
}

const DRAWN: Record<string, Drawn> = {
  plain: {},
  'four dimensions': { shape: [16, 4, 3, 5] },
  'axis 1': { shape: [16, 3, 4, 2], options: { axis: 1 } },
  renorm: { options: { renorm: true, renormClipping: { rmax: 1.5, rmin: 0.5, dmax: 2 } } },
  'a mask': { shape: [16, 6, 3], masked: 50 },
  'a mask over NaN': { shape: [16, 6, 3], masked: NaN },
  'axes 1 and 2': { shape: [16, 2, 3, 4], options: { axis: [1, 2] } },
  'no scale': { options: { scale: false } },
  'no center': { options: { center: false } },
  'a mean of 100 deviations': { mean: 100 },
  'a mean of 1e3 deviations, masked': { shape: [16, 6, 3], mean: 1e3, masked: 990 },
  'a mean of 1e4 deviations': { mean: 1e4 },
};

const DRAWN_CASES = Object.entries(DRAWN).map(
  ([name, { shape = [16, 3], mean = 0, masked, options = {} }]): StepCase => {
    const size = shape.reduce((product, dimension) => product * dimension);
    const channels = shape.at(-1)!;
    const kept = Array.from({ length: size / channels }, (_, i) =>
      masked === undefined ? 1 : (i * i + i) % 3 && 1,
    );
    const x = noise(size, 1).map((value, i) => (kept[Math.floor(i / channels)] ? value + mean : masked!));
    const { renormClipping, ...others } = options;
    return {
      name,
      // So that the moving statistics become those of the batch.
      arguments: { ...others, momentum: 0, ...(renormClipping ? { renorm_clipping: renormClipping } : {}) },
      weights: null,
      rows: [5, 11],
      x: pack(x, shape),
      dy: pack(noise(size, 2), shape),
      mask: masked === undefined ? null : pack(kept, shape.slice(0, -1)),
    };
  },
);

/** Golden cases whose first step can be cut along the batch, some of each group. */
const GOLDEN = LAYER_GROUPS.flatMap((group) =>
  readCases(group)
    .filter(({ args, adjustment, fusedInKeras, inputShape, steps: [step] }) => {
      const axes = [args.axis ?? -1].flat().map((axis) => (axis as number) + inputShape.length);
      const isTraining = step!.training && step!.trainable && step!.x.shape[0]! > 1;
      const isTaken = args.fused !== true && args.virtual_batch_size === undefined && !adjustment;
      return (
        isTraining &&
        isTaken &&
        !fusedInKeras &&
        axes.every((axis) => axis % inputShape.length !== 0) &&
        step!.x.dtype === 'float32'
      );
    })
    .filter((_, i) => i % 5 === 0),
);

const GOLDEN_CASES = GOLDEN.map(({ name, args, initialWeights, steps: [step] }): StepCase => {
  const { x, dy, mask = null } = step!;
  return { name, arguments: args, weights: initialWeights, rows: [1, x.shape[0]! - 1], x, dy, mask };
});

describe.skipIf(!python)('one step by two workers', { tags: ['keras'] }, () => {
  let results: StepResult[][] = [];

  beforeAll(async () => {
    writeFileSync(join(FOLDER, 'cases.json'), JSON.stringify([...DRAWN_CASES, ...GOLDEN_CASES]));
    const ranks = ['0', '1'];
    expectSuccess(
      await runShells(
        ...ranks.map((rank) => worker('oracle/synchronized_steps.py', [FOLDER, rank, ADDRESSES])),
      ),
    );
    results = ranks.map(
      (rank) => JSON.parse(readFileSync(join(FOLDER, `results-${rank}.json`), 'utf8')) as StepResult[],
    );
  });

  const joined = (index: number, of: 'y' | 'dx') =>
    results.flatMap((result) => [...unpack(result[index]![of])]);

  const summed = (index: number) => {
    const [one, other] = results.map((result) => result[index]!.gradients.map(unpack));
    return one!.map((gradient, k) => Array.from(gradient, (value, i) => value + other![k]![i]!));
  };

  test.each(DRAWN_CASES.map((one, index) => ({ ...one, index })))(
    'with $name, as the core in float64',
    ({ name, index, x, dy, mask }) => {
      const { options, mean = 0 } = DRAWN[name]!;
      const given = { ...options, momentum: 0, fused: false };
      const { y, state, saved } = forward(
        { values: Float64Array.from(unpack(x)), shape: x.shape },
        initialState(given, x.shape),
        given,
        { training: true, mask: mask && { values: unpack(mask), shape: mask.shape } },
      );
      const { dx, dgamma, dbeta } = backward(unpack(dy), saved);
      // tf-keras computes y as x/s − mean/s, which has the digits of float32 that the mean leaves.
      const tolerance = 1e-6 + 1e-7 * mean;
      const error = (got: ArrayLike<number>, want: ArrayLike<number>) => relativeError(got, pack(want, []));
      expect(error(joined(index, 'y'), y)).toBeLessThanOrEqual(tolerance);
      expect(error(joined(index, 'dx'), dx)).toBeLessThanOrEqual(tolerance);
      const parameters = [dgamma, dbeta].filter((gradient) => gradient !== undefined);
      parameters.forEach((gradient, k) => {
        expect(error(summed(index)[k]!, gradient)).toBeLessThanOrEqual(tolerance);
      });
      for (const result of results) {
        const { moving_mean: movingMean, moving_variance: movingVariance } = result[index]!.weights;
        expect(error(unpack(movingMean!), state.movingMean)).toBeLessThanOrEqual(2e-7);
        expect(error(unpack(movingVariance!), state.movingVariance)).toBeLessThanOrEqual(5e-7);
      }
    },
  );

  test.each(GOLDEN.map((golden, i) => ({ ...golden, index: DRAWN_CASES.length + i })))(
    'of the golden case $name',
    ({ index, steps: [step] }) => {
      const { y, gradients, weightsAfter } = step!;
      const errors = new Map([
        ['y', relativeError(joined(index, 'y'), y)],
        ['dx', relativeError(joined(index, 'dx'), gradients.x!)],
      ]);
      const names = ['gamma', 'beta'].filter((name) => gradients[name]);
      names.forEach((name, k) => errors.set(`d${name}`, relativeError(summed(index)[k]!, gradients[name]!)));
      results.forEach((result, rank) => {
        for (const [name, want] of Object.entries(weightsAfter)) {
          errors.set(`${name}, ${rank}`, relativeError(unpack(result[index]!.weights[name]!), want));
        }
      });
      expect([...errors].filter(([, error]) => !(error <= 2e-5))).toEqual([]);
    },
  );
});

/** Rows of two workers, of images and of classes, in files. Numbers are the same each time. */
function writeRows(rows: readonly number[]): { x: tf.Tensor; labels: tf.Tensor }[] {
  return rows.map((count, rank) => {
    const x = Float32Array.from(noise(count * 64, rank), (value) => 3 + value);
    const labels = Float32Array.from({ length: count * 3 }, (_, i) =>
      Number(Math.floor(i / 3) % 3 === i % 3),
    );
    writeFileSync(join(FOLDER, `x-${rank}.npy`), npy('<f4', [count, 8, 8, 1], new Uint8Array(x.buffer)));
    writeFileSync(join(FOLDER, `y-${rank}.npy`), npy('<f4', [count, 3], new Uint8Array(labels.buffer)));
    return { x: tf.tensor(x, [count, 8, 8, 1]), labels: tf.tensor(labels, [count, 3]) };
  });
}

function makeModel(): tf.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.conv2d({ filters: 4, kernelSize: 3, useBias: false, inputShape: [8, 8, 1] }));
  layerBatchNormalization(model, { synchronized: true, momentum: 0.9 });
  model.add(tf.layers.reLU());
  model.add(tf.layers.conv2d({ filters: 6, kernelSize: 3, strides: 2 }));
  layerBatchNormalization(model, { synchronized: true, renorm: true, momentum: 0.9 });
  model.add(tf.layers.flatten());
  model.add(tf.layers.dense({ units: 3, activation: 'softmax' }));
  return model;
}

describe.skipIf(!python)('a training by two workers', { tags: ['keras'] }, () => {
  const SGD = JSON.stringify({ class_name: 'SGD', config: { learning_rate: 0.05, momentum: 0.9 } });

  const optionsOf = (rank: number, more: Readonly<Record<string, string>>): string[] => [
    'model.h5',
    ...Object.entries({
      data: 'x-{rank}.npy',
      labels: 'y-{rank}.npy',
      output: 'trained.keras',
      optimizer: SGD,
      loss: 'categorical_crossentropy',
      workers: ADDRESSES,
      rank: String(rank),
      ...more,
    }).flatMap(([name, value]) => [`--${name}`, value]),
  ];

  const trainer = (rank: number, more: Readonly<Record<string, string>>): string =>
    worker('distributed/keras_worker.py', optionsOf(rank, more));

  const train = (...more: readonly Readonly<Record<string, string>>[]) =>
    runShells(...more.map((options, rank) => trainer(rank, options)));

  beforeAll(async () => {
    await saveKerasModel(makeModel(), join(FOLDER, 'model.h5'), { for: 'tf-keras', format: 'h5' });
  });

  test('is that of one process here: of uneven batches, with momentum', async () => {
    const [steps, epochs, sizes] = [4, 5, [5, 11]];
    const parts = writeRows(sizes.map((size) => steps * size));
    const ended = await train(
      ...sizes.map((size) => ({ 'batch-size': String(size), epochs: String(epochs) })),
    );
    expectSuccess(ended);
    const logs = ended[0]!.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { epoch: number; loss: number });

    const model = await loadKerasModel(join(FOLDER, 'model.h5'));
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'categoricalCrossentropy' });
    for (let epoch = 0; epoch < epochs; epoch++) {
      let sum = 0;
      for (let step = 0; step < steps; step++) {
        const [x, labels] = (['x', 'labels'] as const).map((which) =>
          tf.concat(parts.map((part, k) => tf.slice(part[which], step * sizes[k]!, sizes[k]))),
        );
        sum += (await model.trainOnBatch(x!, labels!)) as number;
      }
      expect(logs[epoch]!.epoch).toBe(epoch + 1);
      expect(Math.abs(logs[epoch]!.loss - sum / steps)).toBeLessThanOrEqual(2e-6);
    }

    const trained = await loadKerasModel(join(FOLDER, 'trained.keras'));
    model.layers.forEach((layer, i) => {
      layer.weights.forEach((weight, k) => {
        const got = trained.layers[i]!.weights[k]!.read();
        expect(relativeError(got.dataSync(), pack(weight.read().dataSync(), got.shape))).toBeLessThanOrEqual(
          1e-5,
        );
      });
    });
    const isSynchronized = trained.layers.map(
      (layer) => layer instanceof BatchNormalization && layer.synchronized,
    );
    expect(isSynchronized.filter(Boolean)).toHaveLength(2);
  });

  test('runs as the recipe has it', async () => {
    writeRows([8, 8]);
    const [block] = blocksOf('docs/recipes/ranks.md', 'sh').filter(({ code }) =>
      code.includes('keras_worker.py'),
    );
    const [assignment, ...commands] = block!.code
      .replace('python node_modules/evenkeel/distributed/keras_worker.py', () =>
        worker('distributed/keras_worker.py', []).replaceAll("'", ''),
      )
      .replace(/--workers [^"]*/, `--workers ${ADDRESSES}`)
      .trim()
      .split(/\n(?=\$work)/);
    expectSuccess(await runShells(...commands.map((command) => `${assignment!}\n${command}\n`)));
    expect(await loadKerasModel(join(FOLDER, 'trained.h5'))).toBeInstanceOf(tf.LayersModel);
  });

  test.each([
    ['nowhere.npy', 'No such file or directory'],
    ['empty.npy', 'No data left in file'],
  ])('ends on both where the data of one cannot be read: %s', async (labels, reason) => {
    writeRows([8, 8]);
    writeFileSync(join(FOLDER, 'empty.npy'), '');
    const ended = await train({}, { labels });
    expect(ended.map(({ status }) => status)).toEqual([1, 1]);
    expect(ended[0]!.stderr).toContain('keras_worker: worker 1 stopped. It says why.');
    expect(ended[1]!.stderr).toContain(`keras_worker: ${labels} cannot be read: `);
    expect(ended[1]!.stderr).toContain(reason);
  });

  test('ends on both where one has more batches', async () => {
    writeRows([8, 16]);
    const ended = await train({ 'batch-size': '8' }, { 'batch-size': '8' });
    expect(ended.map(({ status }) => status)).toEqual([1, 1]);
    for (const { stderr } of ended) {
      expect(stderr).toContain('worker 0 has 1 batches and worker 1 has 2, and a step takes one of each.');
    }
  });

  test('ends on both where one has other options', async () => {
    writeRows([8, 8]);
    const ended = await train({}, { epochs: '2' });
    expect(ended.map(({ status }) => status)).toEqual([1, 1]);
    for (const { stderr } of ended) {
      expect(stderr).toContain('workers 0 and 1 have another model file or other options.');
    }
  });

  test('ends on the other where one is killed', async () => {
    writeRows([8, 8]);
    const endless = { epochs: '1000000' };
    const killed = `${trainer(1, endless)} & until grep -q epoch 0.out; do sleep 0.1; done; pkill -KILL -P $!`;
    const start = performance.now();
    const [ended] = await runShells(trainer(0, endless), killed);
    expect(ended!.status).toBe(1);
    expect(ended!.stderr).toContain('task:1');
    // By itself, and not since its time was up.
    expect((performance.now() - start) / 1000).toBeLessThan(LIMIT);
  });

  test('ends where the other does not come', async () => {
    const [ended] = await train({ timeout: '2' });
    expect(ended!.status).toBe(1);
    expect(ended!.stderr).toMatch(/waits for the other workers, 2 s at most[^]*Timeout/);
  });
});
