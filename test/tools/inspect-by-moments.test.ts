/** @file What moments say of a model is what its data says, where moments can say it. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { ValueError } from 'evenkeel/core';
import { type InspectReport, collectMoments, inspect, inspectByMoments, recalibrate } from 'evenkeel/tools';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { draw } from '../models/models.js';

/** Two normalizations, whose statistics are those of `x(…)` but for what is changed. */
async function makeModel(change: (layers: tf.layers.Layer[]) => void = () => undefined) {
  const layers = ['first', 'second'].map((name) => layerBatchNormalization({ name, momentum: 0.99 }));
  const dense = tf.layers.dense({ units: 3, useBias: false, weights: [draw([4, 3], 5)] });
  const input = tf.input({ shape: [4] });
  const parts = [layers[0]!, dense, layers[1]!];
  const output = parts.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output });
  await recalibrate(model, x(1, 512));
  change(layers);
  return model;
}

const x = (seed: number, samples = 128) =>
  tf.add(tf.mul(draw([samples, 4], seed), [1, 2, 3, 4]), [5, 0, -3, 2]);

/** What `apply` makes of a layer's moving mean and variance. */
const changed =
  (index: number, apply: (mean: tf.Tensor, variance: tf.Tensor) => [tf.Tensor, tf.Tensor]) =>
  (layers: tf.layers.Layer[]) => {
    const [gamma, beta, mean, variance] = layers[index]!.getWeights();
    layers[index]!.setWeights([gamma!, beta!, ...apply(mean!, variance!)]);
  };

const untrained = (index: number) =>
  changed(index, (mean, variance) => [tf.zerosLike(mean), tf.onesLike(variance)]);

/** As after 100 steps with momentum 0.99 from 0 and 1. */
const young = (index: number) =>
  changed(index, (mean, variance) => {
    const left = 0.99 ** 100;
    return [tf.mul(mean, 1 - left), tf.add(tf.mul(variance, 1 - left), left)];
  });

const scaled = (index: number) => changed(index, (mean, variance) => [tf.mul(mean, 3), tf.mul(variance, 9)]);

const moved = (index: number) =>
  changed(index, (mean, variance) => [tf.add(mean, tf.mul(tf.sqrt(variance), 2)), variance]);

const CASES: Record<string, [change: (layers: tf.layers.Layer[]) => void, names: string[]]> = {
  'healthy ones': [() => undefined, []],
  'the first untrained': [untrained(0), ['first untrained-statistics']],
  'the second untrained': [untrained(1), ['second untrained-statistics']],
  'the first young': [young(0), ['first young-statistics']],
  'of data that was scaled': [scaled(0), ['first data-shift']],
  'the second moved': [moved(1), ['second statistics-gap']],
};

const namesIn = ({ findings }: InspectReport) => findings.map(({ layer, name }) => `${layer!} ${name}`);

describeBackends((backend) => {
  const shards = () => ({ a: [x(1), x(2)], b: [x(3), x(4)] });

  async function collect(model: tf.LayersModel, order: 'one pass' | 'layer by layer' = 'one pass') {
    const parts = Object.entries(shards()).map(([shard, batches]) =>
      collectMoments(model, batches, { shard, order }),
    );
    return (await Promise.all(parts)).flat();
  }

  test.each(Object.entries(CASES))('statistics: %s', async (_, [change, names]) => {
    const model = await makeModel(change);
    const moments = await collect(model);
    const before = tf.memory().numTensors;
    const report = await inspectByMoments(model, moments, { shards: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(namesIn(report)).toEqual(names);
    const want = await inspect(model, Object.values(shards()).flat());
    // Moments cannot tell old averages from other data, behind another normalization.
    const told = namesIn(want)
      .filter((name) => !report.untold.some((one) => name.endsWith(one)))
      .map((name) => name.replace('second data-shift', 'second statistics-gap'));
    expect(namesIn(report)).toEqual(told);
    report.layers.forEach((layer, i) => {
      const expected = want.layers[i]!.inputs!;
      expect(layer).toEqual({ ...want.layers[i]!, inputs: expect.anything() as unknown });
      expect(layer.inputs!.count).toEqual(expected.count);
      layer.inputs!.distance.forEach((distance, c) => {
        expect(distance).toBeCloseTo(expected.distance[c]!, 12);
      });
      layer.inputs!.training.variance.forEach((variance, c) => {
        expect(variance! / expected.training.variance[c]!).toBeCloseTo(1, 12);
      });
    });
  });

  test('the report says what it does not tell, and what it goes by', async () => {
    const model = await makeModel();
    const report = await inspectByMoments(model, await collect(model));
    expect(report).toMatchObject({
      data: { batches: 4, samples: null },
      outputs: [],
      untold: ['small-batch', 'unshuffled-batches', 'output-gap'],
    });
    expect(report.layers[0]!.inputs!.inference).toEqual(report.layers[0]!.inputs!.training);
    expect(report.layers[1]!.inputs).toMatchObject({ inference: null, shareBetweenBatches: null });
    expect((await inspect(model, x(1))).untold).toEqual([]);
    expect((await inspect(model)).untold).toContain('output-gap');
  });

  if (backend !== 'cpu') return;

  test('a gap behind another normalization may be of either kind, which its message says', async () => {
    const model = await makeModel(moved(1));
    const { findings } = await inspectByMoments(model, await collect(model));
    expect(findings[0]!.message).toMatch(
      /^Values normalized by the moving statistics are off by \d\.\d deviations on this data: the moving averages lag behind the weights, or were computed from other data\. Moments do not tell which\.$/,
    );
  });

  test('moments of few samples prove little, by how batches differ', async () => {
    // Off by 2 deviations, which 2 batches that differ by more may be by chance.
    const model = await makeModel(moved(0));
    const far = (offset: number) => tf.add(x(1, 4), tf.mul(tf.tensor1d([1, 2, 3, 4]), offset));
    const moments = await collectMoments(model, [far(-3), far(3)], { shard: 'a', order: 'one pass' });
    expect(namesIn(await inspectByMoments(model, moments))).toEqual([]);
    const { perBatch, ...others } = (
      await collectMoments(model, [x(1), x(2)], { shard: 'a', order: 'one pass' })
    )[0]!;
    expect(perBatch).toBeDefined();
    // Nothing tells how batches differ; two of them may have two samples.
    expect(namesIn(await inspectByMoments(model, [others]))).toEqual([]);
    expect(namesIn(await inspectByMoments(model, [{ ...others, batches: 100 }]))).toEqual([
      'first data-shift',
    ]);
  });

  test('layer by layer, layers are looked at as far as their moments are known', async () => {
    const model = await makeModel(scaled(0));
    const report = await inspectByMoments(model, await collect(model, 'layer by layer'));
    expect(namesIn(report)).toEqual(['first data-shift']);
    expect(report.layers.map(({ inputs }) => inputs !== null)).toEqual([true, false]);
  });

  test('a layer that feeds itself has no inputs that are the same in inference', async () => {
    const layer = layerBatchNormalization({ name: 'shared' });
    const input = tf.input({ shape: [4] });
    const output = layer.apply(layer.apply(input)) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: output });
    const moments = await collectMoments(model, x(1), { shard: 'a', order: 'one pass' });
    const { layers } = await inspectByMoments(model, moments);
    expect(layers[0]!.inputs!.inference).toBeNull();
  });

  test('moments of another model are refused, and unknown options', async () => {
    const [model, other] = [await makeModel(), await makeModel(moved(0))];
    const moments = await collect(other);
    await expect(inspectByMoments(model, moments)).rejects.toThrow(ValueError);
    await expect(inspectByMoments(model, moments)).rejects.toThrow(/of another model/);
    await expect(inspectByMoments(other, moments, { shards: 3 })).rejects.toThrow(/some are missing/);
    await expect(inspectByMoments(other, moments, { batches: 3 } as object)).rejects.toThrow(
      /Unknown option/,
    );
  });
});
