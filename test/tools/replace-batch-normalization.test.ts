/** @file TF.js' own layers become ours, and nothing else about a model changes. */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { replaceBatchNormalization } from 'evenkeel/tools';
import { describe, expect, test } from 'vitest';
import { layersOf } from '../../src/model/graph.js';
import { describeBackends, takeWarnings } from '../backends.js';
import { compile, draw, fit, saveAndLoad, train } from '../models/models.js';
import { apply, distance, functional, predict, snapshot, spoil } from './networks.js';

const { layers } = tf;
const stock = (name: string, args = {}) => layers.batchNormalization({ name, ...args });

/** A shared one, a nested one, one in TimeDistributed, and one that is ours already. */
function network() {
  const inner = tf.sequential({
    name: 'inner',
    layers: [layers.dense({ units: 3, inputShape: [2, 3] }), stock('nested')],
  });
  const shared = stock('shared', { momentum: 0.5, epsilon: 0.01, center: true, betaRegularizer: 'l1l2' });
  return spoil(
    functional([2, 3], (x) => {
      const steps = layers.timeDistributed({ layer: stock('inside'), name: 'steps' });
      const wrapped = apply(steps, apply(shared, apply(shared, x)));
      return apply(layerBatchNormalization({ name: 'ours', renorm: true }), apply(inner, wrapped));
    }),
  );
}
const isOurs = (model: tf.LayersModel) =>
  Object.fromEntries(
    layersOf(model)
      .filter(({ layer }) => layer.getClassName() === 'BatchNormalization')
      .map(({ path, layer }) => [path, layer instanceof BatchNormalization]),
  );

describeBackends(() => {
  test('replaces each, at any depth, with its name, settings and weights', () => {
    const model = network();
    model.getLayer('shared').trainable = false;
    const [before, weights] = [predict(model), snapshot(model)];
    const { model: ours, replaced } = replaceBatchNormalization(model);
    expect(replaced).toEqual(['shared', 'steps/inside', 'inner/nested']);
    expect(isOurs(ours)).toEqual({ shared: true, 'steps/inside': true, 'inner/nested': true, ours: true });
    expect(isOurs(model)).toMatchObject({ shared: false, 'inner/nested': false });
    expect(distance(predict(ours), before)).toBeLessThan(1e-6);
    expect(snapshot(ours).map(([, values]) => values)).toEqual(weights.map(([, values]) => values));
    const shared: tf.layers.Layer = ours.getLayer('shared');
    if (!(shared instanceof BatchNormalization)) throw new Error('It is not ours.');
    expect([shared.momentum, shared.epsilon, shared.trainable, shared.inboundNodes.length]).toEqual([
      0.5,
      0.01,
      false,
      2,
    ]);
    expect(ours.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
  });

  test('shares nothing: training one leaves the other alone, disposing both leaves nothing', async () => {
    const before = tf.memory().numTensors;
    const make = () =>
      tf.sequential({
        layers: [layers.dense({ units: 3, inputShape: [3] }), stock('bn'), layers.dense({ units: 1 })],
      });
    const model = make();
    const { model: ours } = replaceBatchNormalization(model);
    const weights = snapshot(model);
    expect(ours.optimizer, 'it is not compiled').toBeUndefined();
    compile(ours);
    const [x, y] = [draw([8, 3], 1), draw([8, 1], 2)];
    await train(ours, x, y);
    tf.dispose([x, y]);
    expect(snapshot(model)).toEqual(weights);
    ours.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
    takeWarnings();
  });

  test('what it makes can be saved, and trains without a scale, which the stock layer cannot', async () => {
    const model = tf.sequential({
      layers: [stock('bn', { scale: false, inputShape: [3] }), layers.dense({ units: 1 })],
    });
    compile(model);
    await expect(fit(model)).rejects.toThrow(TypeError);
    const { model: ours } = replaceBatchNormalization(model);
    compile(ours);
    await fit(ours);
    expect(distance(predict(await saveAndLoad(ours)), predict(ours))).toBeLessThan(1e-6);
  });

  test('names a layer that cannot be made again, and leaves nothing behind', () => {
    class Unknown extends layers.Layer {
      static readonly className = 'Unknown';
      constructor(private readonly size?: number) {
        super({});
        if (size === undefined) throw new Error('size is missing.');
      }
      override call(inputs: tf.Tensor[]) {
        return tf.mul(inputs[0]!, this.size!);
      }
      override getConfig() {
        return {};
      }
      static override fromConfig<T extends tf.serialization.Serializable>(
        cls: tf.serialization.SerializableConstructor<T>,
      ): T {
        return new cls();
      }
    }
    const model = tf.sequential({ layers: [stock('bn', { inputShape: [3] }), new Unknown(3)] });
    const before = tf.memory().numTensors;
    expect(() => replaceBatchNormalization(model)).toThrow(
      /of class Unknown cannot be made again.*size is missing/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test('leaves a single weight frozen that was', () => {
    const model = tf.sequential({
      layers: [layers.dense({ units: 3, inputShape: [3], name: 'dense' }), stock('bn')],
    });
    model.getLayer('dense').weights[0]!.trainable = false;
    const { model: ours } = replaceBatchNormalization(model);
    expect(ours.getLayer('dense').nonTrainableWeights.map(({ originalName }) => originalName)).toEqual([
      'dense/kernel',
    ]);
  });

  describe('synchronized', () => {
    const synchronizedOf = (model: tf.LayersModel) =>
      Object.fromEntries(
        layersOf(model).flatMap(({ path, layer }) =>
          layer instanceof BatchNormalization ? [[path, layer.synchronized]] : [],
        ),
      );
    const ALL = ['shared', 'steps/inside', 'inner/nested', 'ours'];
    const each = (value: boolean) => Object.fromEntries(ALL.map((path) => [path, value]));

    test('true synchronizes stock layers and ours, false undoes it, and nothing keeps it as it is', () => {
      const model = network();
      const [before, weights] = [predict(model), snapshot(model)];
      const { model: joint, replaced } = replaceBatchNormalization(model, { synchronized: true });
      expect(replaced).toEqual(ALL);
      expect(synchronizedOf(joint)).toEqual(each(true));
      expect(distance(predict(joint), before)).toBeLessThan(1e-6);
      expect(snapshot(joint).map(([, values]) => values)).toEqual(weights.map(([, values]) => values));
      expect(joint.getLayer('ours')).toMatchObject({ renorm: true });

      expect(replaceBatchNormalization(joint, { synchronized: true }).replaced).toEqual([]);
      const kept = replaceBatchNormalization(joint);
      expect([kept.replaced, synchronizedOf(kept.model)]).toEqual([[], each(true)]);
      const alone = replaceBatchNormalization(joint, { synchronized: false });
      expect([alone.replaced, synchronizedOf(alone.model)]).toEqual([ALL, each(false)]);
      expect(distance(predict(alone.model), before)).toBeLessThan(1e-6);
      expect(synchronizedOf(replaceBatchNormalization(model, { synchronized: null }).model)).toEqual(
        each(false),
      );
    });

    test('keeps a class of the user’s, and freezes what was frozen', () => {
      class Own extends BatchNormalization {}
      const own = new Own({ name: 'own', inputShape: [3] });
      const model = tf.sequential({ layers: [own] });
      own.trainable = false;
      const layer = replaceBatchNormalization(model, { synchronized: true }).model.layers[0]!;
      expect(layer).toBeInstanceOf(Own);
      expect(layer).toMatchObject({ synchronized: true, trainable: false });
    });

    test('refuses all layers by name that have moments of their own, before it makes anything', () => {
      const inner = tf.sequential({
        name: 'inner',
        layers: [layerBatchNormalization({ name: 'ghosts', virtualBatchSize: 2, inputShape: [2, 2, 3] })],
      });
      const model = tf.sequential({
        layers: [
          layerBatchNormalization({ name: 'fused', fused: true, inputShape: [2, 2, 3] }),
          inner,
          stock('bn'),
        ],
      });
      const before = tf.memory().numTensors;
      expect(() => replaceBatchNormalization(model, { synchronized: true })).toThrow(
        "synchronized: true cannot be combined with what layers of the model say: 'fused' has fused: true, " +
          "'inner/ghosts' has virtualBatchSize: 2. Make them without it, or leave synchronized out.",
      );
      expect(tf.memory().numTensors).toBe(before);
      expect(replaceBatchNormalization(model, { synchronized: false }).replaced).toEqual(['bn']);
    });

    test('that is no boolean is refused', () => {
      expect(() => replaceBatchNormalization(network(), { synchronized: 1 as never })).toThrow(
        'synchronized: expected true or false, received 1.',
      );
    });
  });
});
