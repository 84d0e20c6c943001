/** @file First derivatives of the layer against the core, where drawn experiments might not look. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, type BatchNormalizationArgs } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import {
  compareWithCore,
  disagreements,
  type Experiment,
  floats,
  toTensor,
} from '../properties/layer-and-core.js';

const weightsOf = (layer: tf.layers.Layer) =>
  layer.weights.map((weight) => Array.from(weight.read().dataSync()));

describeBackends(() => {
  const agrees = (experiment: Experiment) => {
    expect(disagreements(compareWithCore(experiment))).toEqual({});
  };
  const step = { training: true, steps: 2, seed: 11 };

  describe('of an adjustment that is computed from variables', () => {
    const shape = [4, 3, 2];
    const forms = [
      [],
      [1],
      [2],
      [1, 2],
      [3, 1],
      [3, 2],
      [1, 1, 1],
      [4, 1, 1],
      [1, 3, 1],
      [4, 1, 2],
      [4, 3, 2],
    ];
    test.each(forms.map((form) => [form]))('scale and bias of shape [%s]', (form) => {
      for (const options of [{}, { axis: 1 }, { axis: [0, 2] }, { renorm: true }]) {
        agrees({ ...step, shape, options, adjustment: [form, form] });
        agrees({ ...step, shape, options, adjustment: [form, [2]] });
      }
    });

    test('goes with a mask', () => {
      const mask = { shape: [4, 1], values: [1, 0, 0.5, 2], dtype: 'float32' as const };
      agrees({
        ...step,
        shape,
        options: {},
        adjustment: [
          [4, 1, 1],
          [3, 1],
        ],
        mask,
      });
    });

    test('is not called in inference, nor where the layer is frozen, nor for an empty batch', () => {
      const adjustment = () => {
        throw new Error('called');
      };
      const layer = layerBatchNormalization({ adjustment });
      layer.apply(tf.ones([2, 3]));
      layer.apply(tf.ones([0, 3]), { training: true });
      expect(() => layer.apply(tf.ones([2, 3]), { training: true })).toThrow('called');
      layer.trainable = false;
      layer.apply(tf.ones([2, 3]), { training: true });
    });

    test('reads the variables at every step', () => {
      const scale = tf.variable(tf.scalar(2));
      const layer = layerBatchNormalization({ adjustment: () => [scale, tf.mul(scale, 10)] });
      const x = tf.tensor2d([[-1], [1]]);
      const mean = () => tf.mean(layer.apply(x, { training: true }) as tf.Tensor).dataSync()[0];
      expect(mean()).toBeCloseTo(20, 4);
      scale.assign(tf.scalar(-3));
      expect(mean()).toBeCloseTo(-30, 4);
      layer.dispose();
      scale.dispose();
    });
  });

  describe('of inference', () => {
    const cases: [number[], number | number[]][] = [
      [[5, 3], -1],
      [[5, 3], 0],
      [[4, 2, 3], 1],
      [[2, 3, 4, 5], 1],
      [[2, 3, 4, 5], 3],
      [
        [2, 3, 4, 5],
        [1, 3],
      ],
      [[2, 3, 2, 2, 4], 4],
      [[2, 3, 2, 2, 4], 1],
      [
        [2, 3, 2, 2, 2, 3],
        [0, 5],
      ],
    ];
    test.each(cases)('of inputs of shape [%s] along axis %s', (shape, axis) => {
      for (const fused of [null, false]) {
        for (const [center, scale] of [
          [true, true],
          [false, true],
          [true, false],
          [false, false],
        ] as const) {
          agrees({ shape, options: { axis, fused, center, scale }, training: false, seed: 5 });
          agrees({
            shape,
            options: { axis, fused, center, scale },
            training: true,
            trainable: false,
            seed: 5,
          });
        }
      }
    });
  });

  describe('of inputs that are not float32', () => {
    test.each(['int32', 'bool'] as const)('gives gamma and beta their gradients for %s', (dtype) => {
      for (const training of [true, false]) {
        agrees({ shape: [6, 3], options: {}, dtype, training, seed: 8 });
        agrees({ shape: [2, 3, 2, 2], options: { axis: 1 }, dtype, training, seed: 8 });
      }
    });

    test.each(['int32', 'bool'] as const)(
      'gives a float32 output and keeps float32 weights for %s',
      (dtype) => {
        const layer = layerBatchNormalization({ dtype, inputShape: [2] });
        const model = tf.sequential({ layers: [layer] });
        expect(model.inputs[0]!.dtype).toBe(dtype);
        const x = tf.tensor2d(
          [
            [1, 0],
            [0, 1],
          ],
          undefined,
          dtype,
        );
        expect((model.predict(x) as tf.Tensor).dtype).toBe('float32');
        expect((layer.apply(x, { training: true }) as tf.Tensor).dtype).toBe('float32');
        expect(layer.weights.map((weight) => weight.read().dtype)).toEqual(Array(4).fill('float32'));
      },
    );
  });

  describe('of one element per channel', () => {
    test.each([{ fused: null }, { fused: false }])('are 0 for x and gamma (%o)', ({ fused }) => {
      agrees({ ...step, shape: [1, 3], options: { fused } });
      agrees({ ...step, shape: [1, 1, 1, 3], options: { fused } });
      agrees({ ...step, shape: [2, 3], options: { fused, axis: [0, 1] } });
      agrees({ ...step, shape: [3, 2], options: { fused, virtualBatchSize: 1 } });
      const layer = layerBatchNormalization({ fused, weights: [[2], [3], [0], [1]] });
      layer.build([null, 1]);
      const { value, grads } = tf.valueAndGrads(
        (x: tf.Tensor) => layer.apply(x, { training: true }) as tf.Tensor,
      )([tf.tensor2d([[5]]), layer.gamma!.read(), layer.beta!.read()]);
      expect([value, ...grads].map((tensor) => tensor.dataSync()[0])).toEqual([3, 0, 0, 1]);
      // A variance of one element is 0, with or without Bessel's correction: n/(n − 1) is left out, as in Keras.
      expect(weightsOf(layer)[3]![0]).toBeCloseTo(0.99, 6);
    });
  });

  describe('of an empty batch', () => {
    const options: [string, BatchNormalizationArgs][] = [
      ['no options', {}],
      ['fused: false', { fused: false }],
      ['axis 1', { axis: 1 }],
      ['renorm', { renorm: true }],
      ['ghost batches', { virtualBatchSize: 4 }],
    ];
    test.each(options)('is empty, as is the output, and nothing moves: %s', (_, args) => {
      for (const sample of [[3], [3, 2, 4], [3, 2, 2, 4]]) {
        const layer = layerBatchNormalization(args);
        layer.build([null, ...sample]);
        const before = weightsOf(layer);
        for (const training of [true, false]) {
          const { value, grads } = tf.valueAndGrads(
            (x: tf.Tensor) => layer.apply(x, { training }) as tf.Tensor,
          )([tf.zeros([0, ...sample])]);
          expect([value.shape, value.dtype, grads[0]!.shape]).toEqual([
            [0, ...sample],
            'float32',
            [0, ...sample],
          ]);
        }
        expect(weightsOf(layer)).toEqual(before);
      }
    });

    test.each(options)('gives gamma and beta gradients of 0, so that a model trains on: %s', (_, args) => {
      const layer = layerBatchNormalization(args);
      layer.build([null, 3]);
      const before = weightsOf(layer);
      const loss = () => tf.sum<tf.Scalar>(layer.apply(tf.zeros([0, 3]), { training: true }) as tf.Tensor);
      for (let i = 0; i < 2; i++) tf.train.sgd(0.1).minimize(loss);
      const { grads } = tf.variableGrads(loss);
      expect(Object.values(grads).map((gradient) => [...gradient.dataSync()])).toEqual([
        [0, 0, 0],
        [0, 0, 0],
      ]);
      expect(weightsOf(layer)).toEqual(before);
    });

    test('is a case of no channels too', () => {
      agrees({ ...step, shape: [4, 0], options: {} });
      agrees({ shape: [4, 0, 2], options: { axis: 1 }, training: false, seed: 1 });
    });

    test('takes a mask of the same emptiness', () => {
      const layer = layerBatchNormalization();
      layer.build([null, 5, 3]);
      const y = layer.apply(tf.zeros([0, 5, 3]), { training: true, mask: tf.zeros([0, 5], 'bool') });
      expect((y as tf.Tensor).shape).toEqual([0, 5, 3]);
    });
  });

  describe('with renorm', () => {
    test('clipping follows variables that are scheduled from outside', () => {
      const limits = {
        rmax: tf.variable(tf.scalar(1)),
        rmin: tf.variable(tf.scalar(1)),
        dmax: tf.variable(tf.tensor1d([0])),
      };
      const layer = layerBatchNormalization({ renorm: true, renormClipping: limits });
      layer.build([null, 3]);
      const x = toTensor(
        floats(12, 4).map((value) => 4 * value + 1),
        [4, 3],
      );
      const outputs = new Set<string>();
      for (const [rmax, rmin, dmax] of [
        [1, 1, 0],
        [1.5, 0.8, 0.5],
        [3, 0.3, 5],
        [100, 0, 100],
      ] as const) {
        limits.rmax.assign(tf.scalar(rmax));
        limits.rmin.assign(tf.scalar(rmin));
        limits.dmax.assign(tf.tensor1d([dmax]));
        const other = layerBatchNormalization({
          ...{ renorm: true, renormClipping: { rmax, rmin, dmax } },
          weights: layer.getWeights(),
        });
        other.build([null, 3]);
        const [got, want] = [layer, other].map((each) =>
          tf.valueAndGrads((t: tf.Tensor) => tf.square(each.apply(t, { training: true }) as tf.Tensor))([x]),
        );
        expect(got!.value.dataSync()).toEqual(want!.value.dataSync());
        expect(got!.grads[0]!.dataSync()).toEqual(want!.grads[0]!.dataSync());
        expect(weightsOf(layer)).toEqual(weightsOf(other));
        outputs.add(got!.value.dataSync().join());
      }
      expect(outputs.size, 'each schedule gives another output').toBe(4);
    });

    test('the variables of a schedule get no gradient, or 0', () => {
      const rmax = tf.variable(tf.scalar(1.1));
      const layer = layerBatchNormalization({ renorm: true, renormClipping: { rmax } });
      layer.build([null, 2]);
      const x = toTensor(
        floats(8, 3).map((value) => 9 * value),
        [4, 2],
      );
      const { grads } = tf.variableGrads(() =>
        tf.sum<tf.Scalar>(tf.square(layer.apply(x, { training: true }) as tf.Tensor)),
      );
      expect(Object.keys(grads).filter((name) => name !== rmax.name)).toHaveLength(2);
      expect(grads[rmax.name]?.dataSync()[0] ?? 0).toBe(0);
    });

    test('limits may be replaced between steps', () => {
      const layer = layerBatchNormalization({ renorm: true });
      layer.build([null, 1]);
      const x = tf.tensor2d([[10], [30]]);
      const run = () =>
        tf.mean(layer.apply(x, { training: true, updateMovingStatistics: false }) as tf.Tensor).dataSync()[0];
      // d = (20 − 0) / 1
      expect(run()).toBeCloseTo(20, 4);
      layer.renormClipping = { dmax: 3 };
      expect(run()).toBeCloseTo(3, 4);
    });
  });

  test('are the same with updateMovingStatistics: false, which moves nothing', () => {
    const cases: Pick<Experiment, 'shape' | 'options'>[] = [
      { shape: [4, 3], options: {} },
      { shape: [2, 3, 2, 2], options: { axis: 1 } },
      { shape: [4, 3], options: { renorm: true } },
      { shape: [4, 3], options: { virtualBatchSize: 2, renorm: true } },
      { shape: [2, 3, 4], options: { axis: [1, 2], fused: false } },
    ];
    for (const one of cases) agrees({ ...one, ...step, updateMovingStatistics: false });
    const layer = layerBatchNormalization({ renorm: true });
    layer.build([null, 3]);
    const before = weightsOf(layer);
    layer.apply(toTensor(floats(9, 2), [3, 3]), { training: true, updateMovingStatistics: false });
    expect(weightsOf(layer)).toEqual(before);
    layer.apply(toTensor(floats(9, 2), [3, 3]), { training: true });
    expect(weightsOf(layer)).not.toEqual(before);
  });

  test('of gamma and beta come without one of x', () => {
    const layer = layerBatchNormalization();
    layer.build([null, 2]);
    const x = tf.tensor2d([
      [1, 2],
      [3, 6],
    ]);
    const [dgamma, dbeta] = tf.grads(() => layer.apply(x, { training: true }) as tf.Tensor)(
      layer.trainableWeights.map((weight) => weight.read()),
    );
    // x̂ is −1 and 1 but for epsilon, and sums to 0.
    expect(Array.from(dgamma!.dataSync(), Math.round)).toEqual([0, 0]);
    expect(Array.from(dbeta!.dataSync())).toEqual([2, 2]);
  });
});
