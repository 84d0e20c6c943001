/** @file Numbers of categories, as Keras' preprocessing layers give them: as they are, or as vectors with a place for each. */
import {
  type Tensor,
  cast,
  customGrad,
  expandDims,
  max,
  mul,
  oneHot,
  squeeze,
  sum,
  tensor,
  tensor2d,
  zeros,
} from '@tensorflow/tfjs-core';
import { stopGradient } from '../../operation/stop-gradient.js';
import { type RunShape, type Work, countNumbers } from '../../model/run-cost.js';
import type { Shape } from './keras-layer.js';

/** As vectors: one for each number, one of what occurs in a row, or of how often. */
export const VECTOR_MODES = ['oneHot', 'multiHot', 'count'] as const;
export const OUTPUT_MODES = ['int', ...VECTOR_MODES] as const;

/** `'int'`: the numbers themselves; the others: vectors, see VECTOR_MODES. */
export type OutputMode = (typeof OUTPUT_MODES)[number];

/** Which axis the numbers of a row lie along: Keras goes along the second one where there are more than two. */
const rowAxis = (rank: number) => (rank > 1 ? 1 : 0);

const hasLoneEnd = (shape: Shape) => shape.length > 1 && shape.at(-1) === 1;

/** What does not change where `x` changes a little: its gradient is 0. */
const stepsOf = (x: Tensor, compute: (x: Tensor) => Tensor): Tensor =>
  customGrad((input) => ({ value: compute(input as Tensor), gradFunc: () => zeros(x.shape) }))(x);

/**
 * Numbers that are none of `depth` categories count for nothing.
 *
 * @param weights what each number counts for, with `count`
 */
export function encode(
  numbers: Tensor,
  mode: OutputMode,
  depth: number,
  weights: Tensor | null = null,
): Tensor {
  if (mode === 'int') return stopGradient(cast(numbers, 'int32'));
  const vectors = stepsOf(numbers, (x) => {
    const indices = cast(mode === 'oneHot' && hasLoneEnd(x.shape) ? squeeze(x, [-1]) : x, 'int32');
    // TF.js' wasm backend (4.22) writes whole numbers, whatever type is asked for.
    return cast(oneHot(indices, depth, 1, 0, 'int32'), 'float32');
  });
  if (mode === 'oneHot') return vectors;
  const axis = rowAxis(numbers.rank);
  if (mode === 'multiHot') return max(vectors, axis);
  return sum(weights ? mul(vectors, expandDims(weights, -1)) : vectors, axis);
}

/** The same of numbers that stand here, whose rows are counted without a vector for each. */
export function encodeNumbers(
  numbers: readonly number[],
  shape: readonly number[],
  mode: OutputMode,
  depth: number,
): Tensor {
  if (mode === 'int' || mode === 'oneHot' || shape.length !== 2) {
    return encode(tensor([...numbers], [...shape], 'int32'), mode, depth);
  }
  const [rows, width] = shape as [number, number];
  const counts = new Float32Array(rows * depth);
  numbers.forEach((number, i) => {
    if (number < 0 || number >= depth) return;
    const at = Math.floor(i / width) * depth + number;
    counts[at] = mode === 'count' ? counts[at]! + 1 : 1;
  });
  return tensor2d(counts, [rows, depth]);
}

/** What encoding takes: a vector for each number, even where they become one, and the numbers as JavaScript has them. */
export function workOfEncoding(inputs: readonly RunShape[], mode: OutputMode, depth: number): Work {
  const count = inputs.reduce((sum, shape) => sum + countNumbers(shape), 0);
  const numbers = count * (8 + (mode === 'int' ? 0 : 3 * depth));
  return { numbers, multiplications: numbers };
}

export function encodedShape(shape: Shape, mode: OutputMode, depth: number): Shape {
  if (mode === 'int') return shape;
  if (mode === 'oneHot') return [...(hasLoneEnd(shape) ? shape.slice(0, -1) : shape), depth];
  const axis = rowAxis(shape.length);
  return [...shape.filter((_, i) => i !== axis), depth];
}
