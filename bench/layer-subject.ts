/**
 * @file One layer at work: a training step (forward, moving statistics, gradients of x, gamma and beta) and inference,
 * on inputs in rotation.
 */
import * as tf from '@tensorflow/tfjs';
import { largestDifference, largestMagnitude } from './differences.js';

/** Results at one shape, to be compared before anything is timed. */
export type Results = Record<'y' | 'dx' | 'dgamma' | 'dbeta' | 'mean' | 'inference', Float32Array>;

export interface Subject {
  readonly results: () => Results;
  readonly step: () => void;
  readonly infer: () => void;
}

/** Inputs and gradients that all contenders share. */
export function makeData(shape: number[]): { xs: tf.Tensor[]; dys: tf.Tensor[] } {
  const three = [0, 1, 2];
  return {
    xs: three.map((i) => tf.tidy(() => tf.add(tf.randomNormal(shape, 0, 1 + i, 'float32', 7 + i), i))),
    dys: three.map((i) => tf.randomNormal(shape, 0, 1, 'float32', 17 + i)),
  };
}

export function makeSubject(layer: tf.layers.Layer, { xs, dys }: ReturnType<typeof makeData>): Subject {
  layer.build([null, ...xs[0]!.shape.slice(1)]);
  const variables = layer.trainableWeights.map((weight) => weight.read());
  const apply = (x: tf.Tensor, training: boolean) => layer.apply(x, { training }) as tf.Tensor;
  const gradients = tf.grads((x: tf.Tensor) => apply(x, true));
  const values = (tensor: tf.Tensor) => tensor.dataSync() as Float32Array;
  let turn = 0;
  return {
    results: () => {
      const y = apply(xs[1]!, true);
      const made = gradients([xs[2]!, ...variables], dys[0]);
      const inference = apply(xs[0]!, false);
      const found = {
        y: values(y),
        dx: values(made[0]!),
        dgamma: values(made[1]!),
        dbeta: values(made[2]!),
        mean: values(layer.weights[2]!.read()).slice(),
        inference: values(inference),
      };
      // Not by a tidy, which would look for tensors among millions of numbers.
      tf.dispose([y, made, inference]);
      return found;
    },
    step: () => {
      const made = gradients([xs[turn % 3]!, ...variables], dys[turn++ % 3]);
      // What a user of the step would wait for.
      for (const small of [made[1]!, made[2]!, layer.weights[2]!.read()]) small.dataSync();
      tf.dispose(made);
    },
    infer: () => {
      tf.dispose(apply(xs[turn++ % 3]!, false));
    },
  };
}

/** The largest difference of two results, relative to their largest magnitude. */
export function difference(a: Results, b: Results): { name: string; error: number } {
  let worst = { name: 'nothing', error: 0 };
  for (const name of Object.keys(a) as (keyof Results)[]) {
    const error = largestDifference(a[name], b[name]) / Math.max(1e-6, largestMagnitude(b[name]));
    if (!(error <= worst.error)) worst = { name, error };
  }
  return worst;
}
