/** @file What tools may take: a model that asks for more than the limits is refused before anything is computed. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { ValueError } from 'evenkeel/core';
import { kerasLayers, loadKerasModel } from 'evenkeel/keras';
import {
  collectMoments,
  fold,
  freeze,
  inspect,
  recalibrate,
  replaceBatchNormalization,
  unfreeze,
} from 'evenkeel/tools';
import { describe, expect, test, vi } from 'vitest';
import { RunEstimate } from '../../src/model/run-cost.js';
import { MODELS, inputsOf, readModel } from '../keras-files/golden.js';
import type { Layer } from './networks.js';

const { layers } = tf;
const bn = () => layerBatchNormalization({ name: 'bn' });
const chain = (inputShape: (number | null)[], ...parts: Layer[]) =>
  tf.sequential({ layers: [layers.inputLayer({ inputShape }), ...parts] });

/** Models of a few bytes that ask for far more than there is. */
const GREEDY: Record<string, () => tf.LayersModel> = {
  'an input of 2^31 numbers': () => chain([2 ** 31], layers.activation({ activation: 'relu' })),
  'an input of more numbers than can be counted': () =>
    chain([2 ** 31, 2 ** 31, 2 ** 31], layers.activation({ activation: 'relu' })),
  'UpSampling2D of 100,000': () => chain([4, 4, 3], bn(), layers.upSampling2d({ size: [1e5, 1e5] })),
  'UpSampling1D of 10^8, one channel': () => chain([4, 1], bn(), kerasLayers.upSampling1d({ size: 1e8 })),
  'ZeroPadding2D of 10^9': () =>
    chain([4, 4, 3], bn(), layers.zeroPadding2d({ padding: [1e9, 1e9] as never })),
  'ZeroPadding1D of 10^9': () => chain([4, 3], bn(), kerasLayers.zeroPadding1d({ padding: 1e9 })),
  'RepeatVector of 10^9': () => chain([3], bn(), layers.repeatVector({ n: 1e9 })),
  'RepeatVector, then a recurrent layer': () =>
    chain([3], bn(), layers.repeatVector({ n: 1e7 }), layers.simpleRNN({ units: 1 })),
  'a transposed convolution with strides of 10^6': () =>
    chain([4, 4, 3], bn(), layers.conv2dTranspose({ filters: 1, kernelSize: 1, strides: 1e6 })),
  'Conv1DTranspose with strides of 10^9': () =>
    chain([4, 3], bn(), kerasLayers.conv1dTranspose({ filters: 1, kernelSize: 1, strides: 1e9 })),
  'a causal convolution with a dilation of 10^9': () =>
    chain(
      [4, 3],
      bn(),
      kerasLayers.conv1d({ filters: 1, kernelSize: 2, padding: 'causal', dilationRate: 1e9 }),
    ),
  'CategoryEncoding with 10^9 tokens': () =>
    chain([4], bn(), kerasLayers.categoryEncoding({ numTokens: 1e9 })),
  'an output of the right size by way of 10^10 scores': () => {
    const x = tf.input({ shape: [1e5, 1] });
    const y = kerasLayers.attention().apply([x, x]) as tf.SymbolicTensor;
    return tf.model({ inputs: x, outputs: bn().apply(y) as tf.SymbolicTensor });
  },
  'windows of 10^5 on 10^5 steps': () =>
    chain([1e5, 1], bn(), kerasLayers.averagePooling1d({ poolSize: 1e5, strides: 1, padding: 'same' })),
  'AdaptiveAveragePooling1D to 10^9': () =>
    chain([4, 1], bn(), kerasLayers.adaptiveAveragePooling1d({ outputSize: 1e9 })),
  'Resizing to 10^9, padded to the proportions': () =>
    chain([100, 100, 1], bn(), kerasLayers.resizing({ height: 1e6, width: 1, padToAspectRatio: true })),
  'TimeDistributed over 10^9 steps': () =>
    chain([1e9, 1], layers.timeDistributed({ layer: layers.dense({ units: 1 }) })),
  'an Embedding of giant vectors': () =>
    chain([1e6], layers.embedding({ inputDim: 2, outputDim: 1e4 }), bn()),
};

function discard(...things: { dispose(): unknown }[]): void {
  for (const thing of things) thing.dispose();
}

/** Whatever comes of it. */
const outcome = (run: Promise<unknown>): Promise<unknown> => run.catch((error: unknown) => error);

const REFUSED =
  /^model: it takes about .* and at most (4.29 GB|4,194,304 steps) are accepted.*limits: \{ (memory|steps): … \}, or --limit (memory|steps)=…/;

async function expectRefused(run: () => Promise<unknown>): Promise<void> {
  const { numTensors, numBytes } = tf.memory();
  const error = await outcome(run());
  expect(error).toBeInstanceOf(ValueError);
  expect((error as Error).message).toMatch(REFUSED);
  expect((error as Error).message.length).toBeLessThan(1000);
  expect(tf.memory()).toMatchObject({ numTensors, numBytes });
}

describe.each(Object.entries(GREEDY))('%s', (_, make) => {
  test('is refused by fold, which says how to raise the limit', { timeout: 20_000 }, async () => {
    const model = make();
    await expectRefused(() => fold(model));
    model.dispose();
  });
});

test.each(['UpSampling2D of 100,000', 'RepeatVector of 10^9'])(
  '%s is refused by inspect and recalibrate',
  { timeout: 20_000 },
  async (name) => {
    const model = GREEDY[name]!();
    const x = tf.ones([2, ...(model.inputs[0]!.shape.slice(1) as number[])]);
    await expectRefused(() => inspect(model, x));
    await expectRefused(() => recalibrate(model, x));
    await expectRefused(() => recalibrate(model, [x, x], { order: 'one pass' }));
    discard(x, model);
  },
);

describe('time', () => {
  test('a recurrent layer of 400,000 steps is refused', { timeout: 20_000 }, async () => {
    const model = chain([4e5, 1], layers.simpleRNN({ units: 1 }), bn());
    await expectRefused(() => fold(model));
    model.dispose();
  });

  test('windows that meet every number 10^8 times are refused', { timeout: 20_000 }, async () => {
    const pool = { poolSize: 1e4, strides: 1, padding: 'same' } as const;
    const model = chain([1e4, 1e4, 1], bn(), layers.maxPooling2d({ ...pool, poolSize: [1e4, 1e4] }));
    const limits = { memory: 1e12 };
    await expectRefused(() => fold(model, { limits }));
    model.dispose();
  });

  test('models that call models that call models count as often as they are called', async () => {
    let model = chain([2], bn(), layers.dense({ units: 2 })) as tf.LayersModel;
    for (let depth = 0; depth < 5; depth++) {
      const x = tf.input({ shape: [2] });
      const apply = (input: tf.SymbolicTensor) => model.apply(input) as tf.SymbolicTensor;
      model = tf.model({ inputs: x, outputs: apply(apply(apply(apply(x)))) });
    }
    const error = await outcome(fold(model, { limits: { steps: 2000 } }));
    // Four to the power of five, of two layers each.
    expect((error as Error).message).toMatch(/^model: it takes about 2,049 steps/);
    model.dispose();
  });
});

describe("a limit of one's own", () => {
  const model = () => chain([64, 64, 3], layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same' }), bn());

  test('is kept by every tool', async () => {
    const one = model();
    const x = tf.ones([2, 64, 64, 3]);
    for (const limits of [{ memory: 1e5 }, { steps: 1 }]) {
      for (const run of [
        () => fold(one, { limits }),
        () => fold(one, x, { limits }),
        () => inspect(one, x, { limits }),
        () => recalibrate(one, x, { limits }),
        () => collectMoments(one, x, { shard: 'a', limits }),
      ]) {
        expect(await outcome(run())).toMatchObject({
          name: 'ValueError',
          message: /and at most (100 kB|1 steps)/,
        });
      }
    }
    expect(() => replaceBatchNormalization(one, { limits: { memory: 1000 } })).toThrow(
      /for its weights and their copy/,
    );
    discard(one, x);
  });

  test('lets fold compare fewer samples at once', async () => {
    const one = model();
    // Enough for one or two of them, and not for eight.
    const { model: folded, largestDifference } = await fold(one, { limits: { memory: 1.5e6 } });
    const x = tf.ones([20, 64, 64, 3]);
    const onData = await fold(one, x, { limits: { memory: 2e7 } });
    expect(Math.max(largestDifference, onData.largestDifference)).toBeLessThan(1e-5);
    discard(one, folded, onData.model, x);
  });

  test('may be more than what is held back otherwise', { timeout: 60_000 }, async () => {
    const long = chain([3e5, 1], layers.simpleRNN({ units: 1 }));
    const error = await outcome(fold(long, { limits: { steps: Infinity, memory: 1e9 } }));
    expect((error as Error).message).toMatch(/and at most 1.00 GB are accepted/);
    long.dispose();
  });

  test.each([
    [5, TypeError, 'limits: expected an object'],
    [{ memroy: 5 }, ValueError, "received 'memroy'"],
    [{ memory: -1 }, ValueError, 'limits.memory: expected a number from 0'],
    [{ memory: NaN }, ValueError, 'limits.memory: expected a number from 0'],
  ])('cannot be %o', async (limits, Refusal, message) => {
    const one = model();
    const error = await outcome(fold(one, { limits: limits as never }));
    expect(error).toBeInstanceOf(Refusal);
    expect((error as Error).message).toContain(message);
    one.dispose();
  });
});

test('six open dimensions get few numbers', { timeout: 20_000 }, async () => {
  const model = chain([null, null, null, null, 4], layers.dense({ units: 2 }), bn());
  const { folded, model: copy } = await fold(model);
  expect(folded).toHaveLength(1);
  discard(model, copy);
});

/** A model of each kind of file, of which the estimate is held against what TF.js measures. */
const MEASURED = MODELS.filter(
  ({ group, file }, i) => file.endsWith('.keras') && (group === 'tutorials' || i % 7 === 0),
);

describe('the estimate', () => {
  test('is no less than two fifths of the memory that runs take', { timeout: 120_000 }, async () => {
    expect(MEASURED.length).toBeGreaterThan(60);
    for (const golden of MEASURED) {
      const model = await loadKerasModel(readModel(golden), { compile: false });
      const inputs = inputsOf(golden);
      const shapes = inputs.map(({ shape }) => shape);
      const given = inputs.length === 1 ? inputs[0]! : inputs;
      const runs = [() => model.predict(given), () => model.apply(given, { training: false })];
      for (const run of runs) {
        const { numBytes } = tf.memory();
        const { peakBytes } = await tf.profile(() => {
          tf.tidy(() => void run());
          return [] as never;
        });
        const { bytes } = new RunEstimate(model).of(shapes);
        expect(peakBytes - numBytes, golden.file).toBeLessThan(2.5 * bytes);
      }
      discard(model, ...inputs);
    }
  });
});

describe('the estimate, by hand,', () => {
  const costOf = (model: tf.LayersModel, ...shapes: number[][]) => {
    const cost = new RunEstimate(model).of(shapes);
    model.dispose();
    return cost;
  };
  /** But for what the layer's own numbers and the call take beside. */
  const expectSteps = (steps: number, expected: number) => {
    expect(Math.abs(steps - expected)).toBeLessThan(3);
  };
  const relus = (count: number) =>
    chain([1000], ...Array.from({ length: count }, () => layers.activation({ activation: 'relu' })));

  test('of a chain is that of its largest part, since TF.js frees the others', () => {
    expect(costOf(relus(100), [8, 1000]).bytes).toBe(costOf(relus(10), [8, 1000]).bytes);
  });

  test('of a dense layer counts its products', () => {
    expectSteps(costOf(chain([1024], layers.dense({ units: 1024 })), [1024, 1024]).steps, 1024 + 1);
  });

  test('of a product of matrices counts its products', () => {
    const [a, b] = [tf.input({ shape: [1024, 1024] }), tf.input({ shape: [1024, 1024] })];
    const y = layers.dot({ axes: [2, 1] }).apply([a, b]) as tf.SymbolicTensor;
    expectSteps(
      costOf(tf.model({ inputs: [a, b], outputs: y }), [1, 1024, 1024], [1, 1024, 1024]).steps,
      1024 + 1 + 3,
    );
  });

  test('of pooling counts the numbers of all windows, wherever the channels are', () => {
    const pool = { poolSize: 64, strides: 1, padding: 'same' } as const;
    const last = costOf(chain([128, 128, 1], layers.maxPooling2d(pool)), [16, 128, 128, 1]);
    const first = costOf(
      chain([1, 128, 128], layers.maxPooling2d({ ...pool, dataFormat: 'channelsFirst' })),
      [16, 1, 128, 128],
    );
    expectSteps(last.steps, 1024 + 1);
    expectSteps(first.steps, 1024 + 1);
  });

  test('of recurrent layers counts every step, of both directions, whichever dimension is time', () => {
    const cell = () => layers.simpleRNN({ units: 1, returnSequences: true });
    expectSteps(costOf(chain([100, 1], cell()), [1, 100, 1]).steps, 1600);
    const both = layers.bidirectional({ layer: cell(), mergeMode: 'concat' });
    expectSteps(costOf(chain([100, 1], both), [1, 100, 1]).steps, 3200);
    const first = kerasLayers.rnn({ cell: layers.simpleRNNCell({ units: 1 }), timeMajor: true });
    expectSteps(
      costOf(
        tf.sequential({ layers: [layers.inputLayer({ batchInputShape: [100, 1, 1] }), first] }),
        [100, 1, 1],
      ).steps,
      1600,
    );
  });

  test('of TimeDistributed counts a step for each that it may take', () => {
    const each = layers.timeDistributed({ layer: layers.activation({ activation: 'relu' }) });
    expectSteps(costOf(chain([1000, 1], each), [1, 1000, 1]).steps, 1000 + 1);
  });

  test('looks at a model once, however often it is called', () => {
    const dense = layers.dense({ units: 2 });
    let model = chain([2], dense) as tf.LayersModel;
    for (let depth = 0; depth < 5; depth++) {
      const x = tf.input({ shape: [2] });
      const apply = (input: tf.SymbolicTensor) => model.apply(input) as tf.SymbolicTensor;
      model = tf.model({ inputs: x, outputs: apply(apply(x)) });
    }
    const looked = vi.spyOn(dense, 'computeOutputShape');
    costOf(model, [1, 2]);
    expect(looked).toHaveBeenCalledTimes(1);
  });

  test('says in which model within it most is held', () => {
    const inner = tf.sequential({
      name: 'inner',
      layers: [layers.upSampling2d({ name: 'up', size: [9, 9], inputShape: [4, 4, 1] })],
    });
    expect(costOf(tf.sequential({ name: 'outer', layers: [inner] }), [1, 4, 4, 1]).peak?.path).toBe(
      'inner/up',
    );
  });

  test('of fold counts the weights of the model and of its copy', async () => {
    const model = chain([1000], layers.dense({ units: 1000 }), bn());
    const bytes = 4 * (1_001_000 + 4000);
    const error = await outcome(fold(model, { limits: { memory: 2 * bytes } }));
    expect(error).toMatchObject({ name: 'ValueError' });
    (await fold(model, { limits: { memory: 2.2 * bytes } })).model.dispose();
    model.dispose();
  });
});

describe('models nested sixty deep', () => {
  const half = () => [layers.dense({ units: 2, inputShape: [2] }), layerBatchNormalization()];
  const nest = (within: (model: tf.LayersModel) => Layer[]) => {
    let model: tf.LayersModel = tf.sequential({ layers: half() });
    for (let depth = 0; depth < 60; depth++) model = tf.sequential({ layers: within(model) });
    return model;
  };

  // It doubled with each level.
  test.each<[string, (model: tf.LayersModel) => Layer[]]>([
    ['chains', (model) => [model, layers.dense({ units: 2 })]],
    [
      'TimeDistributed',
      (model) => [
        layers.reshape({ targetShape: [1, 2], inputShape: [2] }),
        layers.timeDistributed({ layer: model }),
        layers.reshape({ targetShape: [2] }),
      ],
    ],
  ])('%s are looked at in no time', { timeout: 30_000 }, async (_, within) => {
    const model = nest(within);
    const x = tf.ones([4, 2]);
    const { model: folded, largestDifference } = await fold(model, x);
    await inspect(model, x);
    await recalibrate(model, x);
    freeze(model);
    unfreeze(model);
    expect(largestDifference).toBeLessThan(1e-5);
    discard(model, folded, x);
  });
});
