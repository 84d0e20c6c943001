/** @file How far the layer is from the core in float64, on inputs far from zero, on the active backend. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { backward, forward, initialState } from 'evenkeel/core';

const SHAPE = [16, 14, 14, 32];
const SIZE = SHAPE.reduce((a, b) => a * b);
export const MEANS = [0, 1e2, 1e4, 1e6];

export const OPTIONS: Record<string, BatchNormalizationArgs> = {
  'channels last': {},
  'channels first': { axis: 1 },
  'ghost batches': { virtualBatchSize: 4 },
  'ghost batches, channels first': { virtualBatchSize: 4, axis: 1 },
  renorm: { renorm: true, renormClipping: { rmax: 3, rmin: 1 / 3, dmax: 5 } },
};
export const MASKED: Record<string, BatchNormalizationArgs> = {
  'channels last': {},
  'channels first': { axis: 1 },
};

/** Numbers with a mean, about normal, with a deviation of 1. */
function numbers(mean: number, seed: number): Float32Array {
  const tensor = tf.randomNormal([SIZE], mean, 1, 'float32', seed);
  // A drawn tensor is still where JavaScript reads it, on any backend.
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}

function largest(values: ArrayLike<number>, from: (i: number) => number = () => 0): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const distance = Math.abs(values[i]! - from(i));
    if (!(distance <= most)) most = distance;
  }
  return most;
}

/** Errors against the core in float64, of dx relative to its largest magnitude. */
export interface Errors {
  readonly y: number;
  readonly inference: number;
  readonly dx: number;
}

/** The errors of a layer on the active backend, in training and in inference about the same mean. */
export async function errors(args: BatchNormalizationArgs, mean: number, isMasked: boolean): Promise<Errors> {
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

  const inferred = forward(
    x,
    { ...state, movingMean: state.movingMean.map(() => Math.fround(mean)) },
    options,
  );

  const results = tf.tidy(() => {
    // Keras' rule would have the kernels ignore the mask, but for an adjustment, which this one is of no effect.
    const layer = layerBatchNormalization(isMasked ? { ...args, adjustment: () => [1, 0] } : args);
    layer.build([null, ...SHAPE.slice(1)]);
    const channels = layer.movingMean.shape as number[];
    if (args.renorm) layer.renormMean!.write(tf.fill(channels, mean + 0.1));
    const call = {
      training: true,
      updateMovingStatistics: false,
      mask: isMasked ? tf.tensor(weights, SHAPE.slice(0, -1)) : null,
    };
    const apply = (input: tf.Tensor) => layer.apply(input, call) as tf.Tensor;
    const input = tf.tensor(values, SHAPE);
    const y = apply(input);
    const dx = tf.grad(apply)(input, tf.tensor(gradients, SHAPE));
    layer.movingMean.write(tf.fill(channels, mean));
    return { y, dx, inference: layer.apply(input) as tf.Tensor };
  });
  const [y, dx, inference] = await Promise.all([
    results.y.data(),
    results.dx.data(),
    results.inference.data(),
  ]);
  tf.dispose(results);
  return {
    y: largest(y, (i) => exact.y[i]!),
    inference: largest(inference, (i) => inferred.y[i]!),
    dx: largest(dx, (i) => exactDx[i]!) / largest(exactDx),
  };
}
