/**
 * @file New statistics from data: against the core in float64, which sees the whole data as one batch, and against the
 * model's own inference.
 */
import { Readable } from 'node:stream';
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { forward, initialState, type State } from 'evenkeel/core';
import { type Data, type RecalibrateOptions, recalibrate } from 'evenkeel/tools';
import { afterEach, describe, expect, test } from 'vitest';
import { WITHOUT_KERNELS, describeBackends } from '../backends.js';
import { numbers, sizeOf } from '../core/reference.js';
import { valuesOf, weightsOf } from '../models/models.js';

const BACKENDS = ['cpu', 'wasm', WITHOUT_KERNELS] as const;

/** Numbers about 3 with deviation 2 or so, no two samples alike. */
const floats = (shape: readonly number[], seed: number) =>
  Float32Array.from(numbers(sizeOf(shape), seed), (value, i) => 3 + 4 * value + (i % 7) / 5);

const drawn = (shape: number[], seed: number) => tf.tensor(floats(shape, seed), shape);

const modelOf = (layer: tf.layers.Layer) => tf.sequential({ layers: [layer] });

const normalize = (args: BatchNormalizationArgs) => layerBatchNormalization(args);

/** The statistics that the core finds in one batch: those after a step that keeps nothing of the old ones. */
function statisticsOfBatch(
  values: Float32Array,
  shape: readonly number[],
  args: BatchNormalizationArgs,
  mask?: Parameters<typeof forward>[3] extends infer T ? (T extends { mask?: infer M } ? M : never) : never,
): number[][] {
  const { axis, fused, renorm, virtualBatchSize, epsilon } = args;
  const options = Object.fromEntries(
    Object.entries({ axis, fused, renorm, virtualBatchSize, epsilon }).filter(([, value]) => value != null),
  );
  const whole = { ...options, momentum: 0, renormMomentum: 0 };
  const x = { values: Float64Array.from(values), shape };
  const { state } = forward(x, initialState(whole, shape), whole, { training: true, ...(mask && { mask }) });
  const { movingMean, movingVariance, movingStddev, renormMean, renormStddev } = state as Required<State>;
  return [movingMean, movingVariance, movingStddev, renormMean, renormStddev]
    .filter((array) => (array as unknown) !== undefined)
    .map((array) => [...array]);
}

function expectClose(actual: number[][], expected: number[][], tolerance = 2e-6): void {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  const largest = Math.max(1, ...expected.flat().map(Math.abs));
  const errors = actual.flatMap((values, i) => values.map((value, k) => Math.abs(value - expected[i]![k]!)));
  expect(Math.max(...errors) / largest).toBeLessThan(tolerance);
}

/** Mean and variance of each column, the last axis, in float64. */
function columnStatistics(tensor: tf.Tensor): number[][] {
  const columns = tensor.shape.at(-1)!;
  const values = valuesOf(tensor);
  const columnsOf = Array.from({ length: columns }, (_, c) =>
    values.filter((_value, i) => i % columns === c),
  );
  const mean = (column: number[]) => column.reduce((total, value) => total + value, 0) / column.length;
  const means = columnsOf.map(mean);
  return [means, columnsOf.map((column, c) => mean(column.map((value) => (value - means[c]!) ** 2)))];
}

const SHAPES: Record<string, [BatchNormalizationArgs, number[]]> = {
  'no options': [{}, [23, 3]],
  'images, with the correction n/(n − 1)': [{}, [7, 3, 2, 2]],
  'fused: false': [{ fused: false }, [7, 3, 2, 2]],
  'channels first': [{ axis: 1 }, [7, 2, 3, 3]],
  'two axes': [{ axis: [1, 3] }, [7, 2, 3, 2]],
  'rank 5': [{}, [5, 2, 2, 2, 3]],
  renorm: [{ renorm: true }, [23, 3]],
  'neither gamma nor beta': [{ center: false, scale: false }, [23, 3]],
};

describeBackends(() => {
  let tensors = 0;
  afterEach(() => {
    tensors = 0;
  });
  const remember = () => {
    tensors = tf.memory().numTensors;
  };
  const expectNoLeak = () => {
    expect(tf.memory().numTensors).toBe(tensors);
  };

  describe.each(Object.entries(SHAPES))('with %s', (_, [args, shape]) => {
    test('gives the statistics that the core finds in the whole data, in whatever batches it comes', async () => {
      const values = floats(shape, 1);
      const layer = normalize({ ...args, inputShape: shape.slice(1) });
      const model = modelOf(layer);
      const x = tf.tensor(values, shape);
      for (const batchSize of [1, 4, 100]) {
        layer.setWeights(layer.weights.map((weight) => tf.mul(weight.read(), 7)));
        remember();
        await recalibrate(model, x, { batchSize });
        expectNoLeak();
        const count = statisticsOfBatch(values, shape, args).length;
        expectClose(weightsOf(layer).slice(-count), statisticsOfBatch(values, shape, args));
      }
    });
  });

  test('keeps gamma, beta and every other weight', async () => {
    const model = tf.sequential({
      layers: [
        normalize({ inputShape: [3], gammaInitializer: 'randomUniform' }),
        tf.layers.dense({ units: 2 }),
      ],
    });
    const others = () => weightsOf(model.layers[0]!).slice(0, 2).concat(weightsOf(model.layers[1]!));
    const before = others();
    await recalibrate(model, drawn([20, 3], 1));
    expect(others()).toEqual(before);
  });

  test("recalibrates TF.js' own layer, without the correction that it never makes", async () => {
    const layer = tf.layers.batchNormalization({ inputShape: [3, 2, 2] });
    const values = floats([7, 3, 2, 2], 1);
    await recalibrate(modelOf(layer), tf.tensor(values, [7, 3, 2, 2]), { batchSize: 3 });
    expectClose(weightsOf(layer).slice(2), statisticsOfBatch(values, [7, 3, 2, 2], { fused: false }));
  });

  test('takes the mean over batches where that is asked for, ghost batches being batches', async () => {
    const shape = [12, 3];
    const values = floats(shape, 1);
    for (const virtualBatchSize of [null, 2]) {
      const layer = normalize({ inputShape: [3], virtualBatchSize });
      await recalibrate(modelOf(layer), tf.tensor(values, shape), { batchSize: 4, statistics: 'batches' });
      const perBatch = [0, 1, 2].map((i) =>
        statisticsOfBatch(values.slice(i * 12, (i + 1) * 12), [4, 3], { virtualBatchSize }),
      );
      const mean = perBatch[0]!.map((array, i) =>
        array.map((__, c) => perBatch.reduce((t, one) => t + one[i]![c]! / 3, 0)),
      );
      expectClose(weightsOf(layer).slice(2), mean);
    }
  });

  test('counts ghost batches as one where the population is asked for', async () => {
    const values = floats([12, 3], 1);
    const layer = normalize({ inputShape: [3], virtualBatchSize: 5 });
    await recalibrate(modelOf(layer), tf.tensor(values, [12, 3]), { batchSize: 4 });
    expectClose(weightsOf(layer).slice(2), statisticsOfBatch(values, [12, 3], {}));
    await expect(
      recalibrate(modelOf(normalize({ inputShape: [3], virtualBatchSize: 5 })), tf.tensor(values, [12, 3]), {
        statistics: 'batches',
      }),
    ).rejects.toThrow(/virtualBatchSize 5, which does not divide the batch of 12/);
  });

  test('leaves masked values out', async () => {
    const shape = [6, 4, 2];
    const values = floats(shape, 1);
    const mask = Array.from({ length: 24 }, (_, i) => (i % 4 > 1 + (i % 3) ? 0 : 1));
    const padded = values.map((value, i) => (mask[Math.floor(i / 2)] === 0 ? 0 : value));
    const layer = normalize({});
    const model = tf.sequential({ layers: [tf.layers.masking({ maskValue: 0, inputShape: [4, 2] }), layer] });
    const { layers } = await recalibrate(model, tf.tensor(padded, shape), { batchSize: 4 });
    expectClose(
      weightsOf(layer).slice(2),
      statisticsOfBatch(values, shape, {}, { values: mask, shape: [6, 4] }),
    );
    const counted = mask.reduce<number>((a, b) => a + b, 0);
    expect(layers[0]!.count).toEqual([counted, counted]);
  });

  describe('in a deep model', () => {
    /** Two normalizations, the second behind a ReLU. */
    function deep() {
      const input = tf.input({ shape: [4] });
      const first = normalize({ name: 'first' });
      const second = normalize({ name: 'second' });
      const between = tf.layers
        .dense({ units: 5, activation: 'relu' })
        .apply(first.apply(input)) as tf.SymbolicTensor;
      const output = second.apply(between) as tf.SymbolicTensor;
      return {
        ...{ first, second },
        model: tf.model({ inputs: input, outputs: output }),
        before: tf.model({ inputs: input, outputs: between }),
      };
    }

    test('layer by layer, each layer sees what those before it give in inference', async () => {
      const { model, before, second } = deep();
      const x = drawn([50, 4], 1);
      await recalibrate(model, x, { batchSize: 8 });
      expectClose(weightsOf(second).slice(2), columnStatistics(before.predict(x) as tf.Tensor), 1e-5);
    });

    test('in one pass, each layer sees what those before it give in training', async () => {
      const { model, second, first } = deep();
      const other = deep();
      other.model.setWeights(model.getWeights());
      for (const layer of [other.first, other.second]) layer.momentum = 0;
      const x = drawn([50, 4], 1);
      other.model.apply(x, { training: true });
      await recalibrate(model, x, { batchSize: 50, order: 'one pass' });
      expectClose(weightsOf(first), weightsOf(other.first), 1e-5);
      expectClose(weightsOf(second), weightsOf(other.second), 1e-5);
    });

    test('goes through the data once for each layer, or once in all', async () => {
      const { model } = deep();
      const steps: string[] = [];
      const x = drawn([6, 4], 1);
      const onProgress: RecalibrateOptions['onProgress'] = ({ done, total, step }) => {
        steps.push(`${done}/${String(total)} ${step}`);
      };
      await recalibrate(model, x, { batchSize: 3, onProgress });
      expect(steps).toEqual([
        '1/4 first, batch 1',
        '2/4 first, batch 2',
        '3/4 second, batch 1',
        '4/4 second, batch 2',
      ]);
      steps.length = 0;
      await recalibrate(model, x, { batchSize: 3, batches: 1, order: 'one pass', onProgress });
      expect(steps).toEqual(['1/1 all layers, batch 1']);
    });

    test('does not say how many steps there will be where it may end before', async () => {
      const totals: (number | null)[] = [];
      await recalibrate(deep().model, drawn([6, 4], 1), {
        batchSize: 3,
        tolerance: 0.5,
        onProgress: ({ total }) => totals.push(total),
      });
      expect(new Set(totals)).toEqual(new Set([null]));
    });

    test('finds layers in nested models, and in wrappers, with every step of theirs', async () => {
      const inner = normalize({ name: 'inner' });
      const steps = normalize({ name: 'steps' });
      const model = tf.sequential({
        layers: [
          tf.layers.timeDistributed({ layer: steps, inputShape: [3, 4] }),
          tf.sequential({ name: 'nest', layers: [tf.layers.dense({ units: 5, inputShape: [3, 4] }), inner] }),
        ],
      });
      const x = drawn([10, 3, 4], 1);
      const { layers } = await recalibrate(model, x, { batchSize: 4 });
      expect(layers.map(({ layer }) => layer.split('/').at(-1))).toEqual(['steps', 'inner']);
      expect(layers.at(-1)!.layer).toBe('nest/inner');
      expectClose(weightsOf(steps).slice(2), columnStatistics(x));
      const [kernel, bias] = (model.layers[1] as tf.Sequential).layers[0]!.getWeights();
      const given = tf.add(
        tf.dot(tf.reshape(model.layers[0]!.apply(x) as tf.Tensor, [30, 4]), kernel!),
        bias!,
      );
      expectClose(weightsOf(inner).slice(2), columnStatistics(given), 1e-5);
    });

    test('a shared layer gets the statistics of all its inputs together', async () => {
      const shared = normalize({});
      const inputs = [tf.input({ shape: [3], name: 'left' }), tf.input({ shape: [3], name: 'right' })];
      const outputs = inputs.map((input) => shared.apply(input) as tf.SymbolicTensor);
      const model = tf.model({ inputs, outputs });
      const [left, right] = [drawn([9, 3], 1), tf.mul(drawn([9, 3], 2), 5)];
      const forms: Data[] = [[left, right], [{ xs: { right, left } }], [{ left, right }], [[left, right]]];
      for (const data of forms) {
        shared.setWeights(shared.weights.map((weight) => tf.zerosLike(weight.read())));
        await recalibrate(model, data, { batchSize: 4 });
        expectClose(weightsOf(shared).slice(2), columnStatistics(tf.concat([left, right])));
      }
    });

    test('the standard error of a shared layer is that of batches, however much its calls differ', async () => {
      const shared = normalize({ epsilon: 0 });
      const inputs = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
      const outputs = inputs.map((input) => shared.apply(input) as tf.SymbolicTensor);
      const model = tf.model({ inputs, outputs });
      const [left, right] = [drawn([20, 3], 1), tf.add(drawn([20, 3], 2), 100)];
      const { layers } = await recalibrate(model, [left, right], { batchSize: 5 });
      const batches = [0, 5, 10, 15].map((start) =>
        columnStatistics(tf.concat([tf.slice(left, start, 5), tf.slice(right, start, 5)])),
      );
      const [, variance] = columnStatistics(tf.concat([left, right]));
      // √(Σ (value − mean)² / (k·(k − 1))) of k batches of one size, in deviations or variances of the channel.
      const errorOf = (i: 0 | 1, scale: (variance: number) => number) => {
        const squares = variance!.map((whole, c) => {
          const values = batches.map((batch) => batch[i]![c]!);
          const mean = values.reduce((total, value) => total + value / 4, 0);
          return values.reduce((total, value) => total + (value - mean) ** 2, 0) / 12 / scale(whole);
        });
        return Math.sqrt(squares.reduce((total, value) => total + value / 3, 0));
      };
      expect(layers[0]!.batches).toBe(4);
      const { mean, variance: ofVariance } = layers[0]!.standardError!;
      expect(mean / errorOf(0, (whole) => whole)).toBeCloseTo(1, 3);
      expect(ofVariance / errorOf(1, (whole) => whole ** 2)).toBeCloseTo(1, 3);
    });

    test('a layer that feeds itself normalizes by the batch meanwhile, as in training', async () => {
      const layer = normalize({ epsilon: 0, inputShape: [3] });
      const model = tf.sequential({ layers: [layer, tf.layers.activation({ activation: 'relu' })] });
      const twice = tf.model({
        inputs: model.inputs,
        outputs: model.apply(model.outputs) as tf.SymbolicTensor,
      });
      const x = drawn([20, 3], 1);
      await recalibrate(twice, x, { batchSize: 20 });
      const { mean, variance } = tf.moments(x, 0);
      const second = tf.relu(tf.div(tf.sub(x, mean), tf.sqrt(variance)));
      expectClose(weightsOf(layer).slice(2), columnStatistics(tf.concat([x, second])), 1e-5);
    });
  });

  describe('takes its data', () => {
    const shape = [9, 3];
    const values = floats(shape, 1);
    const pieces = () => tf.split(tf.tensor(values, shape), 3);
    function* generate() {
      for (const xs of pieces()) yield { xs, ys: tf.ones([3, 1]) };
    }
    async function* generateLater() {
      for (const xs of pieces()) yield await Promise.resolve(xs);
    }
    const FORMS: Record<string, () => Data> = {
      'from an array of batches': pieces,
      'from a generator': generate,
      'from an asynchronous generator': generateLater,
      'from a ReadableStream': () => streamOf(pieces()),
      'from an iterable that is made anew': () => ({ [Symbol.iterator]: generate }),
      'from a function that makes generators': () => generateLater,
      'from a function that promises data': () => () => Promise.resolve(generate()),
      'from a tf.data.Dataset': () => tf.data.generator(generate as () => Generator<tf.TensorContainer>),
    };

    /** Batches as `fetch` and `pipeThrough` give them. */
    const streamOf = (batches: tf.Tensor[]) =>
      new ReadableStream<tf.Tensor>({
        pull(controller) {
          const next = batches.shift();
          if (next) controller.enqueue(next);
          else controller.close();
        },
      });
    const two = () =>
      tf.sequential({ layers: [normalize({ inputShape: [3] }), normalize({ name: 'second' })] });

    test('opening it once for each pass, and closing what it does not read to the end', async () => {
      const events: string[] = [];
      async function* read() {
        try {
          for (const xs of pieces()) yield await Promise.resolve(xs);
        } finally {
          events.push('close');
        }
      }
      const file = {
        [Symbol.asyncIterator]() {
          events.push('open');
          return read();
        },
      };
      await recalibrate(two(), file, { batches: 2 });
      expect(events).toEqual(['open', 'close', 'open', 'close']);
    });

    test('from a stream in one pass, in which all layers are seen to', async () => {
      const { layers } = await recalibrate(two(), streamOf(pieces()), { order: 'one pass' });
      expect(layers.map(({ batches }) => batches)).toEqual([3, 3]);
    });

    test('but not from a stream that would be needed twice, which it leaves alone', async () => {
      const data = streamOf(pieces());
      await expect(recalibrate(two(), data)).rejects.toThrow(
        /^data: it can be gone through only once, .* 2 layers\. Give a function that .*, or use order: 'one pass'\.$/,
      );
      expect(data.locked).toBe(false);
      await recalibrate(two(), data, { order: 'one pass' });
    });

    test("nor from one of Node's", async () => {
      await expect(recalibrate(two(), Readable.from(pieces()))).rejects.toThrow(/only once/);
      const { layers } = await recalibrate(two(), Readable.from(pieces()), { order: 'one pass' });
      expect(layers[0]!.batches).toBe(3);
    });

    test('but not from what gives the same iterator again', async () => {
      const rows = generate();
      const data = { [Symbol.iterator]: () => rows };
      const model = two();
      const before = model.layers.map(weightsOf);
      await expect(recalibrate(model, data)).rejects.toThrow(
        /^data: it can be gone through only once, since it gives the same iterator again\./,
      );
      expect(model.layers.map(weightsOf)).toEqual(before);
    });

    test.each(Object.entries(FORMS))('%s', async (_, make) => {
      const layer = normalize({ inputShape: [3] });
      const model = modelOf(layer);
      remember();
      const data = make();
      const { layers } = await recalibrate(model, data);
      if (Array.isArray(data)) tf.dispose(data as tf.Tensor[]);
      expectClose(weightsOf(layer).slice(2), statisticsOfBatch(values, shape, {}));
      expect(layers[0]!.batches).toBe(3);
      // Pieces are cut from a tensor that nobody but the test's scope has.
      expect(tf.memory().numTensors - tensors).toBeLessThanOrEqual(1);
    });
  });

  describe('stops', () => {
    /** Batches of 20 without end. */
    function* endless() {
      for (let seed = 1; ; seed++) yield drawn([20, 3], seed);
    }

    test('at a number of batches', async () => {
      const { layers } = await recalibrate(modelOf(normalize({ inputShape: [3] })), endless(), {
        batches: 5,
      });
      expect(layers[0]).toMatchObject({ batches: 5, count: [100, 100, 100], isSettled: false });
    });

    test('when the statistics have settled, and are then as near as it says', async () => {
      const layer = normalize({ inputShape: [3] });
      const { layers } = await recalibrate(modelOf(layer), endless(), { tolerance: 0.02 });
      const [found] = layers;
      expect(found!.isSettled).toBe(true);
      expect(found!.batches).toBeGreaterThan(20);
      expect(found!.batches).toBeLessThan(1000);
      const truth = columnStatistics(drawn([20_000, 3], 12_345));
      found!.after.mean.forEach((mean, c) => {
        const deviation = Math.sqrt(truth[1]![c]!);
        expect(Math.abs(mean! - truth[0]![c]!) / deviation).toBeLessThan(4 * 0.02);
      });
      expect(found!.standardError!.mean).toBeLessThanOrEqual(0.02);
    });
  });

  test('reports how far the old statistics were off', async () => {
    const layer = normalize({ inputShape: [1], epsilon: 0 });
    const model = modelOf(layer);
    layer.setWeights([tf.ones([1]), tf.zeros([1]), tf.tensor1d([5]), tf.tensor1d([4])]);
    const { layers } = await recalibrate(model, tf.tensor2d([[0], [2]]));
    expect(layers).toEqual([
      {
        layer: layer.name,
        before: { mean: [5], variance: [4] },
        after: { mean: [1], variance: [1] },
        distance: [Math.hypot(2, 0.5)],
        batches: 1,
        count: [2],
        standardError: null,
        isSettled: false,
      },
    ]);
    layer.setWeights([tf.ones([1]), tf.zeros([1]), tf.tensor1d([NaN]), tf.tensor1d([-1])]);
    const mended = await recalibrate(model, tf.tensor2d([[0], [2]]));
    expect(mended.layers[0]).toMatchObject({ before: { mean: [null], variance: [-1] }, distance: [null] });
    expect(mended).toEqual(JSON.parse(JSON.stringify(mended)));
  });

  describe('changes nothing, and leaves nothing behind,', () => {
    const fine = () => drawn([4, 3], 1);
    function* generateOne() {
      yield fine();
    }
    async function* breaksAfter(batch: unknown) {
      yield fine();
      yield await Promise.resolve(fine());
      if (batch instanceof Error) throw batch;
      yield batch as tf.Tensor;
    }
    interface Failure {
      data: () => unknown;
      options?: RecalibrateOptions;
      error: RegExp;
    }
    const FAILURES: Record<string, Failure> = {
      'where the source fails half-way': {
        data: () => () => breaksAfter(new Error('the disk is gone')),
        error: /the disk is gone/,
      },
      'where a batch has another shape': {
        data: () => () => breaksAfter(tf.ones([4, 2])),
        error: /Batch 3 of the data: the model's input \S+ takes shape \[null, 3\], received \[4, 2\]/,
      },
      'where a batch is no tensor': {
        data: () => () => breaksAfter('x'),
        error: /Batch 3 of the data: expected a tensor.*'x'/,
      },
      'where a batch holds NaN': {
        data: () => () => breaksAfter(tf.fill([4, 3], NaN)),
        error: /Batch 3 of the data brings values to the layer 'first' that are NaN or infinite/,
      },
      'where a generator would be needed twice': {
        data: () => breaksAfter(fine()),
        error: /only once.*'layer by layer' needs one pass for each of 2 layers.*function/,
      },
      'where the second pass finds nothing': {
        data: () => {
          let left = 1;
          return () => (left-- > 0 ? generateOne() : []);
        },
        error: /no samples in it any more/,
      },
      'without samples': { data: () => tf.zeros([0, 3]), error: /no samples/ },
      'with one value per channel': {
        data: () => tf.ones([1, 3]),
        error: /one value per channel for the layer 'first'/,
      },
      'with values too large for their variance': {
        data: () =>
          tf.tensor2d([
            [1e30, 0, 0],
            [-1e30, 0, 1],
          ]),
        error: /too large for float32|NaN or infinite/,
      },
      'with data of another rank': {
        data: () => tf.ones([4, 3, 1]),
        error: /takes shape \[null, 3\], received \[4, 3, 1\]/,
      },
      'with too many inputs': {
        data: () => [[tf.ones([4, 3]), tf.ones([4, 1])]],
        error: /1 inputs.*received 2 tensors.*\{ xs, ys \}/,
      },
      'with data of no known form': { data: () => 7, error: /expected a tensor.*received 7/ },
      'with batches: 0': {
        data: fine,
        options: { batches: 0 },
        error: /batches: expected an integer of at least 1, received 0/,
      },
      'with a batch size of a half': { data: fine, options: { batchSize: 0.5 }, error: /batchSize: .*0.5/ },
      'with a negative tolerance': { data: fine, options: { tolerance: -1 }, error: /tolerance: .*-1/ },
      'with an order of no known name': {
        data: fine,
        options: { order: 'backwards' as 'one pass' },
        error: /'layer by layer' or 'one pass', received 'backwards'/,
      },
      'where it is aborted before': {
        data: fine,
        options: { signal: AbortSignal.abort(new Error('enough')) },
        error: /enough/,
      },
      'where onProgress throws': {
        data: fine,
        options: {
          onProgress() {
            throw new Error('no screen');
          },
        },
        error: /no screen/,
      },
    };

    const model = () =>
      tf.sequential({
        layers: [
          normalize({ inputShape: [3], name: 'first' }),
          tf.layers.dense({ units: 2 }),
          normalize({ name: 'second' }),
        ],
      });

    test.each(Object.entries(FAILURES))('%s', async (_, { data, options, error }) => {
      const whole = model();
      const before = whole.layers.map(weightsOf);
      const x = drawn([5, 3], 1);
      const predicted = valuesOf(whole.predict(x));
      const given = data();
      remember();
      await expect(recalibrate(whole, given as Data, options)).rejects.toThrow(error);
      expectNoLeak();
      expect(whole.layers.map(weightsOf)).toEqual(before);
      expect(valuesOf(whole.predict(x) as tf.Tensor)).toEqual(predicted);
    });

    test.each(['layer by layer', 'one pass'] as const)('when it is aborted half-way (%s)', async (order) => {
      const whole = model();
      const before = whole.layers.map(weightsOf);
      const x = drawn([40, 3], 1);
      const controller = new AbortController();
      remember();
      const running = recalibrate(whole, x, {
        ...{ order, batchSize: 1, signal: controller.signal },
        onProgress: ({ done }) => {
          if (done === 30)
            setTimeout(() => {
              controller.abort();
            });
        },
      });
      await expect(running).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }) as Error);
      expectNoLeak();
      expect(whole.layers.map(weightsOf)).toEqual(before);
    });

    test('when it is aborted while the source does not answer', async () => {
      const hanging: AsyncIterable<tf.Tensor> = {
        [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
      };
      const signal = AbortSignal.timeout(20);
      await expect(recalibrate(model(), hanging, { signal })).rejects.toThrow(/timeout/);
    });
  });

  test('refuses a model without batch normalization, and what is no model', async () => {
    const dense = modelOf(tf.layers.dense({ units: 1, inputShape: [3] }));
    await expect(recalibrate(dense, tf.ones([2, 3]))).rejects.toThrow(/no batch normalization/);
    await expect(recalibrate(new BatchNormalization() as never, tf.ones([2, 3]))).rejects.toThrow(
      /expected a tf.LayersModel/,
    );
  });
}, BACKENDS);
