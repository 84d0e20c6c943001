/** @file What is cloned, or cast to its own type, shares its data on wasm, and nobody can tell. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { expect, test } from 'vitest';
import { draw, valuesOf } from '../models/models.js';
import { accelerateAll, held } from './accelerated.js';

accelerateAll('wasm');

test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
  ['cloned', (x) => tf.clone(x)],
  ['cast to its own type', (x) => tf.cast(x, 'float32')],
])('what is %s takes no memory, and outlives the original', (_, copy) => {
  const x = tf.tensor([1, 2, 3, 4]);
  const [tensors, arrays] = held();
  const y = copy(x);
  expect(held()).toEqual([tensors! + 1, arrays]);
  x.dispose();
  tf.tensor([9, 9, 9, 9]).dispose();
  expect(valuesOf(y)).toEqual([1, 2, 3, 4]);
  y.dispose();
  expect(held()).toEqual([tensors! - 1, arrays! - 1]);
});

test('the original outlives its clone', () => {
  const x = tf.tensor([1, 2]);
  tf.clone(x).dispose();
  tf.tensor([9, 9]).dispose();
  expect(valuesOf(x)).toEqual([1, 2]);
  x.dispose();
});

test('a cast to another type converts, and strings are cloned', () => {
  const x = tf.tensor([1.5, -2.5, 0]);
  expect([...tf.cast(x, 'int32').dataSync()]).toEqual([1, -2, 0]);
  const words = tf.tensor(['keel', 'even'], [2], 'string');
  expect(tf.clone(words).dataSync<'string'>()).toEqual(['keel', 'even']);
});

test('a clone of a variable, or of moving statistics, stays as it was when they change', () => {
  const variable = tf.variable(tf.tensor([1, 2]));
  const before = tf.clone(variable);
  variable.assign(tf.tensor([3, 4]));
  expect(valuesOf(before)).toEqual([1, 2]);

  const layer = layerBatchNormalization({ momentum: 0.5 });
  layer.build([null, 3]);
  const statistics = layer.nonTrainableWeights.map((weight) => tf.clone(weight.read()));
  layer.apply(tf.add(draw([8, 3], 1), 5), { training: true });
  expect(statistics.map((tensor) => valuesOf(tensor))).toEqual([
    [0, 0, 0],
    [1, 1, 1],
  ]);
  expect(valuesOf(layer.nonTrainableWeights[0]!.read())).not.toEqual([0, 0, 0]);
});
