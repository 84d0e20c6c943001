/**
 * @file What is not a number stays where it belongs: padding that is NaN or infinite, masked in the layer and of dy 0 in
 * the loss, leaves every other gradient as it is; and what was not finite in a batch is seen in the statistics.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { backward, forward, initialState } from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { BACKENDS, WITHOUT_KERNELS, describeBackends } from '../backends.js';
import { relativeDistance } from '../properties/layer-and-core.js';

const SHAPE = [2, 3, 2];
const WEIGHTS = [1, 1, 0, 1, 0, 0];
const DY = WEIGHTS.flatMap((weight, i) => (weight ? [i + 1, -2 * i] : [0, 0]));

/** Inputs whose padding is one of these. */
const padded = (padding: number) =>
  WEIGHTS.flatMap((weight, i) => (weight ? [i * i, 3 - i] : [padding, padding]));

const OPTIONS: [string, BatchNormalizationArgs][] = [
  ['no options', {}],
  ['fused: false', { fused: false }],
  ['renorm', { renorm: true }],
  ['renorm, fused: false', { renorm: true, fused: false }],
  ['an adjustment per element', { adjustment: () => [tf.fill(SHAPE, 1.5), tf.ones(SHAPE)] }],
  ['an adjustment per channel', { adjustment: () => [tf.tensor1d([1.5, 1.5]), tf.scalar(1)] }],
  ['an adjustment, fused: false', { adjustment: () => [tf.fill([3, 2], 1.5), 1], fused: false }],
];

describeBackends(() => {
  describe.each([NaN, Infinity, -Infinity])('padding of %d', (padding) => {
    test.each(OPTIONS)('in training, with %s', (_, args) => {
      const { adjustment, ...options } = args;
      const x = { values: Float64Array.from(padded(padding)), shape: SHAPE };
      const exact = forward(x, initialState(options as object, SHAPE), options as object, {
        training: true,
        mask: { values: WEIGHTS, shape: SHAPE.slice(0, -1) },
        ...(adjustment && {
          adjustment: {
            scale: { values: Float64Array.of(1.5), shape: [1] },
            bias: { values: Float64Array.of(1), shape: [1] },
          },
        }),
      });
      const want = backward(DY, exact.saved);
      const layer = layerBatchNormalization(args);
      layer.build([null, ...SHAPE.slice(1)]);
      const mask = tf.tensor(WEIGHTS, SHAPE.slice(0, -1));
      const grads = tf.grads((input: tf.Tensor) => layer.apply(input, { training: true, mask }) as tf.Tensor)(
        [tf.tensor(padded(padding), SHAPE), layer.gamma!.read(), layer.beta!.read()],
        tf.tensor(DY, SHAPE),
      );
      [want.dx, want.dgamma!, want.dbeta!].forEach((gradient, i) => {
        expect(relativeDistance(grads[i]!.dataSync(), gradient)).toBeLessThan(1e-5);
      });
    });

    test('in the gradient of an adjustment', () => {
      for (const fused of [null, false]) {
        const scale = tf.fill(SHAPE, 1.5);
        const x = tf.tensor(padded(padding), SHAPE);
        const mask = tf.tensor(WEIGHTS, SHAPE.slice(0, -1));
        const dscale = tf.grads((given: tf.Tensor) => {
          const layer = layerBatchNormalization({ fused, adjustment: () => [given, 0] });
          return layer.apply(x, { training: true, mask }) as tf.Tensor;
        })([scale], tf.tensor(DY, SHAPE))[0]!;
        expect(dscale.dataSync().every(Number.isFinite)).toBe(true);
      }
    });

    test('in inference, without a mask', () => {
      for (const args of [{}, { fused: false }, { axis: 1 }, { axis: 1, fused: false }] as const) {
        const layer = layerBatchNormalization(args);
        layer.build([null, ...SHAPE.slice(1)]);
        const [dx, dgamma] = tf.grads((input: tf.Tensor) => layer.apply(input) as tf.Tensor)(
          [tf.tensor(padded(padding), SHAPE), layer.gamma!.read()],
          tf.tensor(DY, SHAPE),
        );
        expect([...dx!.dataSync(), ...dgamma!.dataSync()].every(Number.isFinite)).toBe(true);
      }
    });

    test('in the stock layer, accelerated', () => {
      const undo = accelerateTensorFlow();
      const [dx, dgamma] = tf.grads((input: tf.Tensor, scale: tf.Tensor) =>
        tf.batchNorm(
          input as tf.Tensor3D,
          tf.tensor1d([1, 2]),
          tf.tensor1d([1, 2]),
          tf.tensor1d([0, 0]),
          scale as tf.Tensor1D,
        ),
      )([tf.tensor(padded(padding), SHAPE), tf.tensor1d([1, 2])], tf.tensor(DY, SHAPE));
      undo();
      expect([...dx!.dataSync(), ...dgamma!.dataSync()].every(Number.isFinite)).toBe(true);
    });
  });

  test.each<BatchNormalizationArgs>([{}, { fused: false }, { renorm: true }, { renorm: true, fused: false }])(
    'an infinite value makes the moving variance NaN, as in Keras: %o',
    (args) => {
      const layer = layerBatchNormalization(args);
      const x = tf.tensor2d([[1], [Infinity], [3]]);
      layer.apply(x, { training: true });
      if (args.fused === false) expect(layer.movingMean.read().dataSync()[0]).toBe(Infinity);
      expect(layer.movingVariance.read().dataSync()[0]).toBeNaN();
    },
  );
}, [...BACKENDS, WITHOUT_KERNELS]);
