/** @file Nothing is left behind: not by training, inference or gradients, not by what is refused, not after dispose. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, type BatchNormalizationArgs } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { USES, leftBy, leftByCalls, leftByDisposal, leftByGradients, leftByTraining } from './leaks.js';
import { compile, draw } from './models.js';

describeBackends(() => {
  describe.each(Object.entries(USES))('with %s', (_, use) => {
    test('training and inference leave their output alone', () => {
      expect(leftByCalls(use)).toEqual([0, 0]);
    });

    test('gradients leave themselves alone', () => {
      expect(leftByGradients(use)).toEqual([0, 0]);
    });

    test('a layer that is disposed leaves nothing', () => {
      expect(leftByDisposal(use)).toBe(0);
    });
  });

  test('hundreds of steps of fit and predict leave nothing', async () => {
    expect((await leftByTraining()).flat()).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('the forms of the call leave what they return', () => {
    const x = draw([4, 3], 1);
    expect(
      leftBy(() => {
        tf.dispose(layerBatchNormalization(x));
        tf.dispose(layerBatchNormalization(x, { renorm: true, virtualBatchSize: 3 }));
      }),
    ).toBe(0);
    expect(
      leftBy(() => {
        const model = layerBatchNormalization(tf.sequential(), { inputShape: [3] });
        tf.dispose(model.predict(x));
        model.dispose();
      }),
    ).toBe(0);
    expect(
      leftBy(() => {
        const input = tf.input({ shape: [3] });
        tf.model({ inputs: input, outputs: layerBatchNormalization(input) }).dispose();
      }),
    ).toBe(0);
  });

  describe('a call that is refused leaves nothing:', () => {
    const REFUSED: [string, { args?: BatchNormalizationArgs; shape?: number[]; mask?: number[] }][] = [
      ['a wrong rank', { shape: [4, 3] }],
      ['wrong channels', { shape: [4, 2, 5] }],
      ['a wrong mask', { mask: [2] }],
      ['a mask with ghost batches', { args: { virtualBatchSize: 2 }, mask: [4, 2] }],
      ['ghost batches that do not divide', { args: { virtualBatchSize: 3 } }],
      ['an adjustment that returns one tensor', { args: { adjustment: (() => tf.ones([3])) as never } }],
      [
        'an adjustment that cannot be broadcast',
        { args: { renorm: true, adjustment: () => [tf.ones([3]), tf.ones([5])] } },
      ],
      [
        'an adjustment that throws when it has made tensors',
        {
          args: {
            adjustment: () => {
              throw new Error(tf.ones([5]).toString());
            },
          },
        },
      ],
    ];

    test.each(REFUSED)('%s', (_, { args = {}, shape = [4, 2, 3], mask = null }) => {
      const layer = layerBatchNormalization(args);
      layer.build([null, 2, 3]);
      const x = tf.ones(shape);
      const call = { training: true, mask: mask && tf.ones(mask) };
      const run = (t: tf.Tensor) => layer.apply(t, call) as tf.Tensor;
      const left = leftBy(() => {
        expect(() => run(x)).toThrow();
        expect(() => tf.grad(run)(x)).toThrow();
      });
      expect(left).toBe(0);
    });

    const UNBUILDABLE: [string, BatchNormalizationArgs][] = [
      ['too few weights', { weights: [[1, 2, 3]] }],
      [
        'weights of a wrong shape',
        {
          weights: [
            [1, 2, 3],
            [1, 2],
            [1, 2, 3],
            [1, 2, 3],
          ],
        },
      ],
      ['an initializer that refuses the shape', { movingVarianceInitializer: 'orthogonal' }],
      ['an axis that does not exist', { axis: 7 }],
      ['fused: true where there is no fused kernel', { fused: true }],
    ];

    test.each(UNBUILDABLE)('%s', (_, args) => {
      const x = tf.ones([4, 2, 3]);
      const left = leftBy(() => {
        expect(() => {
          layerBatchNormalization(args).build([null, 2, 3]);
        }).toThrow();
        expect(() => layerBatchNormalization(args).apply(x)).toThrow();
        expect(() => layerBatchNormalization(x, args)).toThrow();
      });
      expect(left).toBe(0);
    });

    test('weights of a wrong number, that are set', () => {
      const layer = layerBatchNormalization();
      layer.build([null, 3]);
      const weights = [tf.ones([3])];
      const left = leftBy(() => {
        expect(() => {
          layer.setWeights(weights);
        }).toThrow();
      });
      expect(left).toBe(0);
    });
  });

  test.each<[string, BatchNormalizationArgs]>([
    ['no options', {}],
    ['renorm', { renorm: true }],
    ['no gamma', { scale: false }],
    ['ghost batches', { virtualBatchSize: 2 }],
  ])('a model that is disposed takes the weights of its layer with it: %s', async (_, args) => {
    const x = draw([4, 3], 1);
    const before = tf.memory().numTensors;
    const layer = layerBatchNormalization({ ...args, inputShape: [3] });
    const model = tf.sequential({ layers: [layer] });
    compile(model);
    await model.trainOnBatch(x, x);
    expect(model.dispose().numDisposedVariables).toBeGreaterThanOrEqual(layer.weights.length);
    expect(tf.memory().numTensors).toBe(before);
  });
});
