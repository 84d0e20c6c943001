/** @file Gradients where the layer is used more than once, where its variables change meanwhile, and where numbers are not. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, type BatchNormalizationArgs } from 'evenkeel';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import { draw, valuesOf, weightsOf } from '../models/models.js';

describeBackends(() => {
  const WEIGHTS = [
    [2, -1, 0.5],
    [1, 0, -1],
    [0.5, 0, -0.5],
    [1, 2, 3],
  ];
  const layerOf = (args: BatchNormalizationArgs) => layerBatchNormalization({ ...args, weights: WEIGHTS });

  test('flow through two places of one layer, whose statistics move in between', () => {
    const x = draw([6, 3], 1);
    const results = [{}, { fused: false }].map((args) => {
      const layer = layerOf(args);
      layer.build([null, 3]);
      const twice = (t: tf.Tensor) => {
        const once = layer.apply(t, { training: true }) as tf.Tensor;
        const inferred = layer.apply(tf.tanh(once), { training: false }) as tf.Tensor;
        return tf.sum(tf.square(tf.add(layer.apply(inferred, { training: true }) as tf.Tensor, once)));
      };
      const variables = layer.trainableWeights.map((weight) => weight.read());
      return [
        ...tf
          .grads(twice)([x, ...variables])
          .map(valuesOf),
        ...weightsOf(layer),
      ];
    });
    results[0]!.forEach((values, i) => {
      expect(relativeDistance(values, results[1]![i]!)).toBeLessThan(1e-4);
    });
  });

  test('are those of the parameters that the forward pass saw', () => {
    for (const fused of [null, false]) {
      const layer = layerOf({ fused });
      layer.build([null, 3]);
      const x = draw([6, 3], 1);
      // Moved by another call between forward and backward.
      const meddled = (t: tf.Tensor) => {
        const y = layer.apply(t, { training: false }) as tf.Tensor;
        layer.apply(tf.mul(x, 100), { training: true });
        return y;
      };
      const slope = WEIGHTS[0]!.map((gamma, i) => gamma / Math.sqrt(WEIGHTS[3]![i]! + 0.001));
      const dx = valuesOf(tf.grad(meddled)(x));
      expect(relativeDistance(dx, Array.from({ length: 6 }, () => slope).flat())).toBeLessThan(1e-6);
    }
  });

  test('leave a copy of a statistic alone, when the statistic moves', () => {
    for (const args of [{}, { fused: false }, { renorm: true, weights: null }]) {
      const layer = layerBatchNormalization(args);
      layer.build([null, 3]);
      const copies = layer.weights.flatMap((weight) => [
        tf.clone(weight.read()),
        tf.reshape(weight.read(), [3, 1]),
      ]);
      const read = copies.map((copy) => copy.dataSync());
      const before = weightsOf(layer);
      layer.apply(draw([6, 3], 1), { training: true });
      expect(weightsOf(layer)).not.toEqual(before);
      const twice = before.flatMap((values) => [values, values]);
      expect(copies.map(valuesOf)).toEqual(twice);
      expect(read.map((values) => Array.from(values))).toEqual(twice);
    }
  });

  test('are not spoiled by NaN in padding that the mask and the loss leave out', () => {
    const x = tf.tensor2d([
      [1, 2],
      [NaN, Infinity],
      [3, 7],
    ]);
    const dy = tf.tensor2d([
      [1, 2],
      [0, 0],
      [3, -1],
    ]);
    const mask = tf.tensor1d([1, 0, 1]);
    const layer = layerBatchNormalization();
    layer.build([null, 2]);
    const variables = layer.trainableWeights.map((weight) => weight.read());
    const [dx, dgamma, dbeta] = tf.grads(
      (t: tf.Tensor) => layer.apply(t, { training: true, mask }) as tf.Tensor,
    )([x, ...variables], dy);
    expect(valuesOf(dbeta!)).toEqual([4, 1]);
    expect([...valuesOf(dgamma!), ...valuesOf(dx!)].every(Number.isFinite)).toBe(true);
  });
});
