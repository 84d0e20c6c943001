/** @file Every form in which the layer can be asked for; that this file compiles is part of the test. */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization, type BatchNormalizationArgs } from 'evenkeel';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { valuesOf, weightsOf } from './models.js';

describeBackends(() => {
  test('gives the layer for nothing, null, undefined or only arguments', () => {
    const given: BatchNormalizationArgs = { momentum: 0.5 };
    const layers: BatchNormalization[] = [
      layerBatchNormalization(),
      layerBatchNormalization(null),
      layerBatchNormalization(undefined),
      layerBatchNormalization({}),
      layerBatchNormalization(null, null),
      layerBatchNormalization(undefined, undefined),
      layerBatchNormalization(given),
      layerBatchNormalization(null, given),
      new BatchNormalization(),
      new BatchNormalization(null),
      new BatchNormalization(given),
    ];
    expect(layers.every((layer) => layer instanceof BatchNormalization)).toBe(true);
    expect(layers.map(({ momentum }) => momentum)).toEqual([
      ...[0.99, 0.99, 0.99, 0.99, 0.99, 0.99, 0.5, 0.5, 0.99, 0.99, 0.5],
    ]);
  });

  test('takes an adjustment in every form without a word about its type', () => {
    const one = tf.scalar(1);
    const layers: BatchNormalization[] = [
      layerBatchNormalization({ adjustment: () => [one, one] }),
      layerBatchNormalization({ adjustment: (shape) => [tf.zeros(shape), 1] }),
      layerBatchNormalization(null, { adjustment: () => [one, 2] }),
      new BatchNormalization({ adjustment: () => [one, one] }),
    ];
    expect(layers.every(({ adjustment }) => typeof adjustment === 'function')).toBe(true);
    const output: tf.SymbolicTensor = layerBatchNormalization(tf.input({ shape: [1] }), {
      adjustment: () => [one, one],
    });
    expect(output.shape).toEqual([null, 1]);
  });

  test('adds the layer to a sequential model and returns the model', () => {
    const empty = tf.sequential();
    const model: tf.Sequential = layerBatchNormalization(empty, { inputShape: [4], name: 'first' });
    expect(model).toBe(empty);
    expect(layerBatchNormalization(model)).toBe(model);
    expect(model.layers).toHaveLength(2);
    expect(model.layers[0]!.name).toBe('first');
    expect((model.predict(tf.ones([3, 4])) as tf.Tensor).shape).toEqual([3, 4]);
  });

  test('normalizes a tensor at once, in inference mode, and leaves nothing else behind', () => {
    const x: tf.Tensor2D = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    const before = tf.memory().numTensors;
    const y: tf.Tensor2D = layerBatchNormalization(x, {
      epsilon: 3,
      weights: [
        [2, 4],
        [1, -1],
        [0, 1],
        [1, 1],
      ],
    });
    expect(tf.memory().numTensors).toBe(before + 1);
    // (x − [0, 1]) / √(1 + 3) · [2, 4] + [1, −1]
    expect(valuesOf(y)).toEqual([2, 1, 4, 5]);
  });

  test('follows a symbolic tensor, a layer with one output, a model with one output', () => {
    const input = tf.input({ shape: [3] });
    const dense = tf.layers.dense({ units: 2 });
    const hidden = dense.apply(input) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: hidden });
    const outputs: tf.SymbolicTensor[] = [
      layerBatchNormalization(hidden),
      layerBatchNormalization(dense),
      layerBatchNormalization(model, { scale: false }),
    ];
    for (const output of outputs) {
      expect(output.sourceLayer).toBeInstanceOf(BatchNormalization);
      expect(output.shape).toEqual([null, 2]);
      const through = tf.model({ inputs: input, outputs: output });
      expect((through.predict(tf.ones([5, 3])) as tf.Tensor).shape).toEqual([5, 2]);
    }
  });

  test('takes weights as tensors, typed arrays of either precision, and numbers', () => {
    const layer = layerBatchNormalization({
      weights: [Float32Array.of(2, 3), Float64Array.of(0.5, 0.25), tf.tensor1d([1, 2]), [4, 9]],
    });
    layer.build([null, 2]);
    expect(weightsOf(layer)).toEqual([
      [2, 3],
      [0.5, 0.25],
      [1, 2],
      [4, 9],
    ]);
  });

  test('limits that change after the layer was made change nothing', () => {
    const renormClipping = { rmax: 2, dmax: 1 };
    const layer = layerBatchNormalization({ renorm: true, renormClipping });
    renormClipping.rmax = 5;
    expect(layer.getConfig().renormClipping).toEqual({ rmax: 2, dmax: 1 });
  });

  test('an adjustment of fewer dimensions is broadcast from the right', () => {
    const x = tf.tensor3d([1, 5, 2, 7, 3, 9, 4, 8], [2, 2, 2]);
    const outputOf = (shape: number[]) => {
      const layer = layerBatchNormalization({
        axis: 1,
        adjustment: () => [tf.tensor([2, 3], shape), tf.tensor([1, -1], shape)],
      });
      return Array.from((layer.apply(x, { training: true }) as tf.Tensor).dataSync());
    };
    expect(outputOf([1, 2])).toEqual(outputOf([1, 1, 2]));
  });
});
