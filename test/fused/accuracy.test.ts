/**
 * @file Accuracy far from zero: the kernels subtract the mean before anything is rounded, so that y is right to 1e-6
 * and dx to 2e-6 of its largest magnitude at any mean. Plain float32 arithmetic has errors of 0.03 at a mean of 10⁶.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { backward, forward, initialState } from 'evenkeel/core';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';

const SHAPE = [16, 14, 14, 32];
const SIZE = SHAPE.reduce((a, b) => a * b);
const MEANS = [0, 1e2, 1e4, 1e6];

const OPTIONS: Record<string, BatchNormalizationArgs> = {
  'channels last': {},
  'channels first': { axis: 1 },
  'ghost batches': { virtualBatchSize: 4 },
  'ghost batches, channels first': { virtualBatchSize: 4, axis: 1 },
  renorm: { renorm: true, renormClipping: { rmax: 3, rmin: 1 / 3, dmax: 5 } },
};
const MASKED: Record<string, BatchNormalizationArgs> = { 'channels last': {}, 'channels first': { axis: 1 } };

/** Numbers with a mean, about normal, with a deviation of 1. */
const numbers = (mean: number, seed: number) =>
  tf.tidy(() => tf.add(tf.randomNormal([SIZE], 0, 1, 'float32', seed), mean).dataSync<'float32'>());

function largest(values: ArrayLike<number>, from: (i: number) => number = () => 0): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const distance = Math.abs(values[i]! - from(i));
    if (!(distance <= most)) most = distance;
  }
  return most;
}

/** The errors of y and of dx (relative to its largest magnitude) against the core in float64. */
function errors(args: BatchNormalizationArgs, mean: number, isMasked: boolean): { y: number; dx: number } {
  const [values, gradients] = [numbers(mean, 5), numbers(0, 6)];
  const weights = Float32Array.from(
    { length: SIZE / 32 },
    (_, i) => (i * 7919) % 5 && 0.5 + ((i * 31) % 4) / 4,
  );
  const options = { ...args, ...(isMasked && { fused: false }) } as object;
  const state = initialState(options, SHAPE);
  const mask = isMasked ? { values: weights, shape: SHAPE.slice(0, -1) } : null;
  // Renorm starts from averages near the batch's, as in the midst of a training.
  const near = args.renorm ? { renormMean: state.movingMean.map(() => Math.fround(mean + 0.1)) } : {};
  const x = { values: Float64Array.from(values), shape: SHAPE };
  const exact = forward(x, { ...state, ...near }, options, { training: true, mask });
  const exactDx = backward(gradients, exact.saved).dx;

  return tf.tidy(() => {
    // Keras' rule would have the kernels ignore the mask, but for an adjustment, which this one is of no effect.
    const layer = layerBatchNormalization(isMasked ? { ...args, adjustment: () => [1, 0] } : args);
    layer.build([null, ...SHAPE.slice(1)]);
    if (args.renorm) layer.renormMean!.write(tf.fill([32], mean + 0.1));
    const call = {
      training: true,
      updateMovingStatistics: false,
      mask: isMasked ? tf.tensor(weights, SHAPE.slice(0, -1)) : null,
    };
    const apply = (input: tf.Tensor) => layer.apply(input, call) as tf.Tensor;
    const input = tf.tensor(values, SHAPE);
    const y = apply(input).dataSync();
    const dx = tf.grad(apply)(input, tf.tensor(gradients, SHAPE)).dataSync();
    const scale = largest(exactDx);
    return { y: largest(y, (i) => exact.y[i]!), dx: largest(dx, (i) => exactDx[i]!) / scale };
  });
}

describeBackends(() => {
  for (const [options, isMasked] of [
    [OPTIONS, false],
    [MASKED, true],
  ] as const) {
    for (const [name, args] of Object.entries(options)) {
      test.each(MEANS)(`${name}${isMasked ? ', masked' : ''}: exact to float32 at a mean of %d`, (mean) => {
        const { y, dx } = errors(args, mean, isMasked);
        // A ghost batch has a quarter of the values, so fewer roundings of its variance cancel.
        expect(y, 'y').toBeLessThanOrEqual(1e-6);
        expect(dx, 'dx').toBeLessThanOrEqual(2e-6);
      });
    }
  }
});
