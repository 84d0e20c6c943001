/** @file Regularizers and constraints of gamma and beta while a model trains, under every optimizer of TF.js. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, registerBatchNormalization, type BatchNormalizationArgs } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { compile, draw, fit, OPTIMIZERS, saveAndLoad, train, weightsOf } from './models.js';

const norm = (values: number[]) => Math.hypot(...values);
const sum = (values: number[], f: (value: number) => number) =>
  values.reduce((total, value) => total + f(value), 0);

/** Each constraint in a form of its own, and whether values keep it. Float32 rounds norms. */
const CONSTRAINTS: Record<
  string,
  [BatchNormalizationArgs['gammaConstraint'], (values: number[]) => boolean]
> = {
  nonNeg: ['nonNeg', (values) => values.every((value) => value >= 0)],
  maxNorm: [tf.constraints.maxNorm({ maxValue: 0.5, axis: 0 }), (values) => norm(values) <= 0.5001],
  unitNorm: [{ className: 'UnitNorm', config: { axis: 0 } }, (values) => Math.abs(norm(values) - 1) < 1e-4],
  minMaxNorm: [
    { class_name: 'MinMaxNorm', config: { min_value: 0.2, max_value: 0.4, rate: 1, axis: 0 } },
    (values) => norm(values) >= 0.1999 && norm(values) <= 0.4001,
  ],
};

describeBackends(() => {
  const modelOf = (args: BatchNormalizationArgs) => {
    const layer = layerBatchNormalization({ ...args, inputShape: [3] });
    return { layer, model: tf.sequential({ layers: [layer] }) };
  };

  describe.each(Object.keys(OPTIMIZERS))('under %s', (name) => {
    test.each(Object.entries(CONSTRAINTS))('%s holds after every step', async (_, [constraint, isKept]) => {
      const { layer, model } = modelOf({ gammaConstraint: constraint, betaConstraint: constraint });
      compile(model, OPTIMIZERS[name]!());
      // Away from what is allowed: gamma below 0, beta far off.
      const x = draw([8, 3], 1);
      const y = tf.add(tf.mul(x, -30), [-50, 20, -70]);
      const before = weightsOf(layer);
      for (let step = 0; step < 3; step++) {
        await train(model, x, y);
        expect(weightsOf(layer).slice(0, 2).map(isKept)).toEqual([true, true]);
      }
      expect(weightsOf(layer)).not.toEqual(before);
    });
  });

  test('a constraint of one parameter leaves the other alone', async () => {
    const { layer, model } = modelOf({ betaConstraint: 'nonNeg' });
    compile(model, tf.train.sgd(1));
    const x = draw([8, 3], 1);
    await train(model, x, tf.sub(tf.mul(x, -30), 50));
    const [gamma, beta] = weightsOf(layer);
    expect(gamma!.every((value) => value < 0)).toBe(true);
    expect(beta).toEqual([0, 0, 0]);
  });

  test('a constraint does not touch initial values, nor a frozen layer', async () => {
    const args = { betaConstraint: 'nonNeg', betaInitializer: tf.initializers.constant({ value: -1 }) };
    const { layer, model } = modelOf({ ...args, trainable: false });
    expect(weightsOf(layer)[1]).toEqual([-1, -1, -1]);
    const whole = tf.sequential({ layers: [model, tf.layers.dense({ units: 1 })] });
    compile(whole);
    await fit(whole);
    expect(weightsOf(layer)[1]).toEqual([-1, -1, -1]);
  });

  test('values that are set, given or loaded stay exactly as they are, constraint or not', async () => {
    const given = [
      [-1, 2, -3],
      [-4, 5, 6],
      [7, 8, 9],
      [1, 2, 3],
    ];
    const constraint = {
      gammaConstraint: 'nonNeg',
      betaConstraint: tf.constraints.maxNorm({ maxValue: 1, axis: 0 }),
    };
    const { layer, model } = modelOf({ ...constraint, weights: given });
    expect(weightsOf(layer)).toEqual(given);
    layer.setWeights(given.map((values) => tf.neg(values)));
    expect(weightsOf(layer)).toEqual(given.map((values) => values.map((value) => -value)));
    model.setWeights(given.map((values) => tf.tensor1d(values)));
    expect(weightsOf(layer)).toEqual(given);
    const undo = registerBatchNormalization();
    const loaded = await saveAndLoad(model);
    undo();
    expect(weightsOf(loaded.layers[0]!)).toEqual(given);
    // And they hold again from the next step on.
    compile(loaded, tf.train.sgd(1e-9));
    await fit(loaded);
    expect(weightsOf(loaded.layers[0]!)[0]).toEqual([0, 2, 0]);
  });

  describe('a penalty', () => {
    // What each form asks for: its weight of |w| and of w².
    const FORMS: [string, BatchNormalizationArgs['gammaRegularizer'], [number, number]][] = [
      ["'l1'", 'l1', [0.01, 0]],
      ["'l2'", 'l2', [0, 0.01]],
      ["'L2'", 'L2', [0, 0.01]],
      ["'l1l2'", 'l1l2', [0.01, 0.01]],
      ["'l1_l2'", 'l1_l2', [0.01, 0.01]],
      ['l1({ l1: 0.5 })', tf.regularizers.l1({ l1: 0.5 }), [0.5, 0]],
      ['l2({ l2: 0.5 })', tf.regularizers.l2({ l2: 0.5 }), [0, 0.5]],
      ['l1l2({ l1: 0.1, l2: 0.2 })', tf.regularizers.l1l2({ l1: 0.1, l2: 0.2 }), [0.1, 0.2]],
      ['a configuration of TF.js', { className: 'L1L2', config: { l1: 0.3, l2: 0 } }, [0.3, 0]],
      ['a configuration of Keras', { class_name: 'L2', config: { l2: 0.3 } }, [0, 0.3]],
    ];

    test.each(FORMS)('given as %s adds to the loss and to the gradients', async (_, form, [l1, l2]) => {
      const weights = [
        [2, -3, 0.5],
        [-0.25, 0, 4],
        [0, 0, 0],
        [1, 1, 1],
      ];
      const plain = modelOf({ weights });
      const penalized = modelOf({ weights, gammaRegularizer: form, betaRegularizer: form });
      const losses: number[] = [];
      for (const { model } of [plain, penalized]) {
        compile(model, tf.train.sgd(0.1));
        losses.push((await fit(model))[0]!);
      }
      const penalty = (values: number[]) => sum(values, (w) => l1 * Math.abs(w) + l2 * w * w);
      expect(losses[1]! - losses[0]!).toBeCloseTo(penalty(weights[0]!) + penalty(weights[1]!), 3);
      [0, 1].forEach((i) => {
        const pull = weights[i]!.map((w) => l1 * Math.sign(w) + 2 * l2 * w);
        weightsOf(penalized.layer)[i]!.forEach((value, j) => {
          expect(value).toBeCloseTo(weightsOf(plain.layer)[i]![j]! - 0.1 * pull[j]!, 5);
        });
      });
    });

    test.each(Object.keys(OPTIMIZERS))('on |w| leaves what is 0 where it is under %s', async (name) => {
      const { layer, model } = modelOf({
        betaRegularizer: 'l1',
        gammaInitializer: 'zeros',
        gammaRegularizer: 'l1',
      });
      compile(model, OPTIMIZERS[name]!());
      // gamma 0 and beta 0 give 0, which is what is asked for: the penalty is the only force.
      await train(model, draw([8, 3], 1), tf.zeros([8, 3]), 3);
      expect(weightsOf(layer).slice(0, 2)).toEqual([
        [0, 0, 0],
        [0, 0, 0],
      ]);
    });

    test('of a registered class of the user works as it is', async () => {
      class Cubed extends tf.serialization.Serializable {
        static readonly className = 'Cubed';
        apply(w: tf.Tensor) {
          return tf.sum<tf.Scalar>(tf.pow(w, 3));
        }
        getConfig() {
          return {};
        }
      }
      tf.serialization.registerClass(Cubed);
      const weights = [
        [2, 1, 1],
        [0, 0, 0],
        [0, 0, 0],
        [1, 1, 1],
      ];
      const plain = modelOf({ weights });
      const penalized = modelOf({ weights, gammaRegularizer: { className: 'Cubed', config: {} } });
      const losses: number[] = [];
      for (const { model } of [plain, penalized]) {
        compile(model, tf.train.sgd(0.1));
        losses.push((await fit(model))[0]!);
      }
      expect(losses[1]! - losses[0]!).toBeCloseTo(10, 4);
      expect(weightsOf(penalized.layer)[0]![0]).toBeCloseTo(weightsOf(plain.layer)[0]![0]! - 0.1 * 12, 4);
    });
  });
});
