/** @file Layers of attention made by hand, in copies and in models; what they compute, the golden models test. */
import * as tf from '@tensorflow/tfjs';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, describe, expect, test } from 'vitest';
import { copyModel } from '../../src/model/copy.js';
import { takeRepeatedInputs } from '../../src/model/repeated-inputs.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const x = () => tf.randomNormal([2, 4, 6], 0, 1, 'float32', 7);
const valuesOf = (model: tf.LayersModel) => [model.predict(x())].flat().flatMap((y) => [...y.dataSync()]);

/** A block of a transformer, under a mask; its input is needed again behind the attention to itself. */
function makeModel(): tf.LayersModel {
  const input = tf.input({ shape: [4, 6] });
  const masked = kerasLayers.masking().apply(input) as tf.SymbolicTensor;
  const attended = kerasLayers
    .multiHeadAttention({ numHeads: 2, keyDim: 3, useCausalMask: true })
    .apply([masked, masked]) as tf.SymbolicTensor;
  const sum = tf.layers.add().apply([masked, attended]) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: sum });
}

test('a tensor that attention gets twice is there for others, too', () => {
  const model = makeModel();
  expect(valuesOf(model)).toHaveLength(48);
  expect(valuesOf(copyModel(model).model)).toEqual(valuesOf(model));
});

test('layers of TF.js that get a tensor twice have the same trouble, and are helped in loaded models', async () => {
  const input = tf.input({ shape: [4, 6] });
  const dense = tf.layers.dense({ units: 6 }).apply(input) as tf.SymbolicTensor;
  const square = tf.layers.multiply();
  const squared = square.apply([dense, dense]) as tf.SymbolicTensor;
  const sum = tf.layers.add().apply([squared, dense]) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: sum });
  const again = await loadKerasModel(await saveKerasModel(model, null, { for: 'keras3' }));
  expect(valuesOf(again)).toHaveLength(48);
  takeRepeatedInputs(square);
  expect(valuesOf(again)).toEqual(valuesOf(model));
});

test.each(['tf-keras', 'keras3'] as const)('comes back from a file for %s', async (target) => {
  const model = makeModel();
  const again = await loadKerasModel(await saveKerasModel(model, null, { for: target }));
  expect(valuesOf(again)).toEqual(valuesOf(model));
});

describe('masks', () => {
  const query = tf.randomNormal([1, 2, 3]);
  const value = tf.randomNormal([1, 3, 3]);
  const mask = [null, tf.tensor2d([[1, 1, 0]], undefined, 'bool')];

  test.each([
    ['Attention', () => kerasLayers.attention()],
    ['AdditiveAttention', () => kerasLayers.additiveAttention()],
    ['MultiHeadAttention', () => kerasLayers.multiHeadAttention({ numHeads: 2, keyDim: 2 })],
    [
      'GroupedQueryAttention',
      () => kerasLayers.groupedQueryAttention({ headDim: 2, numQueryHeads: 2, numKeyValueHeads: 1 }),
    ],
  ])('of %s may be given by hand', (_, make) => {
    const layer: tf.layers.Layer = make();
    const masked = layer.apply([query, value], { mask }) as tf.Tensor;
    const short = layer.apply([query, tf.slice(value, 0, [1, 2, 3])]) as tf.Tensor;
    expect(tf.max(tf.abs(tf.sub(masked, short))).dataSync()[0]).toBeLessThan(1e-6);
  });
});

test('scores, a second output, have no mask', () => {
  const layer = kerasLayers.multiHeadAttention({ numHeads: 1, keyDim: 2, returnAttentionScores: true });
  const [query, value] = [tf.ones([1, 2, 3]), tf.ones([1, 3, 3])];
  const mask = tf.ones([1, 2], 'bool');
  expect(layer.computeMask([query, value], [mask, mask])).toEqual([mask, null]);
});

test('a sliding window of 2 shows a query its neighbours alone', () => {
  const layer = kerasLayers.multiHeadAttention({ numHeads: 1, keyDim: 2, slidingWindow: 2 });
  const given = tf.randomNormal([1, 3, 2], 0, 1, 'float32', 7);
  const last = tf.tensor3d([0, 0, 0, 0, 5, -5], [1, 3, 2]);
  const stepsOf = (steps: tf.Tensor) =>
    tf.unstack(layer.apply([given, steps]) as tf.Tensor, 1).map((y) => [...y.dataSync()]);
  const [before, after] = [stepsOf(given), stepsOf(tf.add(given, last))];
  expect(before.map((y, i) => y.join() === after[i]!.join())).toEqual([true, false, false]);
});

test('axes of attention may be counted from the end, the features as −1', () => {
  const images = tf.randomNormal([1, 2, 3, 2, 4], 0, 1, 'float32', 7);
  const attend = (attentionAxes: number[]) => {
    const args = { numHeads: 1, keyDim: 2, kernelInitializer: 'ones', attentionAxes };
    const y = kerasLayers.multiHeadAttention(args).apply([images, images]) as tf.Tensor;
    return [...y.dataSync()];
  };
  expect(attend([-2, -4])).toEqual(attend([3, 1]));
  expect(attend([2])).not.toEqual(attend([3, 1]));
});

test('drops weights in training alone', () => {
  const layer = kerasLayers.attention({ dropout: 0.5 });
  const [query, value] = [tf.ones([1, 40, 3]), tf.ones([1, 40, 3])];
  const largest = (training: boolean) =>
    tf.max(tf.abs(tf.sub(layer.apply([query, value], { training }) as tf.Tensor, 1))).dataSync()[0];
  expect(largest(false)).toBeLessThan(1e-6);
  expect(largest(true)).toBeGreaterThan(0.01);
});

test.each<[string, () => unknown, RegExp]>([
  [
    'an equation',
    () => kerasLayers.einsumDense({ equation: 'ab->b', outputShape: 1 }).apply(tf.ones([2, 3])),
    /equation: expected one such as/,
  ],
  [
    'its rank',
    () => kerasLayers.einsumDense({ equation: 'abc,cd->abd', outputShape: [2, 1] }).apply(tf.ones([2, 3])),
    /takes an input of rank 3, received one of rank 2/,
  ],
  [
    'a letter that is nowhere else',
    () => kerasLayers.einsumDense({ equation: 'ab,bc->a', outputShape: [] }).apply(tf.ones([2, 3])),
    /has a letter in one tensor alone/,
  ],
  [
    'the number of inputs',
    () => kerasLayers.attention().apply(tf.ones([2, 3, 4])),
    /expected \[query, value\]/,
  ],
  [
    'heads',
    () => kerasLayers.multiHeadAttention({ numHeads: 0, keyDim: 2 }),
    /numHeads: expected a whole number above 0/,
  ],
  [
    'groups',
    () => kerasLayers.groupedQueryAttention({ headDim: 2, numQueryHeads: 3, numKeyValueHeads: 2 }),
    /expected a divisor of 3/,
  ],
  [
    'axes',
    () =>
      kerasLayers
        .multiHeadAttention({ numHeads: 1, keyDim: 2, attentionAxes: 4 })
        .apply([tf.ones([1, 2, 3]), tf.ones([1, 2, 3])]),
    /attentionAxes: expected axes from 1 to 1/,
  ],
])('%s is checked', (_, make, message) => {
  expect(make).toThrow(message);
});
