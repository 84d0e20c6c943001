/** @file Folding puts relu and relu6 behind a convolution into it, where the kernel applies them for nothing. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { fold } from 'evenkeel/tools';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { draw, valuesOf } from '../models/models.js';
import {
  type Layer,
  type Symbolic,
  apply,
  classesOf,
  distance,
  functional,
  predict,
  spoil,
} from './networks.js';

const { layers } = tf;
const bn = () => layerBatchNormalization();
const relu6 = (name = 'activation') => layers.reLU({ maxValue: 6, name });

/** A convolution named 'linear', whose outputs lie below 0 and above 6, too. */
const kernel = { kernelInitializer: tf.initializers.randomNormal({ stddev: 3, seed: 1 }) };
const depthwiseKernel = { depthwiseInitializer: tf.initializers.randomNormal({ stddev: 3, seed: 1 }) };
const CONVOLUTIONS: Record<string, (args?: object) => Layer> = {
  "TF.js' Conv2D": (args) => layers.conv2d({ name: 'linear', filters: 4, kernelSize: 3, ...kernel, ...args }),
  "TF.js' DepthwiseConv2D": (args) =>
    layers.depthwiseConv2d({ name: 'linear', kernelSize: 3, ...depthwiseKernel, ...args }),
  "Keras' Conv2D": (args) =>
    kerasLayers.conv2d({ name: 'linear', filters: 4, kernelSize: 3, ...kernel, ...args }),
  "Keras' DepthwiseConv2D": (args) =>
    kerasLayers.depthwiseConv2d({ name: 'linear', kernelSize: 3, ...depthwiseKernel, ...args }),
};

const ACTIVATIONS: Record<string, readonly [name: string, make: () => Layer]> = {
  'Activation relu': ['relu', () => layers.activation({ activation: 'relu' })],
  'Activation relu6': ['relu6', () => layers.activation({ activation: 'relu6' })],
  "TF.js' ReLU": ['relu', () => layers.reLU()],
  "TF.js' ReLU up to 6": ['relu6', () => relu6()],
  "Keras' ReLU": ['relu', () => kerasLayers.relu()],
  "Keras' ReLU up to 6": ['relu6', () => kerasLayers.relu({ maxValue: 6 })],
};

const OTHERS: Record<string, () => Layer> = {
  tanh: () => layers.activation({ activation: 'tanh' }),
  'ReLU up to 3': () => layers.reLU({ maxValue: 3 }),
  'ReLU up to 0': () => kerasLayers.relu({ maxValue: 0 }),
  'ReLU with a slope': () => kerasLayers.relu({ maxValue: 6, negativeSlope: 0.1 }),
  'ReLU with a threshold': () => kerasLayers.relu({ threshold: 1 }),
};

/** With a layer behind, so that an activation is no output. */
const chain = (...parts: Layer[]) =>
  spoil(
    tf.sequential({
      layers: [layers.inputLayer({ inputShape: [6, 5, 3] }), ...parts, layers.globalAveragePooling2d({})],
    }),
  );

const calledIn = (model: tf.LayersModel) => classesOf(model).filter((name) => name !== 'InputLayer');

async function foldAndCompare(model: tf.LayersModel): Promise<tf.LayersModel> {
  const { model: folded } = await fold(model);
  expect(distance(predict(folded, 40), predict(model, 40))).toBeLessThan(1e-5);
  return folded;
}

async function kernelsOf(model: tf.LayersModel): Promise<string[]> {
  const x = draw([2, ...(model.inputs[0]!.shape.slice(1) as number[])], 1);
  const { kernelNames } = await tf.profile(() => model.predict(x));
  return kernelNames.filter((name) => !name.endsWith('__op'));
}

describeBackends((backend) => {
  describe.each(Object.entries(CONVOLUTIONS))('%s', (_, make) => {
    test.each(Object.entries(ACTIVATIONS))('takes in %s', async (__, [activation, makeActivation]) => {
      const folded = await foldAndCompare(chain(make(), bn(), makeActivation()));
      expect(calledIn(folded).slice(1)).toEqual(['GlobalAveragePooling2D']);
      expect(folded.getLayer('linear').getConfig()).toMatchObject({ activation, useBias: true });
    });

    test.each(Object.entries(OTHERS))('leaves %s', async (__, makeActivation) => {
      const folded = await foldAndCompare(chain(make(), bn(), makeActivation()));
      expect(calledIn(folded)).toHaveLength(3);
    });

    test('does so without a normalization, without a bias, padded, with strides', async () => {
      const args = { useBias: false, padding: 'same', strides: 2 };
      const folded = await foldAndCompare(chain(make(args), relu6()));
      expect(folded.getLayer('linear').getConfig()).toMatchObject({ activation: 'relu6', useBias: false });
    });

    test('with the channels first, and dilated', async () => {
      await foldAndCompare(chain(make({ dataFormat: 'channelsFirst', padding: 'same' }), relu6()));
      await foldAndCompare(chain(make({ dilationRate: 2, padding: 'same' }), bn(), relu6()));
    });

    test('computes everything in one kernel, and on tape as it is', async () => {
      const model = chain(make(), bn(), relu6());
      const folded = await foldAndCompare(model);
      const kernels = await kernelsOf(folded);
      expect(kernels.filter((name) => /Conv2D/.test(name))).toHaveLength(1);
      const others = ['Add', 'Relu', 'Relu6', 'Minimum', 'ClipByValue', 'LeakyRelu', 'FusedBatchNorm'];
      expect(kernels.filter((name) => others.includes(name))).toEqual([]);
      if (backend === 'wasm') return; // Lacks the gradients of convolutions.
      const x = draw([2, 6, 5, 3], 1);
      const gradientOf = (one: tf.LayersModel) =>
        valuesOf(tf.grad((given) => one.apply(given) as tf.Tensor)(x));
      expect(distance(gradientOf(folded), gradientOf(model))).toBeLessThan(1e-5);
    });
  });

  describe('stay', () => {
    const conv = CONVOLUTIONS["TF.js' Conv2D"]!;
    const pooled = (x: Symbolic) => apply(layers.globalAveragePooling2d({}), x);
    const stays = async (build: (x: Symbolic) => Symbolic | Symbolic[]) => {
      const folded = await foldAndCompare(spoil(functional([6, 5, 3], build)));
      expect(folded.getLayer('activation').getClassName()).toBe('ReLU');
    };

    test('where others take what the convolution gives', () =>
      stays((x) => {
        const y = apply(conv(), x);
        return pooled(apply(layers.add(), y, apply(relu6(), y)));
      }));

    test('where that is an output', () =>
      stays((x) => {
        const y = apply(conv(), x);
        return [y, pooled(apply(relu6(), y))];
      }));

    test('where they are an output themselves', () => stays((x) => apply(relu6(), apply(conv(), x))));

    test('where the convolution is called twice', () =>
      stays((x) => {
        const shared = conv({ filters: 3, padding: 'same' });
        return pooled(apply(relu6(), apply(shared, apply(shared, x))));
      }));

    test('where it has an activation, or has just got one', async () => {
      await stays((x) => pooled(apply(relu6(), apply(conv({ activation: 'tanh' }), x))));
      await stays((x) => {
        const y = apply(relu6('first'), apply(conv(), x));
        return pooled(apply(layers.reLU({ name: 'activation' }), y));
      });
    });

    test('behind other layers', () =>
      stays((x) =>
        apply(layers.dense({ units: 2 }), pooled(apply(relu6(), apply(layers.dense({ units: 3 }), x)))),
      ));
  });

  test('a shared activation goes where it can', async () => {
    const model = spoil(
      functional([6, 5, 3], (x) => {
        const activation = relu6();
        const y = apply(activation, apply(CONVOLUTIONS["Keras' Conv2D"]!({ filters: 3 }), x));
        return apply(
          layers.globalAveragePooling2d({}),
          apply(activation, apply(layers.dense({ units: 3 }), y)),
        );
      }),
    );
    const folded = await foldAndCompare(model);
    expect(folded.getLayer('linear').getConfig().activation).toBe('relu6');
    expect(folded.getLayer('activation')).toBeDefined();
  });

  test('they go inside a model that is nested in another', async () => {
    const base = functional([6, 5, 3], (x) => {
      const y = apply(relu6(), apply(bn(), apply(CONVOLUTIONS["TF.js' DepthwiseConv2D"]!(), x)));
      return apply(layers.conv2d({ filters: 2, kernelSize: 1 }), y);
    });
    const folded = await foldAndCompare(spoil(tf.sequential({ layers: [base] })));
    expect(classesOf(folded)).not.toContain('ReLU');
  });
});

test.each(['tf-keras', 'keras3'] as const)(
  'a folded model is saved for %s and comes back',
  async (target) => {
    await tf.setBackend('cpu');
    const depthwise = CONVOLUTIONS["TF.js' DepthwiseConv2D"]!();
    const pointwise = layers.conv2d({ filters: 4, kernelSize: 1, useBias: false, ...kernel });
    const { model } = await fold(chain(depthwise, bn(), relu6(), pointwise, bn(), relu6('second')));
    const again = await loadKerasModel(await saveKerasModel(model, null, { for: target }));
    expect(distance(predict(again, 40), predict(model, 40))).toBeLessThan(1e-5);
    expect(calledIn(again)).toEqual(['DepthwiseConv2D', 'Conv2D', 'GlobalAveragePooling2D']);
  },
);
