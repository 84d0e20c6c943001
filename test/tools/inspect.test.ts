/** @file Each finding is provoked by what it is about, and a healthy model has none that warns. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { type Data, FINDING_NAMES, type FindingName, type InspectReport, inspect } from 'evenkeel/tools';
import { beforeAll, describe, expect, test } from 'vitest';
import { FINDINGS } from '../docs/findings.js';
import { WITHOUT_KERNELS, describeBackends, useBackend } from '../backends.js';
import { weightsOf } from '../models/models.js';
import { type Samples, changeStatistics, loadSamples, makeReader, trainReader } from './digits.js';

const namesOf = ({ findings }: InspectReport) => findings.map(({ name }) => name);

/** Normal numbers: `[samples, means.length]`, each column with a mean and a deviation of its own. */
const normal = (samples: number, means: readonly number[], deviations: readonly number[], seed = 1) =>
  tf.tidy(() => {
    const standard = tf.randomNormal([samples, means.length], 0, 1, 'float32', seed);
    return tf.add(tf.mul(standard, tf.tensor1d([...deviations])), tf.tensor1d([...means]));
  });

type Weights = Partial<Record<'gamma' | 'beta' | 'mean' | 'variance', number[]>>;

/** A normalization of four channels, with the weights of a trained one. */
function normalization(args: BatchNormalizationArgs = {}, weights: Weights = {}) {
  const { gamma = [1, 0.7, 1.2, 0.9], beta = [0.1, -0.3, 0, 0.2] } = weights;
  const { mean = [0.5, -2, 1, 3], variance = [2, 0.5, 4, 1.5] } = weights;
  return layerBatchNormalization({ weights: [gamma, beta, mean, variance], ...args });
}

const withInput = (args: BatchNormalizationArgs = {}, weights: Weights = {}) =>
  tf.sequential({ layers: [normalization({ inputShape: [4], ...args }, weights)] });

/** Data of which the statistics of `normalization` are those. */
const fitting = (samples = 400) => normal(samples, [0.5, -2, 1, 3], [2, 0.5, 4, 1.5].map(Math.sqrt));

interface Case {
  make: () => { model: tf.LayersModel; data?: Data; batchSize?: number };
  severity: 'error' | 'warning' | 'note';
  channels?: number[];
  evidence?: object;
}

/** Statistics that have had `steps` steps with momentum 0.99, from 0 and 1 towards those of `fitting`. */
function young(steps: number): Weights {
  const left = 0.99 ** steps;
  return {
    mean: [0.5, -2, 1, 3].map((mean) => (1 - left) * mean),
    variance: [2, 0.5, 4, 1.5].map((variance) => (1 - left) * variance + left),
  };
}

/** A layer that is called twice, and data for both calls. */
function shared(rightOffset: number) {
  const layer = normalization();
  const inputs = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
  const model = tf.model({ inputs, outputs: inputs.map((input) => layer.apply(input) as tf.SymbolicTensor) });
  return { model, data: [fitting(), tf.add(fitting(), rightOffset)] };
}

const beforeRelu = (beta: number[]) =>
  tf.sequential({
    layers: [normalization({ inputShape: [4] }, { beta }), tf.layers.activation({ activation: 'relu' })],
  });

/** Numbers as TF.js' converter quantizes them: whole steps from the least of them to the largest. */
function quantize(values: readonly number[], bits: number): number[] {
  const least = Math.min(...values);
  const step = (Math.max(...values) - least) / (2 ** bits - 1);
  return values.map((value) => Math.round((value - least) / step) * step + least);
}

/** Forty variances, from 1e-6 to 5623. */
const SPREAD = Array.from({ length: 40 }, (_, c) => 10 ** (c / 4 - 6));

/** A layer of 40 channels whose moving variances have been quantized. */
function quantized(bits: number | null, variances: readonly number[]) {
  const variance = bits === null ? [...variances] : quantize(variances, bits);
  const all = (value: number) => variance.map(() => value);
  const weights = [all(1), all(0), all(0), variance];
  return tf.sequential({ layers: [layerBatchNormalization({ weights, epsilon: 1e-6, inputShape: [40] })] });
}

const CASES: Record<FindingName, Case[]> = {
  'not-finite': [
    {
      make: () => ({ model: withInput({}, { mean: [0, NaN, 1, 2] }) }),
      severity: 'error',
      channels: [1],
      evidence: { movingMean: 1 },
    },
    {
      make: () => ({ model: withInput({}, { gamma: [1, 1, 1, Infinity] }) }),
      severity: 'error',
      channels: [3],
      evidence: { gamma: 1 },
    },
  ],
  'negative-variance': [
    {
      make: () => ({ model: withInput({}, { variance: [1, 2, -31.75, 3] }) }),
      severity: 'error',
      channels: [2],
      evidence: { smallest: -31.75 },
    },
  ],
  'huge-variance': [
    {
      make: () => ({ model: withInput({}, { variance: [1, 2, 3, 1e12] }) }),
      severity: 'warning',
      channels: [3],
    },
  ],
  'not-finite-data': [
    {
      make: () => ({
        model: withInput(),
        data: tf.concat([fitting(64), tf.fill([1, 4], NaN)]),
        batchSize: 32,
      }),
      severity: 'error',
      evidence: { batch: 3 },
    },
  ],
  'stock-axis': [
    {
      make: () => ({
        model: tf.sequential({ layers: [tf.layers.batchNormalization({ axis: 1, inputShape: [2, 5] })] }),
      }),
      severity: 'error',
      evidence: { axis: 1 },
    },
  ],
  'impossible-momentum': [
    { make: () => ({ model: withInput({ momentum: 1.5 }) }), severity: 'error', evidence: { momentum: 1.5 } },
    { make: () => ({ model: withInput({ momentum: -0.1 }) }), severity: 'error' },
  ],
  'inverted-momentum': [
    {
      make: () => ({ model: withInput({ momentum: 0.1 }) }),
      severity: 'warning',
      evidence: { momentum: 0.1, likelyMeant: 0.9 },
    },
  ],
  'untrained-statistics': [
    {
      make: () => ({ model: tf.sequential({ layers: [layerBatchNormalization({ inputShape: [4] })] }) }),
      severity: 'warning',
    },
    {
      make: () => ({ model: tf.sequential({ layers: [tf.layers.batchNormalization({ inputShape: [4] })] }) }),
      severity: 'warning',
    },
  ],
  'young-statistics': [
    {
      make: () => ({ model: withInput({}, young(40)), data: fitting(4000) }),
      severity: 'warning',
      evidence: { momentum: 0.99 },
    },
    { make: () => ({ model: withInput({}, young(2)) }), severity: 'note' },
  ],
  'statistics-gap': [
    {
      make: () => {
        // The second layer's statistics are of weights before it that are no more.
        const model = tf.sequential({
          layers: [
            normalization({ inputShape: [4] }),
            tf.layers.dense({ units: 4, useBias: false, kernelInitializer: 'identity' }),
            normalization({ name: 'behind' }, { mean: [3, -3, 3, -3], variance: [9, 4, 0.1, 5] }),
          ],
        });
        return { model, data: fitting() };
      },
      severity: 'warning',
    },
  ],
  'data-shift': [
    {
      make: () => ({ model: withInput(), data: tf.mul(fitting(), 255) }),
      severity: 'warning',
      channels: [0, 1, 2, 3],
    },
    {
      make: () => ({ model: withInput(), data: tf.add(fitting(), tf.tensor1d([0, 9, 0, 0])) }),
      severity: 'warning',
      channels: [1],
    },
  ],
  'zero-gamma': [
    {
      make: () => ({ model: withInput({}, { gamma: [1, 1e-5, 0, 2] }) }),
      severity: 'warning',
      channels: [1, 2],
    },
    {
      make: () => ({ model: withInput({}, { gamma: [0, 0, 0, 0] }) }),
      severity: 'warning',
      channels: [0, 1, 2, 3],
    },
  ],
  'constant-channel': [
    {
      make: () => ({ model: withInput({}, { variance: [1, 0, 1e-8, 2] }) }),
      severity: 'warning',
      channels: [1, 2],
    },
  ],
  'quantized-weights': [8, 16].map((bits) => ({
    // Variances from 1e-6 to 5623: half a step is 11, or 0.043, and all that is less becomes the least.
    make: () => ({ model: quantized(bits, SPREAD) }),
    severity: 'warning',
    channels: [...Array(bits === 8 ? 29 : 19).keys()],
    evidence: { bits },
  })),
  'dead-relu': [{ make: () => ({ model: beforeRelu([0, -5, 0, -1]) }), severity: 'warning', channels: [1] }],
  'epsilon-dominates': [
    {
      make: () => ({ model: withInput({}, { variance: [1e-4, 2e-4, 3, 5e-4] }) }),
      severity: 'warning',
      channels: [0, 1, 3],
    },
  ],
  'small-batch': [
    {
      make: () => ({ model: withInput(), data: fitting(), batchSize: 4 }),
      severity: 'warning',
      evidence: { samples: 4, valuesPerChannel: 4 },
    },
    {
      make: () => ({ model: withInput({ virtualBatchSize: 4, weights: null }), data: fitting() }),
      severity: 'warning',
      evidence: { samples: 4 },
    },
  ],
  'unshuffled-batches': [
    {
      // The first half is of one kind, the second of another.
      make: () => ({
        model: withInput(),
        data: tf.concat([tf.sub(fitting(200), 1.5), tf.add(fitting(200), 1.5)]),
      }),
      severity: 'warning',
    },
  ],
  'output-gap': [
    { make: () => ({ model: withInput({}, { mean: [9, 9, 9, 9] }), data: fitting() }), severity: 'warning' },
  ],
  'shared-layer': [
    { make: () => shared(0), severity: 'note', evidence: { calls: 2 } },
    { make: () => shared(5), severity: 'warning', evidence: { calls: 2 } },
  ],
  'foreign-epsilon': [{ make: () => ({ model: withInput({ epsilon: 1e-5 }) }), severity: 'note' }],
  'useless-bias': [
    {
      make: () => ({
        model: tf.sequential({
          layers: [tf.layers.dense({ name: 'biased', units: 4, inputShape: [3] }), normalization()],
        }),
      }),
      severity: 'note',
      evidence: { before: 'biased' },
    },
  ],
};

const PROVOKED = FINDING_NAMES.flatMap((name) =>
  CASES[name].map((one, i, cases) => ({
    ...one,
    name,
    title: cases.length > 1 ? `${name}, ${i + 1}` : name,
  })),
);

describeBackends(() => {
  test.each(PROVOKED)('finds $title', async ({ name, make, severity, channels, evidence }) => {
    const { model, data, batchSize } = make();
    const before = model.layers.map(weightsOf);
    const tensors = tf.memory().numTensors;
    const report = await inspect(model, data, { batchSize });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(model.layers.map(weightsOf)).toEqual(before);
    const finding = report.findings.find((one) => one.name === name);
    expect(finding, namesOf(report).join(', ')).toMatchObject({
      severity,
      ...(channels && { channels }),
      ...(evidence && { evidence }),
    });
    expect(report).toEqual(JSON.parse(JSON.stringify(report)));
    const page = FINDINGS[name];
    expect(Object.keys(page.evidence)).toEqual(expect.arrayContaining(Object.keys(finding!.evidence)));
    expect([page.severity, page.noteWhen && 'note']).toContain(severity);
  });

  test('finds nothing in a layer that fits its data', async () => {
    const [model, data] = [withInput(), fitting()];
    expect(namesOf(await inspect(model, data))).toEqual([]);
    expect(namesOf(await inspect(model))).toEqual([]);
  });

  test('tells how many steps young averages have had', async () => {
    for (const steps of [20, 60]) {
      const { findings } = await inspect(
        withInput({}, young(steps)),
        normal(20_000, [0.5, -2, 1, 3], [2, 0.5, 4, 1.5].map(Math.sqrt)),
        { batchSize: 1000 },
      );
      const found = Number(findings.find(({ name }) => name === 'young-statistics')?.evidence.steps);
      expect(Math.abs(found / steps - 1)).toBeLessThan(0.1);
    }
  });

  test('tells scaled pixels from other shifts', async () => {
    const told = async (data: tf.Tensor) => {
      const { findings } = await inspect(withInput(), data);
      return findings.find(({ name }) => name === 'data-shift')!.message;
    };
    expect(await told(tf.mul(fitting(), 255))).toMatch(/255/);
    expect(await told(tf.div(fitting(), 255))).toMatch(/255/);
    expect(await told(tf.mul(fitting(), 5))).not.toMatch(/255/);
  });

  test('blames the data for a shift, and the statistics for a gap behind another layer', async () => {
    const { model, data } = CASES['statistics-gap'][0]!.make();
    const gaps = (await inspect(model, data)).findings.filter(({ name }) => /gap|shift/.test(name));
    expect(gaps.map(({ name, layer }) => [name, layer])).toEqual([
      ['statistics-gap', 'behind'],
      ['output-gap', null],
    ]);
  });

  test('names quantization as the cause, and neither dead channels nor other data', async () => {
    // The least, which many others become, is 0.
    const model = quantized(8, [0, ...SPREAD.slice(1)]);
    expect(namesOf(await inspect(model))).toEqual(['quantized-weights']);
    const x = normal(
      400,
      SPREAD.map(() => 0),
      SPREAD.map(Math.sqrt),
    );
    expect(namesOf(await inspect(model, x)).filter((name) => /shift|gap$/.test(name))).toEqual([
      'output-gap',
    ]);
    const dead = SPREAD.map((value, c) => (c < 9 ? 0 : value));
    expect(namesOf(await inspect(quantized(null, dead)))).toEqual(['constant-channel']);
  });

  test('says nothing of a beta below 0 where no ReLU follows', async () => {
    const model = withInput({}, { beta: [0, -5, 0, -1] });
    expect(namesOf(await inspect(model))).toEqual([]);
  });

  test('describes each layer, and what the data shows of it, in plain data', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.masking({ maskValue: 9, inputShape: [3, 2] }),
        layerBatchNormalization({ name: 'own', renorm: true, momentum: 0.5 }),
        tf.layers.batchNormalization({ name: 'stock', axis: 2, center: false, trainable: false }),
      ],
    });
    // Twice 1 and 3 in the first channel, 2 in the second, and a step that is masked.
    const x = tf.tensor3d([
      [
        [1, 2],
        [3, 2],
        [9, 9],
      ],
      [
        [3, 2],
        [1, 2],
        [9, 9],
      ],
    ]);
    const { layers, data, model: name } = await inspect(model, x);
    expect(name).toBe(model.name);
    expect(data).toEqual({ batches: 1, samples: 2 });
    const [own, stock] = layers;
    expect(own).toEqual({
      ...{ layer: 'own', implementation: 'evenkeel', axis: -1, momentum: 0.5, epsilon: 0.001, renorm: true },
      ...{ virtualBatchSize: null, isFrozen: false, calls: 1, channels: 2, gamma: [1, 1], beta: [0, 0] },
      ...{ movingMean: [0, 0], movingVariance: [1, 1] },
      inputs: {
        ...{ batches: 1, count: [4, 4] },
        training: { mean: [2, 2], variance: [1, 0] },
        inference: { mean: [2, 2], variance: [1, 0] },
        distance: [
          expect.closeTo(2 / Math.sqrt(1.001)) as number,
          expect.closeTo(Math.hypot(2 / Math.sqrt(1.001), Math.sqrt(0.001 / 1.001) - 1)) as number,
        ],
        shareBetweenBatches: [0, 0],
      },
    });
    expect(stock).toMatchObject({
      layer: 'stock',
      implementation: 'tfjs',
      axis: 2,
      isFrozen: true,
      beta: null,
    });
    expect(stock!.inputs!.count).toEqual([6, 6]);
  });

  test('measures what the statistics do to the output', async () => {
    const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [2], epsilon: 0 })] });
    // Inference leaves these as they are; training makes them ±1, and turns the larger of each row round.
    const x = tf.tensor2d([
      [3, -4],
      [1, 4],
    ]);
    const { outputs } = await inspect(model, x);
    const [inference, training] = [
      [3, -4, 1, 4],
      [1, -1, -1, 1],
    ];
    const mean = 1;
    const deviation = Math.sqrt(inference.reduce((total, y) => total + (y - mean) ** 2, 0) / 4);
    const difference = Math.sqrt(inference.reduce((total, y, i) => total + (y - training[i]!) ** 2, 0) / 4);
    expect(outputs).toEqual([
      {
        output: model.outputNames[0],
        relativeDifference: expect.closeTo(difference / deviation, 4) as number,
        largestDifference: expect.closeTo(3, 4) as number,
        agreement: 1,
      },
    ]);
  });

  describe('of samples at random never says that batches are sorted,', () => {
    const random = (shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', 1);
    const MODELS: Record<string, () => { model: tf.LayersModel; data: Data }> = {
      'however much the calls of a shared layer differ': () => {
        const { model } = shared(0);
        return { model, data: [random([200, 4]), tf.add(random([200, 4]), 3)] };
      },
      'however much the steps of a TimeDistributed differ': () => ({
        model: tf.sequential({
          layers: [tf.layers.timeDistributed({ layer: layerBatchNormalization(), inputShape: [5, 4] })],
        }),
        data: tf.add(random([200, 5, 4]), tf.reshape(tf.range(0, 5), [1, 5, 1])),
      }),
    };

    test.each(Object.entries(MODELS))('%s', async (_, make) => {
      const { model, data } = make();
      const { layers, findings } = await inspect(model, data, { batchSize: 20 });
      expect(findings.map(({ name }) => name)).not.toContain('unshuffled-batches');
      expect(layers[0]!.inputs!.batches).toBe(10);
    });
  });

  test('finds sorted batches through a shared layer, too', async () => {
    const { model } = shared(0);
    const sorted = tf.concat([tf.sub(fitting(200), 1.5), tf.add(fitting(200), 1.5)]);
    expect(namesOf(await inspect(model, [sorted, tf.add(sorted, 3)]))).toContain('unshuffled-batches');
  });

  test('counts the values of a batch by each call, as a training step does', async () => {
    const { model, data } = shared(0);
    const small = (await inspect(model, data, { batchSize: 10 })).findings.filter(
      ({ name }) => name === 'small-batch',
    );
    expect(small.map(({ evidence }) => evidence)).toEqual([{ samples: 10, valuesPerChannel: 10 }]);
  });

  test('renorm trains close to inference, so that no output gap is told of', async () => {
    const trained = (virtualBatchSize: number | null) => {
      // Far from the data's: plain batch normalization would give other outputs in training.
      const [mean, variance] = [
        [9, 9, 9, 9],
        [4, 4, 4, 4],
      ];
      const deviation = variance.map((value) => Math.sqrt(value + 0.001));
      const weights = [[1, 1, 1, 1], [0, 0, 0, 0], mean, variance, deviation, mean, deviation];
      return withInput({ renorm: true, virtualBatchSize, weights });
    };
    const { outputs, findings } = await inspect(trained(null), fitting(320));
    expect(outputs[0]!.relativeDifference).toBeLessThan(1e-5);
    expect(findings.map(({ name }) => name)).not.toContain('output-gap');
    // Ghost batches differ among each other; the last batch has half of one.
    expect(namesOf(await inspect(trained(8), fitting(324)))).not.toContain('output-gap');
  });

  test('a frozen layer works by its moving statistics in training too', async () => {
    const { outputs } = await inspect(withInput({ trainable: false }, { mean: [9, 9, 9, 9] }), fitting());
    expect(outputs[0]).toMatchObject({ relativeDifference: 0, largestDifference: 0, agreement: 1 });
  });

  test('has nothing to say of a model without batch normalization', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
    expect(await inspect(model, tf.ones([4, 2]))).toMatchObject({ layers: [], findings: [] });
  });

  test('reports its progress, and stops where it is told to, leaving nothing behind', async () => {
    const steps: unknown[] = [];
    const [model, data] = [withInput(), fitting(100)];
    await inspect(model, data, { batchSize: 40, onProgress: (progress) => steps.push(progress) });
    expect(steps).toEqual([1, 2, 3].map((done) => ({ done, total: 3, step: `batch ${done}` })));
    const tensors = tf.memory().numTensors;
    const controller = new AbortController();
    const onProgress = () => {
      controller.abort();
    };
    await expect(
      inspect(model, data, { batchSize: 1, signal: controller.signal, onProgress }),
    ).rejects.toThrow();
    await expect(inspect(model, tf.ones([2, 3]))).rejects.toThrow(
      /takes shape \[null, 4\], received \[2, 3\]/,
    );
    expect(tf.memory().numTensors).toBe(tensors + 1);
  });
}, ['cpu', 'wasm', WITHOUT_KERNELS]);

describe('says nothing of a bias that does something:', () => {
  const { dense, add } = tf.layers;
  const biased = (args = {}) => dense({ units: 4, name: 'biased', ...args });
  const apply = (layer: tf.layers.Layer, ...inputs: tf.SymbolicTensor[]) =>
    layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as tf.SymbolicTensor;

  test.each<[string, (x: tf.SymbolicTensor) => tf.SymbolicTensor[]]>([
    [
      'a skip connection takes it too',
      (x) => {
        const y = apply(biased(), x);
        return [apply(add(), y, apply(normalization(), y))];
      },
    ],
    [
      'it is an output of the model',
      (x) => {
        const y = apply(biased(), x);
        return [y, apply(normalization(), y)];
      },
    ],
    [
      'the layer is shared, and its other result is not normalized',
      (x) => {
        const shared = biased();
        return [apply(normalization(), apply(shared, x)), apply(shared, x)];
      },
    ],
    [
      'the normalization is along another axis',
      (x) => [apply(normalization({ axis: 1 }), apply(biased(), x))],
    ],
    ['the normalization is frozen', (x) => [apply(normalization({ trainable: false }), apply(biased(), x))]],
  ])('%s', async (_, build) => {
    const inputs = tf.input({ shape: [4, 3] });
    expect(namesOf(await inspect(tf.model({ inputs, outputs: build(inputs) })))).not.toContain(
      'useless-bias',
    );
  });

  test('and of one that a convolution adds along the axis, channels first, it does', async () => {
    const conv = tf.layers.conv2d({
      filters: 4,
      kernelSize: 1,
      dataFormat: 'channelsFirst',
      inputShape: [2, 3, 3],
    });
    const model = tf.sequential({ layers: [conv, normalization({ axis: 1 })] });
    expect(namesOf(await inspect(model))).toContain('useless-bias');
  });
});

test('takes more channels than a call takes arguments', async () => {
  const channels = 200_000;
  const all = (value: number) => new Float32Array(channels).fill(value);
  const layer = layerBatchNormalization({
    weights: [all(1), all(-9), all(0), all(-1)],
    inputShape: [channels],
  });
  const model = tf.sequential({ layers: [layer, tf.layers.activation({ activation: 'relu' })] });
  const { findings } = await inspect(model, tf.ones([1, channels]));
  expect(findings.map(({ name }) => name)).toEqual(expect.arrayContaining(['dead-relu', 'small-batch']));
});

test.each<[string, () => Data, RegExp]>([
  ['no samples', () => tf.zeros([0, 4]), /no samples/],
  ['no batches', () => [], /no samples/],
  ['words', () => tf.tensor2d([['a', 'b', 'c', 'd']]), /expected numbers .* received string/],
  [
    'a tensor that is disposed',
    () => {
      const data = fitting();
      data.dispose();
      return data;
    },
    /has been disposed/,
  ],
])('refuses %s', async (_, data, message) => {
  await expect(inspect(withInput(), data())).rejects.toMatchObject({
    name: 'ValueError',
    message: expect.stringMatching(message) as string,
  });
});

test('refuses a model that has no layers yet', async () => {
  await expect(inspect(tf.sequential())).rejects.toThrow(/no layers yet/);
});

test('every finding has a case', () => {
  expect(Object.keys(CASES).sort()).toEqual([...FINDING_NAMES].sort());
});

describe('of a network that was trained on drawn digits', () => {
  let training: Samples;
  let held: Samples;
  const model = { current: null as unknown as tf.Sequential };

  beforeAll(async () => {
    await useBackend('wasm');
    ({ training, test: held } = await loadSamples());
    model.current = makeReader();
    await trainReader(model.current, training, 2);
  });

  test('nothing is found that warns, with data or without', async () => {
    for (const data of [training.xs, held.xs, null]) {
      const { findings } = await inspect(model.current, data);
      expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
    }
  });

  test('sorted batches are found, and shuffled ones not', async () => {
    const order = [...held.labels.keys()].sort((a, b) => held.labels[a]! - held.labels[b]!);
    const sorted = tf.gather(held.xs, order);
    expect(namesOf(await inspect(model.current, sorted))).toContain('unshuffled-batches');
  });

  test('pixels that were not scaled are found', async () => {
    const { findings } = await inspect(model.current, tf.mul(held.xs, 255));
    expect(findings.find(({ name }) => name === 'data-shift')).toMatchObject({ layer: 'bn1' });
  });

  test('averages of a few steps are found young', async () => {
    const fresh = makeReader();
    for (const name of ['bn1', 'bn2'])
      (fresh.getLayer(name) as unknown as { momentum: number }).momentum = 0.99;
    const few = { ...training, xs: tf.slice(training.xs, 0, 1200), ys: tf.slice(training.ys, 0, 1200) };
    await trainReader(fresh, few, 1);
    const { findings } = await inspect(fresh, held.xs);
    const steps = findings
      .filter(({ name }) => name === 'young-statistics')
      .map(({ evidence }) => Number(evidence.steps));
    expect(steps.length).toBeGreaterThan(0);
    for (const one of steps) expect(Math.abs(one - 20)).toBeLessThan(8);
  });

  test('statistics of other weights are found', async () => {
    changeStatistics(model.current.getLayer('bn2'), (mean, variance) => [
      mean.map((value, c) => value + (c % 3) - 1),
      variance.map((value, c) => value * (1 + (c % 5))),
    ]);
    const { findings } = await inspect(model.current, held.xs);
    expect(findings.filter(({ name }) => name === 'statistics-gap').map(({ layer }) => layer)).toEqual([
      'bn2',
    ]);
  });
});
