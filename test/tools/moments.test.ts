/**
 * @file Moments that travel: shards that are looked at anywhere give the statistics that one process gives, and what
 * does not belong together is refused.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { ValueError } from 'evenkeel/core';
import {
  type CollectMomentsOptions,
  type LayerMoments,
  type RecalibrateOptions,
  collectMoments,
  mergeMoments,
  recalibrate,
  recalibrateByMoments,
} from 'evenkeel/tools';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BACKENDS, WITHOUT_KERNELS, describeBackends } from '../backends.js';
import { numbers, sizeOf } from '../core/reference.js';
import { draw } from '../models/models.js';
import { apply, functional, snapshot, spoil } from './networks.js';

const { layers } = tf;
const bn = (args: BatchNormalizationArgs = {}) => layerBatchNormalization(args);

const drawn = (shape: number[], seed: number) =>
  tf.tensor(
    Float32Array.from(numbers(sizeOf(shape), seed), (value, i) => 3 + 4 * value + (i % 7) / 5),
    shape,
  );

/** What goes with JSON: through a file, as shards of other machines come. */
const travel = (moments: readonly LayerMoments[]) =>
  moments.map((one) => JSON.parse(JSON.stringify(one)) as LayerMoments);

/** As somebody makes them who knows of sums only. */
function withoutBatches(moments: LayerMoments): LayerMoments {
  const { perBatch, ...others } = moments;
  expect(perBatch).toBeDefined();
  return others;
}

type Round = Pick<CollectMomentsOptions, 'order' | 'statistics' | 'preparation'>;

/** All rounds over shards, each of which is a list of batches. Returns the merged moments of all layers. */
async function collectAll(
  model: tf.LayersModel,
  shards: Readonly<Record<string, tf.Tensor[]>>,
  { order = 'layer by layer', ...options }: Round = {},
): Promise<LayerMoments[]> {
  const given: LayerMoments[] = [];
  for (;;) {
    const parts: LayerMoments[] = [];
    for (const [shard, batches] of Object.entries(shards)) {
      const before = order === 'one pass' ? [] : given;
      parts.push(
        ...travel(await collectMoments(model, batches, { shard, order, given: before, ...options })),
      );
    }
    if (parts.length === 0) return given;
    given.push(...travel(mergeMoments(parts, { shards: Object.keys(shards).length })));
    if (order === 'one pass') return given;
  }
}

/** Batches of different sizes, in shards of different numbers of them. */
function shardsOf(shape: number[]): Record<string, tf.Tensor[]> {
  const batch = (size: number, seed: number) => drawn([size, ...shape], seed);
  return {
    'c.npy': [batch(4, 1), batch(4, 2), batch(2, 3)],
    'a.npy': [batch(6, 4)],
    'b.npy': [batch(4, 5), batch(8, 6)],
  };
}

const MODELS: Record<string, () => tf.LayersModel> = {
  'two convolutions and a dense layer': () =>
    tf.sequential({
      layers: [
        layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [5, 5, 2] }),
        bn({ name: 'first' }),
        layers.conv2d({ filters: 4, kernelSize: 2, activation: 'relu' }),
        bn({ name: 'second', fused: false, renorm: true }),
        layers.flatten(),
        layers.batchNormalization({ name: 'stock' }),
        layers.dense({ units: 2 }),
        bn({ name: 'last' }),
      ],
    }),
  'masks, a shared layer and a model within': () => {
    const shared = bn({ name: 'shared' });
    const inner = tf.sequential({
      name: 'inner',
      layers: [layers.dense({ units: 3, inputShape: [4, 3] }), bn({ name: 'own' })],
    });
    return functional([4, 3], (x) => {
      const first = apply(shared, apply(layers.masking({ maskValue: 3 }), x));
      return apply(shared, apply(inner, apply(layers.activation({ activation: 'tanh' }), first)));
    });
  },
};

const inputOf = (model: tf.LayersModel) => model.inputs[0]!.shape.slice(1) as number[];

/** All weights, without their names, which TF.js counts on from model to model. */
const valuesIn = (model: tf.LayersModel) => snapshot(model).map(([, values]) => values);

/** With kernels that are the same in every run. */
function drawKernels(model: tf.LayersModel): tf.LayersModel {
  const weights = model.getWeights();
  model.setWeights(weights.map((weight, i) => (weight.rank > 1 ? draw(weight.shape, i) : weight)));
  return spoil(model);
}

describeBackends(
  (backend) => {
    describe.each(Object.entries(MODELS))('of a model with %s', (_, make) => {
      test.each<Required<Pick<RecalibrateOptions, 'order' | 'statistics'>>>([
        { order: 'layer by layer', statistics: 'population' },
        { order: 'one pass', statistics: 'population' },
        { order: 'layer by layer', statistics: 'batches' },
        { order: 'one pass', statistics: 'batches' },
      ])('shards give the weights that one process gives, $order, $statistics', async (options) => {
        const [one, other] = [drawKernels(make()), make()];
        other.setWeights(one.getWeights());
        const shards = shardsOf(inputOf(one));
        const moments = await collectAll(other, shards, options);
        const before = tf.memory().numTensors;
        const got = await recalibrateByMoments(other, moments, {
          shards: 3,
          statistics: options.statistics,
        });
        expect(tf.memory().numTensors).toBe(before);
        const want = await recalibrate(one, Object.values(shards).flat(), options);
        // Moments in float32, as these are, often lie in the middle of two others when they are averaged.
        if (backend !== WITHOUT_KERNELS) expect(valuesIn(other)).toEqual(valuesIn(one));
        expect(got).toMatchObject({ ...options, layers: want.layers.map(({ batches }) => ({ batches })) });
        got.layers.forEach((layer, i) => {
          const expected = want.layers[i]!;
          expect(layer.count).toEqual(expected.count);
          layer.after.variance.forEach((variance, c) => {
            const deviation = Math.sqrt(expected.after.variance[c]!);
            expect(variance! / expected.after.variance[c]!).toBeCloseTo(1, 13);
            expect((layer.after.mean[c]! - expected.after.mean[c]!) / deviation).toBeCloseTo(0, 13);
            expect(layer.distance[c]! / expected.distance[c]!).toBeCloseTo(1, 10);
          });
          // In deviations and variances.
          expect(layer.standardError!.mean).toBeCloseTo(expected.standardError!.mean, 13);
          expect(layer.standardError!.variance).toBeCloseTo(expected.standardError!.variance, 13);
        });
      });
    });

    test('ghost batches are batches of their own where statistics of batches are asked for', async () => {
      const make = () => tf.sequential({ layers: [bn({ virtualBatchSize: 2, inputShape: [3] })] });
      const shards = shardsOf([3]);
      const [one, other] = [make(), make()];
      const moments = await collectAll(other, shards, { statistics: 'batches' });
      expect(moments[0]!.perBatch!.updates).toEqual([14, 14, 14]);
      await recalibrateByMoments(other, moments, { statistics: 'batches' });
      await recalibrate(one, Object.values(shards).flat(), { statistics: 'batches' });
      expect(other.getWeights().map((weight) => weight.dataSync())).toEqual(
        one.getWeights().map((weight) => weight.dataSync()),
      );
    });
  },
  [...BACKENDS, WITHOUT_KERNELS],
);

describeBackends(() => {
  const make = () =>
    spoil(
      tf.sequential({
        layers: [bn({ name: 'first', inputShape: [3] }), layers.dense({ units: 2 }), bn({ name: 'second' })],
      }),
    );
  const x = (seed = 1) => drawn([8, 3], seed);

  /** That something is refused, with every weight as it was and no tensor left. */
  async function expectRefused(
    model: tf.LayersModel,
    action: () => unknown,
    message: RegExp,
    Refusal: new () => Error = ValueError,
  ): Promise<void> {
    const before = { weights: snapshot(model), tensors: tf.memory().numTensors };
    const error: unknown = await Promise.resolve()
      .then(action)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Refusal);
    expect((error as Error).message).toMatch(message);
    expect({ weights: snapshot(model), tensors: tf.memory().numTensors }).toEqual(before);
  }

  describe('rounds', () => {
    test('come to the next layer each, and to none in the end', async () => {
      const model = make();
      const given: LayerMoments[] = [];
      for (const layer of ['first', 'second']) {
        const moments = await collectMoments(model, x(), { shard: 'a', given });
        expect(moments.map((one) => one.layer)).toEqual([layer]);
        given.push(...moments);
      }
      expect(await collectMoments(model, x(), { shard: 'a', given })).toEqual([]);
    });

    test('change nothing, and leave no tensor', async () => {
      const model = make();
      const data = x();
      const before = { weights: snapshot(model), tensors: tf.memory().numTensors };
      await collectAll(model, { a: [data] });
      await collectAll(model, { a: [data] }, { order: 'one pass' });
      expect({ weights: snapshot(model), tensors: tf.memory().numTensors }).toEqual(before);
    });

    test('take the data once, whatever it is, and say how far they are', async () => {
      const steps: string[] = [];
      function* batches() {
        yield x(1);
        yield x(2);
      }
      const [moments] = await collectMoments(make(), batches(), {
        shard: 'a',
        onProgress: ({ done, total, step }) => steps.push(`${done}/${String(total)} ${step}`),
      });
      expect(steps).toEqual(['1/null first, batch 1', '2/null first, batch 2']);
      expect(moments).toMatchObject({ batches: 2, count: [16, 16, 16], shards: ['a'] });
    });

    test('need no more than names, weights and numbers of another process', async () => {
      const [one, other] = [make(), make()];
      other.setWeights(one.getWeights());
      const options = { shard: 'a', preparation: 'as it is' };
      expect(await collectMoments(other, x(), options)).toEqual(await collectMoments(one, x(), options));
    });

    test('end where they are stopped', async () => {
      const model = make();
      const stop = new AbortController();
      const data = x();
      const run = () =>
        collectMoments(model, data, {
          shard: 'a',
          batchSize: 2,
          signal: stop.signal,
          onProgress: () => {
            stop.abort(new RangeError('enough'));
          },
        });
      await expectRefused(model, run, /^enough$/, RangeError);
    });
  });

  describe('what is refused:', () => {
    const OPTIONS: Record<string, [object, RegExp, (new () => Error)?]> = {
      'no shard': [{}, /^shard: expected a name/, TypeError],
      'a shard without a name': [{ shard: '' }, /^shard: expected a name/],
      'another order': [{ shard: 'a', order: 'any' }, /^order: expected 'layer by layer' or 'one pass'/],
      'other statistics': [{ shard: 'a', statistics: 'all' }, /^statistics: expected 'population' or/],
      'a preparation that is no text': [
        { shard: 'a', preparation: 255 },
        /^preparation: expected/,
        TypeError,
      ],
      'an unknown option': [{ shard: 'a', divideBy: 255 }, /^Unknown option 'divideBy'/, TypeError],
      'given moments that are none': [{ shard: 'a', given: 3 }, /^moments: expected an array/, TypeError],
      'a batch size of 0': [{ shard: 'a', batchSize: 0 }, /^batchSize: expected an integer/],
      'more than the limits allow': [{ shard: 'a', limits: { memory: 1 } }, /^model: it takes about/],
    };
    test.each(Object.entries(OPTIONS))('%s', async (_, [options, message, Refusal]) => {
      const [model, data] = [make(), x()];
      const run = () => collectMoments(model, data, options as CollectMomentsOptions);
      await expectRefused(model, run, message, Refusal);
    });

    test('given moments in one pass', async () => {
      const [model, data] = [make(), x()];
      const given = await collectMoments(model, data, { shard: 'a' });
      const run = () => collectMoments(model, data, { shard: 'a', given, order: 'one pass' });
      await expectRefused(model, run, /^given: in one pass/);
    });

    test('a shard of one sample, whose moments would be that sample', async () => {
      const [model, data] = [make(), drawn([1, 3], 1)];
      await expectRefused(
        model,
        () => collectMoments(model, data, { shard: 'a' }),
        /^The shard 'a' has one value per channel for the layer 'first'/,
      );
    });

    test('a shard whose mask leaves one sample in some of the channels', async () => {
      const model = functional([2, 1], (input) =>
        apply(bn({ axis: [1, 2] }), apply(layers.masking({ maskValue: 0 }), input)),
      );
      const [two, one] = [4, 0].map((last) =>
        tf.tensor3d([
          [[1], [2]],
          [[3], [last]],
        ]),
      );
      const collect = (data: tf.Tensor) => collectMoments(model, data, { shard: 'a' });
      expect((await collect(two!))[0]!.count).toEqual([2, 2]);
      await expectRefused(model, () => collect(one!), /one value per channel .* Give several samples/);
    });

    test('a shard without samples, with NaN, or of another shape', async () => {
      const model = make();
      const [empty, broken, wide] = [tf.zeros([0, 3]), tf.fill([4, 3], NaN), tf.zeros([4, 5])];
      const run = (data: tf.Tensor) => () => collectMoments(model, data, { shard: 'a' });
      await expectRefused(model, run(empty), /^data: there are no samples in the shard 'a'/);
      await expectRefused(model, run(broken), /NaN or infinite/);
      await expectRefused(model, run(wide), /takes shape/);
    });

    test('a model without normalizations', async () => {
      const model = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })] });
      const data = x();
      await expectRefused(
        model,
        () => collectMoments(model, data, { shard: 'a' }),
        /nothing to take moments of/,
      );
      await expectRefused(model, () => recalibrateByMoments(model, []), /nothing to recalibrate/);
    });

    test('a page that came by http, where crypto.subtle is missing', async () => {
      const [model, data] = [make(), x()];
      vi.stubGlobal('crypto', {});
      try {
        await expectRefused(
          model,
          () => collectMoments(model, data, { shard: 'a' }),
          /^Moments are marked by SHA-256 \(crypto\.subtle\), which is missing here.* https /,
        );
      } finally {
        vi.unstubAllGlobals();
      }
    });

    /** Moments of both layers and of two shards; and the model that they are of. */
    async function two(options: Round = {}) {
      const model = make();
      const shards = { a: [x(1)], b: [x(2)] };
      return { model, shards, moments: await collectAll(model, shards, options) };
    }

    test('moments of other weights', async () => {
      const { model, moments } = await two();
      const weights = model.getWeights();
      model.setWeights([...weights.slice(0, -1), tf.add(weights.at(-1)!, 1)]);
      await expectRefused(model, () => recalibrateByMoments(model, moments), /they are of another model/);
      const data = x();
      await expectRefused(
        model,
        () => collectMoments(model, data, { shard: 'a', given: moments.slice(0, 1) }),
        /they are of another model/,
      );
    });

    test('moments of other layers with the same weights', async () => {
      const withLayers = (activation: 'relu' | 'tanh', epsilon: number) => {
        const dense = layers.dense({ units: 2, activation, inputShape: [3] });
        const model = tf.sequential({ layers: [dense, bn({ epsilon, name: 'bn' })] });
        model.setWeights(model.getWeights().map((weight, i) => draw(weight.shape, i)));
        return model;
      };
      const collect = (model: tf.LayersModel, shard: string) =>
        collectMoments(model, x(), { shard, order: 'one pass' });
      const model = withLayers('relu', 0.1);
      const own = await collect(model, 'a');
      expect(mergeMoments([...own, ...(await collect(withLayers('relu', 0.1), 'b'))])).toHaveLength(1);
      for (const other of [withLayers('tanh', 0.1), withLayers('relu', 0.2)]) {
        const others = await collect(other, 'b');
        await expectRefused(model, () => mergeMoments([...own, ...others]), /they are of another model/);
      }
      model.layers[0]!.trainable = false;
      expect(await collect(model, 'a')).toEqual(own);
    });

    test('moments that were used already, since the model is another now', async () => {
      const { model, moments } = await two();
      await recalibrateByMoments(model, moments);
      await expectRefused(model, () => recalibrateByMoments(model, moments), /they are of another model/);
    });

    test('moments of another round', async () => {
      const { model, shards, moments } = await two();
      const [first, second] = moments as [LayerMoments, LayerMoments];
      const changed = { ...first, mean: first.mean.map((mean) => mean + 1) };
      const run = () => recalibrateByMoments(model, [changed, second]);
      await expectRefused(
        model,
        run,
        /The moments of the layer 'second' do not fit here: they are of another round/,
      );
      const others = await collectMoments(model, shards.a, { shard: 'c', given: [changed] });
      await expectRefused(model, () => mergeMoments([second, ...others]), /they are of another round/);
    });

    test('moments of one pass among those of layer by layer', async () => {
      const { model, moments } = await two();
      const onePass = await collectMoments(model, x(), { shard: 'a', order: 'one pass' });
      await expectRefused(
        model,
        () => recalibrateByMoments(model, [moments[0]!, onePass[1]!]),
        /they are of the order 'one pass', not 'layer by layer'/,
      );
      await expectRefused(model, () => mergeMoments([moments[0]!, onePass[0]!]), /of another round/);
    });

    test('moments of other statistics', async () => {
      const { model, moments } = await two();
      await expectRefused(
        model,
        () => recalibrateByMoments(model, moments, { statistics: 'batches' }),
        /they are of another round/,
      );
    });

    test('moments of data that was prepared otherwise', async () => {
      const { model, moments } = await two({ preparation: 'pixels / 255' });
      const data = x();
      const other = await collectMoments(model, data, { shard: 'c', preparation: 'pixels' });
      await expectRefused(model, () => mergeMoments([moments[0]!, ...other]), /was prepared otherwise/);
      await expectRefused(
        model,
        () => collectMoments(model, data, { shard: 'a', given: moments.slice(0, 1), preparation: 'pixels' }),
        /was prepared otherwise/,
      );
      const mixed = { ...moments[1]!, of: moments[1]!.of.replace(/[^-]+$/, other[0]!.of.split('-')[2]!) };
      await expectRefused(
        model,
        () => recalibrateByMoments(model, [moments[0]!, mixed]),
        /was prepared otherwise/,
      );
    });

    test('moments of too few layers, of others, or of other shards', async () => {
      const { model, shards, moments } = await two();
      const [first] = moments as [LayerMoments];
      const run =
        (given: LayerMoments[], options = {}) =>
        () =>
          recalibrateByMoments(model, given, options);
      await expectRefused(model, run([]), /^There are no moments of 2 normalizations: \['first', 'second'\]/);
      await expectRefused(model, run([first]), /^There are no moments of 1 normalization: \['second'\]/);
      await expectRefused(model, run([{ ...first, layer: 'third' }]), /no batch normalization of that name/);
      await expectRefused(
        model,
        run(moments, { shards: 3 }),
        /^The moments of the layer 'first' are of 2 shards, and those of 3 are expected: some are missing/,
      );
      await expectRefused(model, run(moments, { shards: 1 }), /some are too many/);
      await expectRefused(model, run(moments, { shards: 1.5 }), /^shards: expected an integer/);
      await expectRefused(model, run(moments, { shard: 2 }), /Did you mean 'shards'/, TypeError);
      const less = await collectMoments(model, shards.a, { shard: 'a', given: [first] });
      await expectRefused(model, run([first, ...less]), /of other shards than 'first' has/);
      const others = await collectMoments(model, shards.b, { shard: 'c', given: [first] });
      await expectRefused(model, run([first, ...less, ...others]), /of other shards than 'first' has/);
    });

    test('moments of one value, and of values whose variance float32 cannot hold', async () => {
      const { model, moments } = await two();
      const [first, second] = moments as [LayerMoments, LayerMoments];
      const run = (one: LayerMoments) => () => recalibrateByMoments(model, [one, second]);
      await expectRefused(
        model,
        run({ ...first, count: [16, 1, 16] }),
        /count\[1\]: expected 0, or at least 2/,
      );
      await expectRefused(model, run({ ...first, m2: first.m2.map(() => 1e60) }), /too large for float32/);
    });
  });

  test('moments that somebody else has computed, without perBatch, do for the population', async () => {
    const model = tf.sequential({ layers: [bn({ inputShape: [2] })] });
    const [own] = await collectMoments(
      model,
      tf.tensor2d([
        [1, 10],
        [3, 30],
      ]),
      { shard: 'a' },
    );
    const foreign: LayerMoments = {
      ...withoutBatches(own!),
      shards: ['b'],
      count: [2, 2],
      mean: [6, 60],
      m2: [2, 200],
    };
    const merged = mergeMoments([own!, foreign]);
    for (const [one] of [merged, mergeMoments([own!, { ...foreign, shards: ['0'] }])]) {
      expect(one).not.toHaveProperty('perBatch');
    }
    const { layers: report } = await recalibrateByMoments(model, merged, { shards: 2 });
    // Of 1, 3, 5, 7 and of ten times as much.
    expect(report[0]).toMatchObject({
      after: { mean: [4, 40], variance: [5, 500] },
      standardError: null,
    });
  });

  test('without perBatch there are no statistics of batches', async () => {
    const model = tf.sequential({ layers: [bn({ inputShape: [3] })] });
    const [own] = await collectMoments(model, x(), { shard: 'a', statistics: 'batches' });
    const others = withoutBatches(own!);
    await expectRefused(
      model,
      () => recalibrateByMoments(model, [others], { statistics: 'batches' }),
      /they are without perBatch, which statistics of batches need/,
    );
  });
}, ['cpu']);

afterEach(() => {
  tf.disposeVariables();
});
