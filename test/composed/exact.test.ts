/**
 * @file The layer made of TF.js operations is as exact as float32 allows: on every backend, for any number of elements, at
 * any mean and deviation; against the core in float64.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { type CallArguments, backward, forward, initialState } from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { WITHOUT_KERNELS, describeBackends } from '../backends.js';
import { MASKED, OPTIONS, errors } from '../fused/accuracy.js';
import { numbers } from '../core/reference.js';

const FUSED = { fused: false } as const;

/** The largest difference, relative to the largest magnitude, if that is not 0. */
function relative(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [most, magnitude] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!);
    if (!(difference <= most)) most = difference;
    magnitude = Math.max(magnitude, Math.abs(want[i]!));
  }
  return got.length === want.length ? most / (magnitude || 1) : Infinity;
}

/** A training step of layer and core, or inference: how far they are apart. */
function compare(
  args: BatchNormalizationArgs & object,
  shape: number[],
  values: Float32Array,
  gradients: Float32Array,
  call: Pick<CallArguments, 'training'> = { training: true },
): Record<string, number> {
  const options = args as object;
  const exact = forward(
    { values: Float64Array.from(values), shape },
    initialState(options, shape),
    options,
    call,
  );
  const want = backward(gradients, exact.saved);
  const layer = layerBatchNormalization(args);
  layer.build([null, ...shape.slice(1)]);
  const parameters = [layer.gamma!.read(), layer.beta!.read()];
  const { value, grads } = tf.valueAndGrads((x: tf.Tensor) => layer.apply(x, { ...call }) as tf.Tensor)(
    [tf.tensor(values, shape), ...parameters],
    tf.tensor(gradients, shape),
  );
  const [dx, dgamma, dbeta] = grads.map((gradient) => gradient.dataSync());
  return {
    y: relative(value.dataSync(), exact.y),
    dx: relative(dx!, want.dx),
    dgamma: relative(dgamma!, want.dgamma!),
    dbeta: relative(dbeta!, want.dbeta!),
    movingMean: relative(layer.movingMean.read().dataSync(), exact.state.movingMean),
    movingVariance: relative(layer.movingVariance.read().dataSync(), exact.state.movingVariance),
  };
}

const drawn = (length: number, seed: number, of: (value: number) => number = (value) => value) =>
  Float32Array.from(numbers(length, seed), of);

describeBackends(() => {
  describe('sums of many', () => {
    test.each<[number[], BatchNormalizationArgs?]>([
      [[100_352, 1]],
      [[99_991, 2]],
      [[33, 3]],
      [[2, 2, 40_009], { axis: 1 }],
      [[20_000, 3, 2], { axis: 1 }],
      [[64, 700, 2], { virtualBatchSize: 32 }],
    ])('keep their digits: %j %o', (shape, args = {}) => {
      const size = tf.util.sizeFromShape(shape);
      // Of one sign, as gradients of penalties and images are, sums lose most.
      const values = drawn(size, 1, (value) => 3 + value);
      const gradients = drawn(size, 2, (value) => 1.4467 + value / 8);
      for (const training of [true, false]) {
        const errorsOf = compare({ ...args, ...FUSED }, shape, values, gradients, { training });
        for (const [name, error] of Object.entries(errorsOf)) {
          // In training dgamma and dx are differences of what is a thousand times as large.
          const isDifference = training && (name === 'dgamma' || name === 'dx');
          expect(error, `${name} in ${training ? 'training' : 'inference'}`).toBeLessThan(
            isDifference ? 3e-4 : 5e-7,
          );
        }
      }
    });

    test('keep those of an adjustment’s gradients', () => {
      const [n, c] = [99_991, 2];
      const values = drawn(n * c, 1, (value) => 3 + value);
      const dy = drawn(n * c, 2, (value) => 1.4467 + value / 8);
      const bias = tf.zeros([2]);
      const dbias = tf.grads((b: tf.Tensor) => {
        const adjusting = layerBatchNormalization({ ...FUSED, adjustment: () => [1, b] });
        return adjusting.apply(tf.tensor(values, [n, c]), { training: true }) as tf.Tensor;
      })([bias], tf.tensor(dy, [n, c]))[0]!;
      const want = [0, 0];
      dy.forEach((value, i) => (want[i % c]! += value));
      expect(relative(dbias.dataSync(), want)).toBeLessThan(3e-7);
    });
  });

  describe('far from zero', () => {
    test('the mean has all its digits', () => {
      for (const seed of [1, 2, 3, 4]) {
        const values = drawn(99_991, seed, (value) => 1e6 + value);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const layer = layerBatchNormalization({ ...FUSED, momentum: 0 });
        layer.apply(tf.tensor(values, [values.length, 1]), { training: true });
        expect(layer.movingMean.read().dataSync()[0]).toBe(Math.fround(mean));
      }
    });

    const cases = [
      ...Object.entries(OPTIONS).map(([name, args]) => ({ name, args, isMasked: false })),
      ...Object.entries(MASKED).map(([name, args]) => ({ name: `${name}, masked`, args, isMasked: true })),
    ];
    test.each(cases)('it is as exact as the kernels: $name', async ({ args, isMasked }) => {
      const { y, inference, dx } = await errors({ ...args, ...FUSED }, 1e6, isMasked);
      expect(y, 'y').toBeLessThanOrEqual(1e-6);
      expect(inference, 'inference').toBeLessThanOrEqual(1e-6);
      expect(dx, 'dx').toBeLessThanOrEqual(2e-6);
    });
  });

  describe('deviations', () => {
    test.each([1e-18, 1e-15, 1e-6, 1e6, 1e13, 1e15, 1e17])('of %d have their gradients', (deviation) => {
      const values = drawn(60, 3, (value) => value * deviation);
      for (const fused of [null, false]) {
        const found = compare({ fused, epsilon: 0 }, [20, 3], values, drawn(60, 4));
        for (const [name, error] of Object.entries(found)) {
          // The moving variance of 0.99 hides one of 1e-36.
          expect(error, `${name}, fused: ${fused}`).toBeLessThan(2e-6);
        }
      }
    });
  });
}, ['cpu', 'wasm', WITHOUT_KERNELS]);
