/** @file Activations: near 0, far from it and where they bend; under which names they are saved and found. */
import * as tf from '@tensorflow/tfjs';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { describe, expect, test } from 'vitest';
import { resolveActivation } from '../../src/keras/activations.js';
import { describeBackends } from '../backends.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const relu6 = (x: number) => Math.min(Math.max(x, 0), 6);

/** Value and derivative, in float64. Where a function bends, the derivative is the one that TensorFlow takes. */
const FORMULAS: Record<string, readonly [(x: number) => number, (x: number) => number]> = {
  celu: [(x) => (x > 0 ? x : Math.expm1(x)), (x) => (x > 0 ? 1 : x === 0 ? 2 : Math.exp(x))],
  exponential: [Math.exp, Math.exp],
  hardShrink: [(x) => (Math.abs(x) > 0.5 ? x : 0), (x) => (Math.abs(x) > 0.5 ? 1 : 0)],
  kerasHardSigmoid: [(x) => relu6(x + 3) / 6, (x) => (Math.abs(x) < 3 ? 1 / 6 : 0)],
  hardSilu: [(x) => (x * relu6(x + 3)) / 6, (x) => relu6(x + 3) / 6 + (Math.abs(x) < 3 ? x / 6 : 0)],
  hardTanh: [(x) => Math.min(Math.max(x, -1), 1), (x) => (Math.abs(x) <= 1 ? 1 : 0)],
  leaky_relu: [(x) => (x > 0 ? x : 0.2 * x), (x) => (x > 0 ? 1 : 0.2)],
  logSigmoid: [(x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))), (x) => sigmoid(-x)],
  kerasSelu: [
    (x) => (x < 0 ? 1.7580993408473766 * Math.expm1(x) : 1.0507009873554805 * x),
    (x) => (x < 0 ? 1.7580993408473766 * Math.exp(x) : 1.0507009873554805),
  ],
  softShrink: [(x) => Math.sign(x) * Math.max(Math.abs(x) - 0.5, 0), (x) => (Math.abs(x) > 0.5 ? 1 : 0)],
  sparsePlus: [
    (x) => (x <= -1 ? 0 : x < 1 ? (x + 1) ** 2 / 4 : x),
    (x) => (x <= -1 ? 0 : x < 1 ? (x + 1) / 2 : 1),
  ],
  sparseSigmoid: [(x) => Math.min(Math.max((x + 1) / 2, 0), 1), (x) => (Math.abs(x) < 1 ? 0.5 : 0)],
  squareplus: [(x) => (x + Math.hypot(x, 2)) / 2, (x) => (1 + x / Math.hypot(x, 2)) / 2],
  tanhShrink: [(x) => x - Math.tanh(x), (x) => Math.tanh(x) ** 2],
};

const POINTS = [0, 1e-8, 1e-4, 0.1, 0.5, 0.75, 1, 2.5, 3, 6, 20, 60, 100].flatMap((x) => [x, -x]);

describeBackends(() => {
  test.each(Object.entries(FORMULAS))('%s', (name, [value, derivative]) => {
    const points = POINTS.filter((x) => name !== 'exponential' || x < 88);
    const x = tf.tensor1d(points);
    const apply = (t: tf.Tensor) => resolveActivation('activation', name).apply(t);
    const [values, gradients] = [apply(x), tf.grad((t) => tf.sum(apply(t)))(x)].map((y) => y.dataSync());
    points.forEach((point, i) => {
      // As float32 has the point, and relative to what is added up on the way.
      const at = Math.fround(point);
      const scale = Math.max(1, Math.abs(at), value(at));
      expect(Math.abs(values![i]! - value(at)) / scale, `at ${point}`).toBeLessThan(3e-7);
      expect(Math.abs(gradients![i]! - derivative(at)) / scale, `slope at ${point}`).toBeLessThan(3e-7);
    });
  });
});

describe('an activation that TF.js lacks', () => {
  const modelWith = (activation: string) =>
    tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [4], activation: activation as 'relu' })],
    });

  const savedByTensorFlow = async (model: tf.LayersModel) => {
    let saved: tf.io.ModelArtifacts = {};
    await model.save(
      tf.io.withSaveHandler((artifacts) => {
        saved = artifacts;
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
      }),
    );
    return saved;
  };

  const filesOf = ({ modelTopology, weightSpecs, weightData }: tf.io.ModelArtifacts) => {
    const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    return [
      {
        name: 'model.json',
        bytes: new TextEncoder().encode(JSON.stringify({ modelTopology, weightsManifest })),
      },
      { name: 'weights.bin', bytes: new Uint8Array(weightData as ArrayBuffer) },
    ];
  };

  test.each([
    ['hard_silu', 'kerasHardSilu'],
    ['hard_sigmoid', 'kerasHardSigmoid'],
    [{ class_name: 'LeakyReLU', config: { negative_slope: 0.125 } }, 'kerasLeakyRelu:0.125'],
    [{ class_name: 'ReLU', config: { max_value: null, negative_slope: 1e-7 } }, 'kerasRelu::1e-7:0'],
  ])('%j is found by its name in every file that is written here', async (activation, name) => {
    const stock = await savedByTensorFlow(modelWith('relu'));
    const topology = JSON.stringify(stock.modelTopology)
      .replace('"relu"', JSON.stringify(activation))
      .replace(/"keras_version":"[^"]*"/, '"keras_version":"3.0.0"');
    const loaded = await loadKerasModel(filesOf({ ...stock, modelTopology: JSON.parse(topology) as object }));
    const nameIn = ({ layers }: tf.LayersModel) => layers.at(-1)!.getConfig().activation;
    expect(nameIn(loaded)).toBe(name);
    const artifacts = await savedByTensorFlow(loaded);
    expect(nameIn(await loadKerasModel(filesOf(artifacts)))).toBe(name);
    expect(nameIn(await tf.loadLayersModel(tf.io.fromMemory(artifacts)))).toBe(name);
    const again = await loadKerasModel(await saveKerasModel(loaded, null, { for: 'keras3' }));
    expect(nameIn(again)).toBe(name);
  });

  test.each([
    ['kerasHardSilu', 'tf-keras', /tf-keras has no hard_silu\. Save for: 'keras3'\./],
    ['kerasHardSigmoid', 'tf-keras', /clip\(0\.2·x \+ 0\.5, 0, 1\).*Save for: 'keras3'\./],
    ['hardSigmoid', 'keras3', /Keras 3 takes relu6\(x \+ 3\) \/ 6\. Save for: 'tf-keras'\./],
  ] as const)('%s is not saved for %s as another one', async (name, target, message) => {
    resolveActivation('activation', name);
    await expect(saveKerasModel(modelWith(name), null, { for: target })).rejects.toThrow(message);
  });

  test('is refused by its name, or its type', () => {
    expect(() => resolveActivation('activation', 'swoosh')).toThrow(
      "activation: there is no activation 'swoosh'. Give one of TF.js' or Keras' names.",
    );
    expect(() => resolveActivation('activation', 'zeros')).toThrow(/there is no activation 'zeros'/);
    expect(() => resolveActivation('activation', 3)).toThrow(TypeError);
  });

  test('glu needs two halves', () => {
    expect(() => resolveActivation('activation', 'glu').apply(tf.zeros([2, 3]))).toThrow(
      'glu halves the last axis, and [2, 3] has an odd size there.',
    );
  });
});
