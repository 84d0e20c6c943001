/** @file A frozen layer stays as it is, however it was frozen and wherever it stands; an unfrozen one trains again. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, registerBatchNormalization, type BatchNormalizationArgs } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { compile, draw, fit, OPTIMIZERS, save, saveAndLoad, train, valuesOf, weightsOf } from './models.js';

type Layer = tf.layers.Layer;

/** Containers with a layer in them that is to be frozen. */
const BASES: Record<string, (layer: Layer) => tf.LayersModel> = {
  'a sequential base': (layer) =>
    tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [3] }), layer] }),
  'a functional base': (layer) => {
    const input = tf.input({ shape: [3] });
    const hidden = tf.layers.dense({ units: 3 }).apply(input);
    return tf.model({ inputs: input, outputs: layer.apply(hidden) as tf.SymbolicTensor });
  },
  'a base that begins with the layer': (layer) => {
    const input = tf.input({ shape: [3] });
    return tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
  },
};

/** Models with the base in them. */
const PLACES: Record<string, (base: tf.LayersModel) => tf.LayersModel> = {
  'first in a sequential model': (base) => tf.sequential({ layers: [base, tf.layers.dense({ units: 2 })] }),
  'later in a sequential model': (base) =>
    tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [5] }), base, tf.layers.dense({ units: 2 })],
    }),
  'in a functional model': (base) => {
    const input = tf.input({ shape: [3] });
    const output = tf.layers.dense({ units: 2 }).apply(base.apply(input)) as tf.SymbolicTensor;
    return tf.model({ inputs: input, outputs: output });
  },
};

/** Which weights differ. */
const moved = (layer: Layer, before: number[][]) =>
  weightsOf(layer).map((values, i) => values.join() !== before[i]!.join());
/** TF.js' warning that the trainable weights changed since `compile`. */
const isAdviceToCompile = (warning: string) => warning.includes('Discrepancy between trainableweights');
const NONE = [false, false, false, false];
const ALL = [true, true, true, true];

describeBackends(() => {
  const inModel = (args: BatchNormalizationArgs = {}) => {
    const layer = layerBatchNormalization({ ...args, inputShape: [3] });
    return { layer, model: tf.sequential({ layers: [layer, tf.layers.dense({ units: 2 })] }) };
  };
  /** Trains once and says what of the layer moved. */
  const step = async (layer: Layer, model: tf.LayersModel) => {
    const before = weightsOf(layer);
    await fit(model);
    return moved(layer, before);
  };

  test.each(Object.keys(OPTIMIZERS))(
    'is left alone by %s, and trained once it is no longer frozen',
    async (name) => {
      const { layer, model } = inModel();
      layer.trainable = false;
      compile(model, OPTIMIZERS[name]!());
      expect(await step(layer, model)).toEqual(NONE);
      layer.trainable = true;
      compile(model, OPTIMIZERS[name]!());
      expect(await step(layer, model)).toEqual(ALL);
      // Momentum and the like have seen gradients by now.
      layer.trainable = false;
      compile(model, OPTIMIZERS[name]!());
      expect(await step(layer, model)).toEqual(NONE);
    },
  );

  test.each([
    ['renorm', { renorm: true }],
    ['ghost batches', { virtualBatchSize: 2 }],
    ['fused: false', { fused: false }],
    ['no gamma', { scale: false }],
    ['neither gamma nor beta', { scale: false, center: false }],
  ])('keeps every statistic of a frozen layer with %s', async (_, args) => {
    const { layer, model } = inModel({ ...args, trainable: false });
    compile(model);
    const before = weightsOf(layer);
    expect(await step(layer, model)).toEqual(before.map(() => false));
    layer.trainable = true;
    compile(model);
    expect(await step(layer, model)).toEqual(before.map(() => true));
  });

  test('holds from the next step on when it comes after compile', async () => {
    const { layer, model } = inModel();
    compile(model);
    expect(await step(layer, model)).toEqual(ALL);
    layer.trainable = false;
    expect(await step(layer, model)).toEqual(NONE);
    layer.trainable = true;
    expect(await step(layer, model)).toEqual(ALL);
    expect(takeWarnings().filter((warning) => !isAdviceToCompile(warning))).toEqual([]);
  });

  test('makes the layer infer in training', () => {
    const { layer } = inModel();
    const x = draw([4, 3], 5);
    layer.apply(x, { training: true });
    const inferred = valuesOf(layer.apply(x) as tf.Tensor);
    layer.trainable = false;
    expect(valuesOf(layer.apply(x, { training: true }) as tf.Tensor)).toEqual(inferred);
  });

  test('gives the rest of the model the gradients of inference', async () => {
    // With moving statistics 0 and 1, gamma 1 and beta 0, a frozen layer divides by √(1 + epsilon).
    const { layer, model } = inModel({ trainable: false });
    const plain = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    compile(model);
    compile(plain);
    plain.setWeights(model.layers[1]!.getWeights());
    const [x, y] = [draw([8, 3], 1), draw([8, 2], 2)];
    await train(model, x, y, 3);
    await train(plain, tf.div(x, Math.sqrt(1.001)), y, 3);
    const [got, want] = [weightsOf(model.layers[1]!).flat(), weightsOf(plain.layers[0]!).flat()];
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i]!, 5);
    });
    expect(layer.trainable).toBe(false);
  });

  describe.each(Object.entries(BASES))('of %s', (_base, makeBase) => {
    describe.each(Object.entries(PLACES))('%s', (_place, placeBase) => {
      const make = () => {
        const layer = layerBatchNormalization();
        const base = makeBase(layer);
        return { layer, base, model: placeBase(base) };
      };

      test('holds through compile, predict, summary and save, and ends with unfreezing', async () => {
        const { layer, base, model } = make();
        base.trainable = false;
        compile(model);
        expect(await step(layer, model), 'compiled once').toEqual(NONE);
        compile(model, 'adam');
        expect(await step(layer, model), 'compiled again').toEqual(NONE);
        tf.dispose(model.predict(draw([2, model.inputs[0]!.shape[1]!], 1)));
        model.summary(undefined, undefined, () => undefined);
        await save(model);
        expect(await step(layer, model), 'after predict, summary and save').toEqual(NONE);
        compile(model);
        expect(await step(layer, model), 'compiled after them').toEqual(NONE);
        base.trainable = true;
        compile(model);
        expect(await step(layer, model), 'unfrozen').toEqual(ALL);
        // Saving a sequential base in a sequential model makes TF.js say so, with its own layer too.
        expect(takeWarnings().filter((warning) => !isAdviceToCompile(warning))).toEqual([]);
      });

      test('holds when it comes after training', async () => {
        const { layer, base, model } = make();
        compile(model);
        expect(await step(layer, model)).toEqual(ALL);
        base.trainable = false;
        compile(model);
        expect(await step(layer, model)).toEqual(NONE);
        base.trainable = true;
        compile(model);
        expect(await step(layer, model)).toEqual(ALL);
        base.trainable = false;
        compile(model);
        expect(await step(layer, model)).toEqual(NONE);
      });

      test('holds when the model is saved and loaded, and ends with unfreezing there', async () => {
        const { layer, base, model } = make();
        base.trainable = false;
        const undo = registerBatchNormalization();
        const loaded = await saveAndLoad(model);
        undo();
        const loadedBase = loaded.getLayer(base.name);
        if (!(loadedBase instanceof tf.LayersModel)) throw new Error('The base is no model.');
        const loadedLayer = loadedBase.getLayer(layer.name);
        compile(loaded);
        expect(await step(loadedLayer, loaded)).toEqual(NONE);
        loadedBase.trainable = true;
        compile(loaded);
        expect(await step(loadedLayer, loaded)).toEqual(ALL);
      });

      test('may be undone before a single step', async () => {
        const { layer, base, model } = make();
        base.trainable = false;
        compile(model);
        base.trainable = true;
        compile(model);
        expect(await step(layer, model)).toEqual(ALL);
      });

      test('is not needed to freeze the layer alone', async () => {
        const { layer, base, model } = make();
        layer.trainable = false;
        compile(model);
        expect(await step(layer, model)).toEqual(NONE);
        layer.trainable = true;
        compile(model);
        expect(await step(layer, model)).toEqual(ALL);
        expect(base.trainable).toBe(true);
      });
    });
  });

  test('of a whole model by model.trainable leaves it as it is', async () => {
    const { layer, model } = inModel();
    const head = tf.layers.dense({ units: 1 });
    const outer = tf.sequential({ layers: [model, head] });
    model.trainable = false;
    compile(outer);
    expect(await step(layer, outer)).toEqual(NONE);
  });

  test('can be frozen after another model could not be compiled', async () => {
    const broken = tf.sequential();
    expect(() => {
      broken.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    }).toThrow();
    const { layer, model } = inModel();
    const outer = tf.sequential({ layers: [model, tf.layers.dense({ units: 1 })] });
    model.trainable = false;
    compile(outer);
    expect(layer.trainable).toBe(false);
    expect(await step(layer, outer)).toEqual(NONE);
  });
});
