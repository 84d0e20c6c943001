/**
 * @file What really runs: which kernels, how often, and how much memory they take, as `tf.profile` tells. Every golden
 * case goes through here, so that agreement with Keras is known to be the kernels'.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { expect, test } from 'vitest';
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
});
