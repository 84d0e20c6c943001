/**
 * @file Values along an axis made of other values there, by weighted sums (interpolation, repetition, means of parts) or
 * as the largest. TF.js has some of these; its gradients of resizing and of pooling at borders are not Keras'.
 */
import {
  type Tensor,
  add,
  cast,
  customGrad,
  equal,
  gather,
  maximum,
  mul,
  reshape,
  sub,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { stopGradient } from '../../operation/stop-gradient.js';

/** What an output is made of: the index of an input, and its weight. */
type Tap = readonly [index: number, weight: number];
/** For each output, what it is made of. */
export type Rows = readonly (readonly Tap[])[];

/** What a tap takes in JavaScript, in numbers of four bytes. */
const NUMBERS_OF_TAP = 25;

/**
 * How many numbers are held at once beside what comes out.
 *
 * @param taps of each row, at most
 * @param result how many numbers come out
 */
export const numbersHeld = (rows: number, taps: number, result: number): number =>
  rows * (1 + taps) * NUMBERS_OF_TAP + taps * result;

/** The same weights, from outputs to inputs: what a gradient is made of. */
export function transposeRows(rows: Rows, size: number): Rows {
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

const gatherTaps = (x: Tensor, axis: number, taps: readonly Tap[]): Tensor =>
  gather(
    x,
    tensor1d(
      taps.map(([index]) => index),
      'int32',
    ),
    axis,
  );

/** The k-th tap of each row. What is missing counts nothing; its index is one that the row has anyway. */
const tapsAt = (rows: Rows, k: number): Tap[] => rows.map((row) => row[k] ?? [row.at(-1)?.[0] ?? 0, 0]);

const longestOf = (rows: Rows): number => rows.reduce((most, { length }) => Math.max(most, length), 1);

/** In the shape in which one number for each place along an axis meets `x`. */
const alongAxis = (numbers: readonly number[], x: Tensor, axis: number): Tensor =>
  reshape(
    tensor1d([...numbers], 'float32'),
    x.shape.map((_, i) => (i === axis ? numbers.length : 1)),
  );

/** As many products as the longest row has taps; all inputs of one tap at once. */
function sumOfTaps(x: Tensor, axis: number, rows: Rows): Tensor {
  return tidy(() => {
    const parts = Array.from({ length: longestOf(rows) }, (_, k) => {
      const taps = tapsAt(rows, k);
      const taken = gatherTaps(x, axis, taps);
      const weights = taps.map(([, weight]) => weight);
      return weights.every((weight) => weight === 1) ? taken : mul(taken, alongAxis(weights, x, axis));
    });
    return parts.reduce((total, part) => add(total, part));
  });
}

/**
 * The largest values along one axis of `x`; the weights say nothing but which values there are.
 *
 * @param isShared whether all that are equally large get the gradient, or the first of them
 */
export function largestOf(x: Tensor, axis: number, rows: Rows, isShared: boolean): Tensor {
  const taps = Array.from({ length: longestOf(rows) }, (_, k) => tapsAt(rows, k));
  const largest = customGrad((input, save) => {
    const value = tidy(() =>
      taps.map((one) => gatherTaps(input as Tensor, axis, one)).reduce((most, one) => maximum(most, one)),
    );
    (save as (tensors: Tensor[]) => void)([input as Tensor, value]);
    const gradFunc = (dy: Tensor, [saved, most]: Tensor[]) =>
      tidy(() => {
        let left: Tensor | null = null;
        const parts = taps.map((one) => {
          const isLargest = stopGradient(cast(equal(gatherTaps(saved!, axis, one), most!), 'float32'));
          const isThere = one.map(([, weight]) => (weight === 0 ? 0 : 1));
          const own: Tensor = mul(left ? mul(left, isLargest) : isLargest, alongAxis(isThere, x, axis));
          if (!isShared) left = left ? sub(left, own) : sub(1, own);
          const back = one.map(([index], i): Tap[] => (isThere[i] === 0 ? [] : [[index, 1]]));
          return resample(mul(dy, own), axis, transposeRows(back, x.shape[axis]!));
        });
        return parts.reduce((total, part) => add(total, part));
      });
    return { value, gradFunc };
  });
  return largest(x);
}
