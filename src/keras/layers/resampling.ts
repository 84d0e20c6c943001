/**
 * @file Values along an axis as weighted sums of other values there: interpolation, repetition, means of parts. TF.js
 * has one of these, bilinear resizing, whose gradient is that of other points.
 */
import { type Tensor, add, customGrad, gather, mul, reshape, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** What an output is made of: the index of an input, and its weight. */
type Tap = readonly [index: number, weight: number];
/** For each output, what it is made of. */
export type Rows = readonly (readonly Tap[])[];

/** The same weights, from outputs to inputs: what a gradient is made of. */
function transposeRows(rows: Rows, size: number): Rows {
  const result = Array.from({ length: size }, (): Tap[] => []);
  rows.forEach((taps, output) => {
    for (const [input, weight] of taps) result[input]!.push([output, weight]);
  });
  return result;
}

/** Weighted sums along one axis of `x`. */
export function resample<T extends Tensor>(x: T, axis: number, rows: Rows): T {
  const resampled = customGrad((input) => ({
    value: sumOfTaps(input as Tensor, axis, rows),
    gradFunc: (dy: Tensor) => resample(dy, axis, transposeRows(rows, x.shape[axis]!)),
  }));
  return resampled(x) as T;
}

/** As many products as the longest row has taps; all inputs of one tap at once. */
function sumOfTaps(x: Tensor, axis: number, rows: Rows): Tensor {
  return tidy(() => {
    const most = Math.max(1, ...rows.map((taps) => taps.length));
    const shape = x.shape.map((_, i) => (i === axis ? rows.length : 1));
    let total: Tensor | null = null;
    for (let k = 0; k < most; k++) {
      // What is missing counts nothing; its index is one that the row has anyway.
      const taps = rows.map((row): Tap => row[k] ?? [row.at(-1)?.[0] ?? 0, 0]);
      const taken = gather(
        x,
        tensor1d(
          taps.map(([index]) => index),
          'int32',
        ),
        axis,
      );
      const weights = taps.map(([, weight]) => weight);
      const part = weights.every((weight) => weight === 1)
        ? taken
        : mul(taken, reshape(tensor1d(weights, 'float32'), shape));
      total = total ? add(total, part) : part;
    }
    return total!;
  });
}
