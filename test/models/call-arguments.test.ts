/** @file What a call of the layer says in a graph holds at that place: in `fit`, after loading, for each place of its own. */
import * as tf from '@tensorflow/tfjs';
import {
  BatchNormalization,
  layerBatchNormalization,
  registerBatchNormalization,
  type CallArguments,
} from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { compile, draw, drawFor, fit, saveAndLoad, valuesOf, weightsOf } from './models.js';

/** A model with the layer called as `said`. */
function modelOf(layer: tf.layers.Layer, ...said: CallArguments[]): tf.LayersModel {
  const input = tf.input({ shape: [3] });
  const outputs = said.map((kwargs) => {
    const kernelInitializer = tf.initializers.identity({ gain: 3 });
    const hidden = tf.layers.dense({ units: 3, kernelInitializer }).apply(input) as tf.SymbolicTensor;
    return layer.apply(hidden, kwargs) as tf.SymbolicTensor;
  });
  return tf.model({ inputs: input, outputs });
}

const layerIn = (model: tf.LayersModel) => model.layers.find((layer) => layer instanceof BatchNormalization)!;

async function reload(model: tf.LayersModel): Promise<tf.LayersModel> {
  const undo = registerBatchNormalization();
  const loaded = await saveAndLoad(model);
  undo();
  return loaded;
}

describeBackends(() => {
  /** Which of gamma, beta, moving mean and moving variance a training step moves. */
  const moves = async (model: tf.LayersModel) => {
    compile(model);
    const layer = layerIn(model);
    const before = weightsOf(layer);
    await fit(model);
    return weightsOf(layer).map((values, i) => values.join() !== before[i]!.join());
  };
  const ALL = [true, true, true, true];
  const PARAMETERS = [true, true, false, false];

  describe.each([
    ['as it was built', (model: tf.LayersModel) => Promise.resolve(model)],
    ['loaded', reload],
    ['loaded twice', async (model: tf.LayersModel) => reload(await reload(model))],
  ])('of a model %s', (_, through) => {
    test('training: false infers in fit, and trains gamma and beta', async () => {
      const model = await through(modelOf(layerBatchNormalization(), { training: false }));
      expect(await moves(model)).toEqual(PARAMETERS);
    });

    test('nothing said trains in fit', async () => {
      const model = await through(modelOf(layerBatchNormalization(), {}));
      expect(await moves(model)).toEqual(ALL);
    });

    test('training: true normalizes by the batch in predict', async () => {
      const model = await through(modelOf(layerBatchNormalization(), { training: true }));
      const y = model.predict(draw([50, 3], 1)) as tf.Tensor;
      const { mean, variance } = tf.moments(y, 0);
      valuesOf(mean).forEach((value) => {
        expect(value).toBeCloseTo(0, 4);
      });
      valuesOf(variance).forEach((value) => {
        expect(value).toBeGreaterThan(0.9);
      });
    });

    test('updateMovingStatistics: false normalizes by the batch and moves no statistic', async () => {
      const said = { updateMovingStatistics: false };
      const model = await through(modelOf(layerBatchNormalization({ renorm: true }), said));
      expect(await moves(model)).toEqual([true, true, false, false, false, false, false]);
    });

    test('each place of a shared layer goes by its own', async () => {
      // Whether it trains shows in the outputs' variance: 1, or 3, that of three times the input's.
      const model = await through(
        modelOf(layerBatchNormalization(), { training: true }, { training: false }, {}),
      );
      const outputs = model.predict(draw([50, 3], 1)) as tf.Tensor[];
      expect(outputs.map((y) => Math.round(valuesOf(tf.moments(y).variance)[0]!))).toEqual([1, 3, 3]);
    });

    test('one place that trains is enough to move the statistics, once for each such place', async () => {
      const layer = layerBatchNormalization({
        movingMeanInitializer: tf.initializers.constant({ value: 1000 }),
      });
      const model = await through(modelOf(layer, { training: false }, {}, {}));
      await moves(model);
      weightsOf(layerIn(model))[2]!.forEach((mean) => {
        expect(mean).toBeCloseTo(1000 * 0.99 ** 2, -1);
      });
    });
  });

  test('says the same of a place in a nested model', async () => {
    const base = modelOf(layerBatchNormalization(), { training: false });
    const outer = tf.sequential({ layers: [base, tf.layers.dense({ units: 1 })] });
    compile(outer);
    const layer = layerIn(base);
    const before = weightsOf(layer);
    await fit(outer);
    expect(weightsOf(layer).map((values, i) => values.join() !== before[i]!.join())).toEqual(PARAMETERS);
  });

  test('does not reach from a place in a graph into a direct call', () => {
    const layer = layerBatchNormalization();
    const model = modelOf(layer, { training: false });
    const lookAt = [
      () => {
        tf.dispose(model.predict(drawFor(model.inputs[0]!, 1)));
      },
      () => model.outputs[0]!.inputs,
    ];
    for (const look of lookAt) {
      look();
      const before = weightsOf(layer)[2];
      layer.apply(draw([4, 3], 2), { training: true });
      expect(weightsOf(layer)[2]).not.toEqual(before);
    }
    tf.dispose(model.predict(drawFor(model.inputs[0]!, 1)));
    const before = weightsOf(layer)[2];
    // A list, as TF.js' executor hands over.
    layer.apply([draw([4, 3], 2)], { training: true });
    expect(weightsOf(layer)[2]).not.toEqual(before);
  });

  test('takes what the recurrent layers of a model leave in the arguments of all', async () => {
    class PassingOn extends tf.layers.Layer {
      static readonly className = 'PassingOn';
      readonly inner = layerBatchNormalization();
      override call(inputs: tf.Tensor | tf.Tensor[], kwargs: object): tf.Tensor {
        return this.inner.apply([inputs].flat()[0]!, kwargs) as tf.Tensor;
      }
    }
    const x = tf.input({ shape: [4, 3] });
    const [sequence, ...state] = tf.layers
      .lstm({ units: 3, returnState: true, returnSequences: true })
      .apply(x) as tf.SymbolicTensor[];
    const decoded = tf.layers.lstm({ units: 3, returnSequences: true }).apply([sequence!, ...state]);
    const normalized = layerBatchNormalization({ name: 'bn' }).apply(decoded);
    const passing = new PassingOn({});
    const model = tf.model({ inputs: x, outputs: passing.apply(normalized) as tf.SymbolicTensor });
    compile(model);
    await fit(model);
    expect(weightsOf(passing.inner)[2]).not.toEqual([0, 0, 0]);
  });

  test('in TimeDistributed, arguments of other layers are let through', () => {
    const x = tf.input({ shape: [3, 2] });
    const steps = tf.layers.timeDistributed({ layer: layerBatchNormalization() }).apply(x);
    const inner = tf.model({ inputs: x, outputs: steps as tf.SymbolicTensor });
    const y = inner.apply(x, { ofAnotherLayer: true }) as tf.SymbolicTensor;
    const model = tf.model({ inputs: x, outputs: y });
    const predicted = valuesOf(model.predict(tf.ones([1, 3, 2])));
    for (const value of predicted) expect(value).toBeCloseTo(1 / Math.sqrt(1.001), 6);
  });

  test('in TimeDistributed, a model of two outputs is refused', () => {
    const x = tf.input({ shape: [2] });
    const normalized = layerBatchNormalization().apply(x) as tf.SymbolicTensor;
    const two = tf.model({
      inputs: x,
      outputs: [normalized, tf.layers.reLU().apply(normalized) as tf.SymbolicTensor],
    });
    const steps = tf.layers.timeDistributed({ layer: two });
    expect(() => steps.apply(tf.ones([1, 3, 2]))).toThrow(/to give one output, received 2/);
  });

  test('null means nothing said', () => {
    const layer = layerBatchNormalization();
    const x = draw([4, 3], 2);
    const said = { training: null, mask: null, updateMovingStatistics: null };
    const plain = valuesOf(layer.apply(x) as tf.Tensor);
    expect(valuesOf(layer.apply(x, said) as tf.Tensor)).toEqual(plain);
    const before = weightsOf(layer)[2];
    layer.apply(x, { ...said, training: true });
    expect(weightsOf(layer)[2]).not.toEqual(before);
  });

  test('a mask of another shape does not matter in inference', () => {
    const layer = layerBatchNormalization({ movingMeanInitializer: 'ones' });
    const x = tf.tensor2d([
      [1, 3],
      [2, 5],
    ]);
    const y = layer.apply(x, { mask: tf.ones([7]) }) as tf.Tensor;
    const want = [0, 2, 1, 4].map((distance) => distance / Math.sqrt(1.001));
    valuesOf(y).forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 6);
    });
  });
});
