/**
 * @file What really runs: which kernels, how often, and how much memory they take, as `tf.profile` tells. Every golden
 * case goes through here, so that agreement with Keras is known to be the kernels'.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { LAYER_GROUPS, readCases } from '../golden/index.js';
import { FUSED, checkKernels, ourKernels } from './kernels-in-use.js';

const apply = (layer: BatchNormalization, x: tf.Tensor, call: object) => layer.apply(x, call) as tf.Tensor;

describeBackends(() => {
  for (const group of LAYER_GROUPS) {
    test.each(readCases(group))(
      `${group} runs on the kernels, unless fused is false: $name`,
      async (golden) => {
        await checkKernels(golden, FUSED);
      },
    );
  }

  const built = (args: BatchNormalizationArgs = {}) => {
    const layer = new BatchNormalization(args);
    layer.build([null, 3, 4]);
    return layer;
  };

  test('computes nothing of the gradient before it is asked for, and the sums once', async () => {
    const layer = built();
    const [gamma, beta] = [layer.gamma!.read(), layer.beta!.read()];
    const x = tf.randomNormal([5, 3, 4]);
    const call = { training: true };
    const { forward, backward } = FUSED.training;
    const [sums] = backward;
    const f = (input: tf.Tensor) => apply(layer, input, call);
    expect(await ourKernels(() => f(x))).toEqual(forward);
    expect(await ourKernels(() => tf.grads(f as never)([x, gamma, beta] as never))).toEqual([
      ...forward,
      ...backward,
    ]);
    const loss = () => tf.sum<tf.Scalar>(apply(layer, x, call));
    const [onlyGamma, both] = [[gamma], [gamma, beta]] as never[];
    expect(await ourKernels(() => tf.variableGrads(loss, onlyGamma).grads)).toEqual([...forward, sums]);
    expect(await ourKernels(() => tf.variableGrads(loss, both).grads)).toEqual([...forward, sums]);
  });

  test.each<BatchNormalizationArgs>([
    ...[{}, { axis: 1 }, { axis: [1, 2] }, { virtualBatchSize: 4 }, { renorm: true }],
    ...[{ center: false, scale: false }, { adjustment: () => [tf.ones([16]), 0] as const }],
  ])('takes no memory beyond y and dx but for numbers per channel: %o', async (args) => {
    const shape = [16, 32, 16];
    const layer = layerBatchNormalization(args);
    layer.build([null, ...shape.slice(1)]);
    const [x, dy] = [tf.randomNormal(shape), tf.randomNormal(shape)];
    const bytes = 4 * x.size;
    const before = tf.memory().numBytes;
    const { peakBytes } = await tf.profile(() =>
      tf.grad((input: tf.Tensor) => apply(layer, input, { training: true }))(x, dy),
    );
    // y, dx, and TF.js' own count of a saved x that shares its memory with x.
    expect(peakBytes - before).toBeLessThanOrEqual(3 * bytes + 64 * 512);
  });

  test('says what to do where the fused gradient is differentiated again', () => {
    const layer = built();
    const message =
      'The gradient of the fused batch normalization cannot be differentiated again. ' +
      'Use fused: false for second derivatives.';
    const x = tf.randomNormal([5, 3, 4]);
    const gamma = layer.gamma!.read();
    for (const training of [true, false]) {
      const y = (input: tf.Tensor) => apply(layer, input, { training });
      const dx = tf.grad((input: tf.Tensor) => tf.square(y(input)));
      expect(() => tf.grad((input: tf.Tensor) => tf.square(dx(input)))(x)).toThrow(message);
      const dgamma = (input: tf.Tensor) =>
        tf.grads((some: tf.Tensor) => tf.square(y(some)))([input, gamma] as never)[1]!;
      expect(() => tf.grad((input: tf.Tensor) => tf.square(dgamma(input)))(x)).toThrow(message);
      const penalty = () => tf.sum<tf.Scalar>(tf.square(dx(x)));
      expect(() => tf.variableGrads(penalty, [gamma] as never)).toThrow(message);
    }
  });

  describe('refuses a second derivative to which nothing but x leads,', () => {
    const message = 'Use fused: false for second derivatives.';
    const x = () => tf.tensor2d([[1], [3], [0.5]]);
    const c = () => tf.tensor2d([[1], [-2], [0.5]]);
    const layerOf = (args: BatchNormalizationArgs = {}) => {
      const layer = layerBatchNormalization(args);
      layer.build([null, 1]);
      return layer;
    };
    /** Σ(∂f/∂x)², where f = Σ c·y + Σ x³: the other term leads on, so that silence would be a wrong number. */
    const squaredGradient = (layer: BatchNormalization, call: object) => {
      const f = (t: tf.Tensor) => tf.add(tf.sum(tf.mul(apply(layer, t, call), c())), tf.sum(tf.pow(t, 3)));
      return (t: tf.Tensor) => tf.sum(tf.square(tf.grad(f)(t)));
    };

    test('which fused: false gives', () => {
      const exact = tf.grad(squaredGradient(layerOf({ fused: false }), { training: true }))(x());
      [27.621, 971.98, 12.86].forEach((value, i) => {
        expect(exact.dataSync()[i]).toBeCloseTo(value, 2);
      });
    });

    test.each<BatchNormalizationArgs>([{}, { center: false, scale: false }, { renorm: true }])(
      'directly: %o',
      (args) => {
        expect(() => tf.grad(squaredGradient(layerOf(args), { training: true }))(x())).toThrow(message);
      },
    );

    test('through what computes its input', () => {
      const layer = layerOf();
      const penalty = (scale: tf.Tensor) => squaredGradient(layer, { training: true })(tf.mul(x(), scale));
      expect(() => tf.grad(penalty)(tf.scalar(2))).toThrow(message);
    });

    test('where the layer ran outside of the inner gradient', () => {
      const layer = layerOf();
      const f = (t: tf.Tensor) => {
        const weighted = tf.add(
          tf.sum(tf.mul(apply(layer, t, { training: true }), c())),
          tf.sum(tf.pow(t, 3)),
        );
        return tf.sum(tf.square(tf.grad(() => weighted)(t)));
      };
      expect(() => tf.grad(f)(x())).toThrow(message);
    });

    test('of gamma', () => {
      const layer = layerOf();
      const f = (t: tf.Tensor) => {
        const [dgamma] = tf.grads(() => tf.sum(tf.mul(apply(layer, t, { training: true }), c())))([
          layer.gamma!.read(),
        ]);
        return tf.sum(tf.square(dgamma!));
      };
      expect(() => tf.grad(f)(x())).toThrow(message);
    });

    test('but not in inference, where the gradient of x does not depend on x', () => {
      const layer = layerOf();
      const twice = (t: tf.Tensor) => tf.grad(squaredGradient(layer, {}))(t);
      const [fused, composed] = [twice(x()), tf.grad(squaredGradient(layerOf({ fused: false }), {}))(x())];
      expect([...fused.dataSync()]).toEqual([...composed.dataSync()]);
    });
  });
});
