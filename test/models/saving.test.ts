/** @file Saving and loading: every option comes back, from files of TF.js, of Keras 2 and of Keras 3. */
import * as tf from '@tensorflow/tfjs';
import {
  BatchNormalization,
  layerBatchNormalization,
  registerBatchNormalization,
  type BatchNormalizationArgs,
} from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { compile, drawFor, fit, save, saveAndLoad, valuesOf, weightsOf } from './models.js';

type Args = BatchNormalizationArgs;

/**
 * Arguments to be saved, at least one case for each: a new one does not compile without. All differ from the defaults.
 * Beside each stand the arguments that it needs.
 */
const CASES: Record<keyof Args, (Args | (() => Args))[]> = {
  axis: [
    { axis: 1, inputShape: [3, 2] },
    { axis: -2, inputShape: [3, 2] },
    { axis: [1, 3], inputShape: [2, 3, 2] },
    { axis: [0], batchInputShape: [8, 3] },
  ],
  momentum: [{ momentum: 0.5 }],
  epsilon: [{ epsilon: 0.5 }],
  center: [{ center: false }],
  scale: [{ scale: false }],
  betaInitializer: [
    { betaInitializer: tf.initializers.constant({ value: 3 }) },
    { betaInitializer: 'he_normal' },
  ],
  gammaInitializer: [
    { gammaInitializer: 'zeros' },
    { gammaInitializer: { className: 'RandomNormal', config: {} } },
  ],
  movingMeanInitializer: [{ movingMeanInitializer: tf.initializers.randomUniform({ minval: 1, maxval: 2 }) }],
  movingVarianceInitializer: [{ movingVarianceInitializer: tf.initializers.constant({ value: 4 }) }],
  betaRegularizer: [{ betaRegularizer: 'l1', betaInitializer: 'ones' }],
  gammaRegularizer: [{ gammaRegularizer: tf.regularizers.l1l2({ l1: 0.1, l2: 0.2 }) }],
  betaConstraint: [{ betaConstraint: tf.constraints.maxNorm({ maxValue: 0.001, axis: 0 }) }],
  gammaConstraint: [{ gammaConstraint: 'unit_norm' }],
  renorm: [{ renorm: true }],
  renormClipping: [
    { renorm: true, renormClipping: { rmax: 1.1, rmin: 0.9, dmax: 0.05 } },
    () => ({ renorm: true, renormClipping: { rmax: tf.tidy(() => tf.variable(tf.scalar(1.5))) } }),
    { renorm: true, renormClipping: { dmax: null } },
  ],
  renormMomentum: [{ renorm: true, renormMomentum: 0.5 }],
  fused: [{ fused: false }, { fused: true, axis: 1, inputShape: [3, 2, 2] }],
  synchronized: [{ synchronized: true }],
  virtualBatchSize: [{ virtualBatchSize: 2 }],
  adjustment: [{ adjustment: () => [2, 3] }],
  inputShape: [{ inputShape: [null, 3] }],
  batchInputShape: [{ batchInputShape: [null, 3] }],
  batchSize: [{ batchSize: 8, inputShape: [3] }],
  dtype: [{ dtype: 'int32' }, { dtype: 'bool' }],
  name: [{ name: 'my_layer' }],
  trainable: [{ trainable: false }],
  weights: [
    {
      weights: [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
        [1, 4, 9],
      ],
    },
  ],
};

/** Tensors need a backend, so they are made in the test. */
const argumentsOf = (args: Args | (() => Args)) => (typeof args === 'function' ? args() : args);

const cases = Object.entries(CASES).flatMap(([option, list]) =>
  list.map((args, i) => ({ option: `${option}${list.length > 1 ? ` (${i + 1})` : ''}`, args })),
);

/** Keys as files have them. */
const snakeCase = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCase(inner),
    ]),
  );
};

const fromConfig = (config: unknown) =>
  BatchNormalization.fromConfig<BatchNormalization>(
    BatchNormalization,
    config as tf.serialization.ConfigDict,
  );

describeBackends(() => {
  const modelOf = (args: Args) => {
    const input = args.inputShape || args.batchInputShape ? {} : { inputShape: [3] };
    return tf.sequential({ layers: [layerBatchNormalization({ ...input, ...args })] });
  };
  const load = async (model: tf.LayersModel) => {
    const undo = registerBatchNormalization();
    const loaded = await saveAndLoad(model);
    undo();
    return loaded;
  };
  /** The configuration as JSON can hold it; the warning about an adjustment has a test of its own. */
  const configOf = (layer: tf.layers.Layer) => {
    const config = JSON.stringify(layer.getConfig(), (_, value: unknown) => value ?? null);
    takeWarnings();
    return JSON.parse(config) as Record<string, unknown>;
  };

  test.each(cases)('a model with $option predicts and trains on as before', async ({ args: given }) => {
    const args = argumentsOf(given);
    const model = modelOf(args);
    const [layer] = model.layers;
    const canTrain = layer!.trainableWeights.length > 0;
    compile(model);
    if (canTrain) await fit(model, 2);
    const loaded = await load(model);
    takeWarnings();
    const [again] = loaded.layers;
    expect(again).toBeInstanceOf(BatchNormalization);
    expect(configOf(again!)).toEqual(configOf(layer!));
    expect(weightsOf(again!)).toEqual(weightsOf(layer!));

    const x = drawFor(model.inputs[0]!, 7);
    expect(valuesOf(loaded.predict(x) as tf.Tensor)).toEqual(valuesOf(model.predict(x) as tf.Tensor));
    if (!canTrain || args.adjustment) return;
    compile(loaded);
    expect(await fit(loaded, 1, 3)).toEqual(await fit(model, 1, 3));
    expect(weightsOf(again!)).toEqual(weightsOf(layer!));
  });

  test.each(cases)(
    'a layer with $option is made again from its configuration, in either case',
    ({ args }) => {
      const layer = layerBatchNormalization(argumentsOf(args));
      const config = configOf(layer);
      for (const written of [layer.getConfig(), config, snakeCase(config)]) {
        takeWarnings();
        expect(configOf(fromConfig(written))).toEqual(config);
      }
    },
  );

  test('what is not the default is in the configuration', () => {
    const plain = configOf(layerBatchNormalization({ name: 'plain' }));
    const unsaved = ['adjustment', 'weights', 'inputShape', 'batchSize'];
    for (const [option, list] of Object.entries(CASES)) {
      if (unsaved.includes(option)) continue;
      // A type is saved as TF.js saves it, beside an input shape.
      const first = argumentsOf(list[0]!);
      const args = option === 'dtype' ? { ...first, inputShape: [3] } : first;
      const differs = Object.entries(configOf(layerBatchNormalization({ name: 'plain', ...args }))).some(
        ([key, value]) => JSON.stringify(value) !== JSON.stringify(plain[key]),
      );
      expect(differs, option).toBe(true);
    }
    expect(Object.keys(plain)).not.toContain('fused');
    expect(Object.keys(plain).filter((key) => /renorm|virtual/.test(key))).toEqual([]);
  });

  test('an adjustment is dropped with a warning that names the layer', () => {
    const layer = layerBatchNormalization({ name: 'adjusted', adjustment: () => [1, 0] });
    const config = layer.getConfig();
    expect(takeWarnings()).toEqual([
      "Layer 'adjusted': its adjustment is a function and was not saved. A layer loaded from this " +
        'configuration has none; make one with the adjustment and give it the weights.',
    ]);
    expect(fromConfig(config).adjustment).toBeNull();
  });

  test('saved keys are those of Keras', async () => {
    const saved = await save(modelOf({ renorm: true, virtualBatchSize: 4, fused: false }));
    const { config } = saved.modelTopology as unknown as { config: { layers: { config: object }[] } };
    expect(Object.keys(config.layers[0]!.config)).toEqual(
      expect.arrayContaining([
        ...[
          'name',
          'trainable',
          'batch_input_shape',
          'dtype',
          'axis',
          'momentum',
          'epsilon',
          'center',
          'scale',
        ],
        ...[
          'beta_initializer',
          'gamma_initializer',
          'moving_mean_initializer',
          'moving_variance_initializer',
        ],
        ...['beta_regularizer', 'gamma_regularizer', 'beta_constraint', 'gamma_constraint'],
        ...['renorm', 'renorm_clipping', 'renorm_momentum', 'virtual_batch_size', 'fused'],
      ]),
    );
  });

  describe('a configuration', () => {
    test('of TF.js’ own layer is taken as it is', () => {
      const stock = tf.layers.batchNormalization({
        momentum: 0.7,
        betaConstraint: 'nonNeg',
        inputShape: [3],
      });
      const layer = fromConfig(stock.getConfig());
      expect([layer.momentum, layer.betaConstraint!.getClassName(), layer.batchInputShape]).toEqual([
        ...[0.7, 'NonNeg', [null, 3]],
      ]);
      expect(layer.name).toBe(stock.name);
    });

    test('of Keras 3 is taken as it is', () => {
      const object = (name: string, config = {}) => ({
        ...{ module: 'keras.initializers', class_name: name, config, registered_name: null },
      });
      const layer = fromConfig({
        ...{
          name: 'bn',
          trainable: false,
          axis: [-1],
          momentum: 0.8,
          epsilon: 0.01,
          center: true,
          scale: false,
        },
        dtype: { ...object('DTypePolicy', { name: 'float32' }), module: 'keras' },
        beta_initializer: object('Constant', { value: 2 }),
        gamma_initializer: object('GlorotUniform', { seed: null }),
        moving_mean_initializer: object('Zeros'),
        moving_variance_initializer: object('Ones'),
        beta_regularizer: object('L2', { l2: 0.5 }),
        gamma_regularizer: null,
        beta_constraint: object('MaxNorm', { max_value: 3, axis: 0 }),
        gamma_constraint: null,
        synchronized: false,
      });
      expect(layer.axis).toEqual([-1]);
      expect(layer).toMatchObject({
        name: 'bn',
        trainable: false,
        momentum: 0.8,
        epsilon: 0.01,
        scale: false,
      });
      expect(layer.betaRegularizer!.getConfig()).toEqual({ l1: 0, l2: 0.5 });
      expect(layer.betaConstraint!.getConfig()).toEqual({ maxValue: 3, axis: 0 });
      layer.build([null, 2]);
      expect(weightsOf(layer)[0]).toEqual([2, 2]);
    });

    test('of tf-keras is taken with renorm, ghost batches and a list of axes', () => {
      const layer = fromConfig({
        ...{ name: 'bn', dtype: 'float32', trainable: true, axis: [1, 2], momentum: 0.99, epsilon: 0.001 },
        ...{ renorm: true, renorm_clipping: { rmax: 3, rmin: 0.3, dmax: 5 }, renorm_momentum: 0.9 },
        ...{ virtual_batch_size: 4, batch_input_shape: [null, 2, 3, 4] },
      });
      expect(layer).toMatchObject({
        ...{ axis: [1, 2], renorm: true, renormClipping: { rmax: 3, rmin: 0.3, dmax: 5 } },
        ...{ renormMomentum: 0.9, virtualBatchSize: 4, batchInputShape: [null, 2, 3, 4] },
      });
    });

    test.each(['float16', 'bfloat16', 'mixed_float16', 'mixed_bfloat16', 'float64'])(
      'of %s computes in float32 and says so',
      (dtype) => {
        const policies = [dtype, { class_name: 'Policy', config: { name: dtype } }];
        for (const policy of policies) {
          expect(fromConfig({ name: 'bn', dtype: policy }).dtype).toBe('float32');
          expect(takeWarnings()).toEqual([
            `BatchNormalization 'bn': TF.js has no ${dtype}; the layer computes in float32.`,
          ]);
        }
      },
    );

    test.each([
      ['something_new', 1],
      ['somethingNew', 'x'],
      ['adjustment', 'f'],
      ['weights', [1]],
    ])('with %s, which means nothing here, loads with a warning that names it', (key, value) => {
      const layer = fromConfig({ name: 'bn', momentum: 0.3, [key]: value });
      expect(layer.momentum).toBe(0.3);
      expect(takeWarnings()).toEqual([
        `BatchNormalization 'bn': its configuration has ['${key}'], which mean nothing here and were dropped.`,
      ]);
    });

    test.each([
      ['synchronized', false],
      ['custom_objects', {}],
      ['autocast', true],
      ['somethingNew', null],
    ])('with %s: %o loads without a word', (key, value) => {
      expect(fromConfig({ name: 'bn', [key]: value })).toBeInstanceOf(BatchNormalization);
    });
  });

  describe('registerBatchNormalization', () => {
    const topology = {
      class_name: 'Sequential',
      config: {
        name: 'model',
        layers: [{ class_name: 'BatchNormalization', config: { name: 'bn', batch_input_shape: [null, 2] } }],
      },
    };
    const isOurs = async () => {
      const model = await tf.models.modelFromJSON({ modelTopology: topology });
      model.dispose();
      return model.layers[0] instanceof BatchNormalization;
    };

    test('makes TF.js build this layer until it is undone', async () => {
      expect(await isOurs()).toBe(false);
      const undo = registerBatchNormalization();
      expect(await isOurs()).toBe(true);
      undo();
      expect(await isOurs()).toBe(false);
      undo();
      expect(await isOurs()).toBe(false);
    });

    test.each(['the last first', 'the first first'])('may be called twice and undone, %s', async (order) => {
      const undos = [registerBatchNormalization(), registerBatchNormalization()];
      expect(await isOurs()).toBe(true);
      const [first, last] = order === 'the last first' ? undos.reverse() : undos;
      first!();
      expect(await isOurs()).toBe(true);
      // Undone twice is undone once: it takes nothing from the other.
      first!();
      expect(await isOurs()).toBe(true);
      last!();
      expect(await isOurs()).toBe(false);
    });

    test('leaves a class alone that somebody registered since', () => {
      const { classNameMap } = tf.serialization.SerializationMap.getMap();
      const stock = classNameMap.BatchNormalization![0];
      const undo = registerBatchNormalization();
      class Other extends BatchNormalization {}
      tf.serialization.registerClass(Other);
      undo();
      expect(classNameMap.BatchNormalization![0]).toBe(Other);
      tf.serialization.registerClass(stock);
    });
  });
});
