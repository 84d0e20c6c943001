/** @file Numbers that look random, and are the same on every rank and in every run. */
import * as tf from '@tensorflow/tfjs';

/** Numbers between −0.5 and 0.5. */
export const draw = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => {
    const value = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return value - Math.floor(value) - 0.5;
  });

/** Gives a model weights that differ by rank: it must get those of the first. */
export function setWeights(model: tf.LayersModel, rank: number): void {
  const values = model.weights.map((weight, i) => {
    const { size, shape } = weight.read();
    if (/gamma|variance|stddev/.test(weight.originalName)) return tf.fill(shape, rank + 1);
    return tf.tensor(draw(size, 100 * rank + i), shape);
  });
  model.setWeights(values);
  tf.dispose(values);
}
