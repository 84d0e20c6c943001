/** @file Nothing is left behind: not by training, inference or gradients, not by what is refused, not after dispose. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, type BatchNormalizationArgs, type CallArguments } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { compile, draw } from './models.js';

interface Use {
  args: BatchNormalizationArgs;
  shape: number[];
  /** The shape of a mask, where there is one. */
  mask?: number[];
}

const USES: Record<string, Use> = {
  'no options': { args: {}, shape: [4, 3] },
  'fused: false': { args: { fused: false }, shape: [4, 3] },
  'axis 1': { args: { axis: 1 }, shape: [4, 3, 2, 2] },
  'two axes': { args: { axis: [1, 3] }, shape: [4, 3, 2, 2] },
  'rank 5': { args: {}, shape: [4, 2, 2, 2, 3] },
  renorm: { args: { renorm: true, renormClipping: { rmax: 2, rmin: 0.5, dmax: 1 } }, shape: [4, 3] },
  'ghost batches': { args: { virtualBatchSize: 2 }, shape: [4, 3] },
  'an adjustment': { args: { adjustment: (shape) => [tf.ones(shape), tf.scalar(2)] }, shape: [4, 3] },
  'a mask': { args: {}, shape: [4, 2, 3], mask: [4, 2] },
  'a mask that is ignored': { args: { axis: 1 }, shape: [4, 2, 2, 3], mask: [4, 2, 2] },
  'neither gamma nor beta': { args: { scale: false, center: false }, shape: [4, 3] },
  'regularizers and constraints': {
    args: {
      gammaRegularizer: 'l1',
      betaRegularizer: 'l2',
      gammaConstraint: 'nonNeg',
      betaConstraint: 'maxNorm',
    },
    shape: [4, 3],
  },
  'int32 inputs': { args: { dtype: 'int32' }, shape: [4, 3] },
  'an empty batch': { args: {}, shape: [0, 3] },
};

/** How many tensors `f` leaves behind; the first call may make what stays for good. */
function leftBy(f: () => void): number {
  f();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) f();
  return tf.memory().numTensors - before;
}

describeBackends(() => {
  describe.each(Object.entries(USES))('with %s', (_, { args, shape, mask }) => {
    const inputOf = () => tf.tidy(() => tf.cast(tf.mul(draw(shape, 1), 9), args.dtype ?? 'float32'));
    const callOf = (training: boolean): CallArguments => ({ training, mask: mask ? tf.ones(mask) : null });

    test('training and inference leave their output alone', () => {
      const layer = layerBatchNormalization(args);
      const x = inputOf();
      for (const training of [true, false]) {
        const call = callOf(training);
        const left = leftBy(() => {
          tf.dispose(layer.apply(x, call) as tf.Tensor);
          tf.dispose(layer.apply(x, { ...call, updateMovingStatistics: false }) as tf.Tensor);
        });
        expect(left).toBe(0);
      }
      takeWarnings();
    });

    test('gradients leave themselves alone', () => {
      const layer = layerBatchNormalization(args);
      const x = tf.cast(inputOf(), 'float32');
      for (const training of [true, false]) {
        const call = callOf(training);
        const f = tf.valueAndGrad((t: tf.Tensor) => layer.apply(t, call) as tf.Tensor);
        const left = leftBy(() => {
          tf.dispose(Object.values(f(x)));
        });
        expect(left).toBe(0);
      }
      takeWarnings();
    });

    test('a layer that is disposed leaves nothing', () => {
      const x = inputOf();
      const left = leftBy(() => {
        const layer = layerBatchNormalization(args);
        tf.dispose(layer.apply(x, { training: false }) as tf.Tensor);
        layer.dispose();
      });
      expect(left).toBe(0);
    });
  });

  test('hundreds of steps of fit and predict leave nothing', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.masking({ maskValue: 0, inputShape: [2, 3] }),
        layerBatchNormalization({ gammaConstraint: 'nonNeg', betaRegularizer: 'l1', renorm: true }),
        tf.layers.reshape({ targetShape: [2, 3, 1] }),
        layerBatchNormalization({ axis: 1 }),
        layerBatchNormalization({ virtualBatchSize: 2, fused: false }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 1 }),
      ],
    });
    compile(model, tf.train.adam(0.01));
    const [x, y] = [draw([8, 2, 3], 1), draw([8, 1], 2)];
    const once = async (epochs: number) => {
      await model.fit(x, y, { epochs, batchSize: 4 });
      tf.dispose(model.predict(x));
      tf.dispose(model.evaluate(x, y));
    };
    await once(1);
    const before = tf.memory().numTensors;
    await once(1);
    const afterOne = tf.memory().numTensors;
    await once(100);
    expect([afterOne - before, tf.memory().numTensors - before]).toEqual([0, 0]);
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
