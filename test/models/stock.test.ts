/**
 * @file What TF.js' own layer cannot do and this one can. Each test begins with the failure in TF.js: where it is mended
 * there, the test says so, and COMPATIBILITY.md wants a change.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization, registerBatchNormalization } from 'evenkeel';
import { forward, type State } from 'evenkeel/core';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { drawState, floats, relativeDistance, toTensor } from '../properties/layer-and-core.js';
import { compile, draw, fit, save, train, valuesOf, weightsOf } from './models.js';

const stock = tf.layers.batchNormalization;
const ours = layerBatchNormalization;

/** A layer with the weights of `state`, and its output for x. */
function applied(layer: tf.layers.Layer, state: State, x: tf.Tensor, kwargs: { training: boolean }) {
  layer.build(x.shape);
  layer.setWeights(Object.values(state).map((values: Float64Array) => toTensor(values, [values.length])));
  return valuesOf(layer.apply(x, kwargs) as tf.Tensor);
}

describeBackends(() => {
  // https://github.com/tensorflow/tfjs/issues/2868
  test.each([{ scale: false }, { center: false }, { scale: false, center: false }])(
    'trains with %o, where TF.js crashes',
    async (options) => {
      const model = (layer: tf.layers.Layer) => {
        const whole = tf.sequential({ layers: [layer, tf.layers.dense({ units: 1 })] });
        compile(whole);
        return whole;
      };
      await expect(fit(model(stock({ ...options, inputShape: [3] })))).rejects.toThrow(/reading 'read'/);
      const layer = ours({ ...options, inputShape: [3] });
      const whole = model(layer);
      const before = weightsOf(layer);
      await fit(whole);
      expect(weightsOf(layer).map((values, i) => values.join() !== before[i]!.join())).toEqual(
        before.map(() => true),
      );
    },
  );

  test.each([true, false])(
    'is right for channels first (training: %s), where TF.js is silently wrong or fails',
    (training) => {
      const [shape, options] = [[2, 3, 4, 5], { axis: 1 }];
      const x = floats(120, 7);
      const state = drawState(options, shape, 3);
      const { y } = forward({ values: x, shape }, state, options, { training });
      const error = (layer: tf.layers.Layer) =>
        relativeDistance(applied(layer, state, toTensor(x, shape), { training }), y);
      expect(error(stock(options))).toBeGreaterThan(0.1);
      expect(error(ours(options))).toBeLessThan(2e-5);
    },
  );

  // https://github.com/tensorflow/tfjs/issues/2504, 5843, 8011
  test.each([4, 1])('takes inputs of rank 5 along axis %s, which TF.js refuses', (axis) => {
    const x = draw([2, 3, 2, 2, 3], 1);
    for (const training of [true, false]) {
      expect(() => stock({ axis }).apply(x, { training })).toThrow(/not implemented for array of rank 5/);
      expect((ours({ axis }).apply(x, { training }) as tf.Tensor).shape).toEqual(x.shape);
    }
  });

  test('keeps its statistics when trainable is false, which TF.js moves', async () => {
    for (const [make, moves] of [
      [stock, true],
      [ours, false],
    ] as const) {
      const layer = make({ trainable: false, inputShape: [3] });
      const model = tf.sequential({ layers: [layer, tf.layers.dense({ units: 1 })] });
      compile(model);
      const before = weightsOf(layer);
      await fit(model, 2);
      expect(weightsOf(layer).join('|') !== before.join('|')).toBe(moves);
    }
  });

  test('leaves masked steps out of its statistics, which TF.js takes in', async () => {
    // One feature; the third step of each sequence is masked.
    const x = tf.tensor3d([
      [[1], [3], [0]],
      [[5], [7], [0]],
    ]);
    for (const [make, mean] of [
      [stock, 16 / 6],
      [ours, 16 / 4],
    ] as const) {
      const layer = make({ momentum: 0 });
      const model = tf.sequential({
        layers: [tf.layers.masking({ maskValue: 0, inputShape: [3, 1] }), layer],
      });
      compile(model);
      await train(model, x, x);
      expect(weightsOf(layer)[2]![0]).toBeCloseTo(mean, 5);
    }
  });

  test('keeps a constraint while it trains, which TF.js forgets', async () => {
    for (const [make, isKept] of [
      [stock, false],
      [ours, true],
    ] as const) {
      const layer = make({ gammaConstraint: tf.constraints.nonNeg(), inputShape: [2] });
      const model = tf.sequential({ layers: [layer] });
      compile(model, tf.train.sgd(1));
      // The output has the opposite sign of the input, so gamma is drawn below 0.
      const x = draw([16, 2], 3);
      await train(model, x, tf.mul(x, -9), 3);
      expect(weightsOf(layer)[0]!.every((value) => value >= 0)).toBe(isKept);
    }
  });

  test('keeps weights that are set exactly as they are, which TF.js projects onto the constraint', () => {
    for (const [make, gamma] of [
      [stock, [0, 2]],
      [ours, [-1, 2]],
    ] as const) {
      const layer = make({ gammaConstraint: tf.constraints.nonNeg() });
      layer.build([null, 2]);
      layer.setWeights([tf.tensor1d([-1, 2]), ...layer.getWeights().slice(1)]);
      expect(weightsOf(layer)[0]).toEqual(gamma);
    }
  });

  test('leaves beta at 0 under an L1 penalty alone, where TF.js moves it', async () => {
    for (const [make, beta] of [
      [stock, 0.1],
      [ours, 0],
    ] as const) {
      const layer = make({ betaRegularizer: tf.regularizers.l1({ l1: 0.1 }), inputShape: [1] });
      const model = tf.sequential({ layers: [layer] });
      compile(model, tf.train.sgd(1));
      // What the layer gives is what is asked for, so that the penalty is the only force.
      const x = tf.tensor2d([[-1], [1]]);
      const y = tf.div(x, Math.sqrt(1.001));
      await train(model, x, y);
      expect(weightsOf(layer)[1]![0]).toBeCloseTo(beta, 5);
    }
  });

  test('loads a model with renorm, which TF.js does not', async () => {
    const model = tf.sequential({ layers: [ours({ renorm: true, inputShape: [3] })] });
    compile(model);
    await fit(model);
    const saved = await save(model);
    await expect(tf.loadLayersModel(tf.io.fromMemory(saved))).rejects.toThrow(/moving_stddev/);
    const undo = registerBatchNormalization();
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
    undo();
    expect(loaded.layers[0]).toBeInstanceOf(BatchNormalization);
    expect(weightsOf(loaded.layers[0]!)).toEqual(weightsOf(model.layers[0]!));
  });
});
