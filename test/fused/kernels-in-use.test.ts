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

/** The name that `tf.profile` has for a customGrad. */
const CUSTOM = 'unnamed scope';

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

  test.each([true, false])(
    'within another gradient, the same kernels run, and no others of theirs (training: %s)',
    async (training) => {
      const layer = built();
      const sources = [tf.randomNormal([5, 3, 4]), layer.gamma!.read(), layer.beta!.read()];
      const inner = () => tf.grads((input: tf.Tensor) => apply(layer, input, { training }))(sources);
      const within = (z: tf.Tensor) => {
        inner();
        return tf.neg(z);
      };
      const kernels = async (run: () => tf.TensorContainer) => (await tf.profile(run)).kernels;
      const alone = await kernels(inner);
      const both = await kernels(() => tf.grad(within)(tf.scalar(1)));
      const names = both.map(({ name }) => name).filter((name) => name !== CUSTOM);
      expect(names).toEqual([...alone.map(({ name }) => name), 'Neg', 'Neg']);
      // dx, dgamma and dbeta are one result each for the outer tape.
      expect(both.length - names.length).toBe(3);
    },
  );

  test('a second derivative takes no more of the kernels', async () => {
    const layer = built();
    const x = tf.randomNormal([5, 3, 4]);
    const f = (input: tf.Tensor) => tf.pow(apply(layer, input, { training: true }), 3);
    const { forward, backward } = FUSED.training;
    expect(await ourKernels(() => tf.grad((input) => tf.square(tf.grad(f)(input)))(x))).toEqual([
      ...forward,
      ...backward,
      // What y has to do with the gradient of y³ goes back through the kernels once more.
      ...backward,
    ]);
  });

  test('the tape keeps nothing but x, whose memory is shared', () => {
    const layer = built();
    const call = { training: true, updateMovingStatistics: false };
    tf.grad((input: tf.Tensor) => {
      const { numTensors, numDataBuffers } = tf.memory();
      const y = apply(layer, input, call);
      expect(tf.memory().numTensors - numTensors).toBe(2);
      expect(tf.memory().numDataBuffers - numDataBuffers).toBe(1);
      return y;
    })(tf.randomNormal([5, 3, 4]));
  });
});
