/** @file The constraints and penalties of weights hold while an optimizer trains, as in Keras. */
import * as tf from '@tensorflow/tfjs';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const PICTURES = [4, 4, 2];
const OF = (...names: string[]) => Object.fromEntries(names.map((name) => [`${name}Constraint`, 'nonNeg']));
const WINDOW = { filters: 2, kernelSize: 2, useBias: true };

/** A layer whose weights are to be no less than 0, and the shape of its input. */
const CONSTRAINED: readonly (readonly [string, number[], tf.layers.Layer])[] = [
  ['prelu', [3], kerasLayers.prelu({ ...OF('alpha'), inputShape: [3] })],
  ['conv1d', [4, 2], kerasLayers.conv1d({ ...WINDOW, ...OF('kernel', 'bias'), inputShape: [4, 2] })],
  ['conv2d', PICTURES, kerasLayers.conv2d({ ...WINDOW, ...OF('kernel', 'bias'), inputShape: PICTURES })],
  [
    'conv2dTranspose',
    PICTURES,
    kerasLayers.conv2dTranspose({ ...WINDOW, ...OF('kernel', 'bias'), inputShape: PICTURES }),
  ],
  [
    'depthwiseConv2d',
    PICTURES,
    kerasLayers.depthwiseConv2d({ kernelSize: 2, ...OF('depthwise', 'bias'), inputShape: PICTURES }),
  ],
  [
    'separableConv2d',
    PICTURES,
    kerasLayers.separableConv2d({ ...WINDOW, ...OF('depthwise', 'pointwise', 'bias'), inputShape: PICTURES }),
  ],
];

const least = (model: tf.LayersModel) =>
  Math.min(...model.getWeights().flatMap((weight) => [...weight.dataSync()]));

/** Steps towards outputs that weights below 0 would give. */
async function train(model: tf.LayersModel, shape: number[], towards: number): Promise<void> {
  model.compile({ optimizer: tf.train.sgd(0.5), loss: 'meanSquaredError' });
  const x = tf.sub(tf.randomUniform([3, ...shape], 0, 2, 'float32', 1), 1);
  const target = tf.fill((model.predict(x) as tf.Tensor).shape, towards);
  for (let step = 0; step < 3; step++) await model.trainOnBatch(x, target);
}

describe('layers of this library', () => {
  test.each(CONSTRAINED)('%s keeps its weights from falling below 0', async (name, shape, layer) => {
    const model = tf.sequential({ layers: [layer] });
    await train(model, shape, name === 'prelu' ? 5 : -5);
    expect(least(model)).toBe(0);
  });
});

describe("TF.js' own layers", () => {
  const make = () =>
    tf.sequential({
      layers: [
        tf.layers.dense({ units: 2, kernelConstraint: 'nonNeg', biasConstraint: 'nonNeg', inputShape: [3] }),
      ],
    });

  test.each(['tf-keras', 'keras3'] as const)('in a model of %s', async (dialect) => {
    const model = await loadKerasModel(await saveKerasModel(make(), null, { for: dialect }));
    await train(model, [3], -5);
    expect(least(model)).toBe(0);
  });
});
