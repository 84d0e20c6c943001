/** @file What the tests of the tools share: networks that have been trained, so to speak, and what they predict. */
import * as tf from '@tensorflow/tfjs';
import { layersOf } from '../../src/model/graph.js';
import { numbers, sizeOf } from '../core/reference.js';
import { draw } from '../models/models.js';
import { ownWeightsOf } from '../../src/model/tensorflow-internals.js';

export type Layer = tf.layers.Layer;
export type Symbolic = tf.SymbolicTensor;

/**
 * Gives every normalization of a model weights as training leaves them, none like another, gamma of both signs unless
 * `positive`; and every bias some numbers.
 */
export function spoil(model: tf.LayersModel, { positive = false } = {}): tf.LayersModel {
  layersOf(model).forEach(({ layer }, i) => {
    for (const [j, weight] of ownWeightsOf(layer).entries()) {
      const name = weight.originalName.split('/').at(-1)!;
      const shape = weight.shape as number[];
      const drawn = numbers(sizeOf(shape), 7 * i + j + 1);
      const values: Record<string, (drawn: number) => number> = {
        gamma: (d) => (positive ? 1.1 + 0.6 * d : (d < 0 ? -1 : 1) * (0.5 + Math.abs(d))),
        beta: (d) => d,
        bias: (d) => d,
        moving_mean: (d) => 2 * d,
        moving_variance: (d) => 1.1 + d,
      };
      const value = values[name];
      if (!value) continue;
      const written = tf.tensor(Float32Array.from(drawn, value), shape);
      weight.write(written);
      written.dispose();
    }
  });
  return model;
}

/** What a model predicts for drawn inputs, all outputs one after the other. */
export function predict(model: tf.LayersModel, seed = 1): number[] {
  return tf.tidy(() => {
    const inputs = model.inputs.map(({ shape, dtype }, i) => {
      const x = draw([8, ...shape.slice(1).map((size) => size ?? 4)], seed + i);
      return dtype === 'float32' ? x : tf.cast(tf.abs(tf.mul(x, 5)), dtype);
    });
    const outputs = [model.predict(inputs.length === 1 ? inputs[0]! : inputs)].flat();
    return outputs.flatMap((output) => Array.from(output.dataSync()));
  });
}

/** The largest difference, relative to the largest magnitude, at least 1. */
export function distance(got: readonly number[], want: readonly number[]): number {
  if (got.length !== want.length) return Infinity;
  const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return got.reduce((most, value, i) => Math.max(most, Math.abs(value - want[i]!) / largest), 0);
}

/** The classes of a model's layers, containers opened. */
export const classesOf = (model: tf.LayersModel): string[] =>
  layersOf(model).map(({ layer }) => layer.getClassName());

/** A functional model of one input. */
export function functional(
  shape: (number | null)[],
  build: (x: Symbolic) => Symbolic | Symbolic[],
): tf.LayersModel {
  const inputs = tf.input({ shape });
  return tf.model({ inputs, outputs: build(inputs) });
}

export const apply = (layer: Layer, ...inputs: Symbolic[]): Symbolic =>
  layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as Symbolic;

/** Every weight of a model, by name and in full. */
export const snapshot = (model: tf.LayersModel): [string, number[]][] =>
  layersOf(model).flatMap(({ path, layer }) =>
    ownWeightsOf(layer).map((weight): [string, number[]] => [
      `${path}/${weight.originalName}`,
      Array.from(weight.read().dataSync()),
    ]),
  );
