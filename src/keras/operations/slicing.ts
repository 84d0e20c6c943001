/** @file `x[…]`: integers, slices, the ellipsis and new axes, as Python has them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import { type ForeignValues, type OperationEntry, keras3, tfKeras } from './entry.js';
import { gatherRows } from './gradients.js';
import { INDICES, INTEGERS, type Index, OPERAND, type Range } from './parameters.js';
import type { Shape } from './shapes.js';

/** What happens along one dimension of the input. `null`: all of it stays. */
type Step = { readonly at: number } | { readonly range: Range } | 'newaxis' | null;

/** An index for each dimension, the ellipsis written out. */
function stepsOf(indices: readonly Index[], rank: number): Step[] {
  const taken = indices.filter((index) => index !== 'ellipsis' && index !== 'newaxis').length;
  if (taken > rank)
    throw new ValueError(`${show(indices)} has more indices than the input has dimensions, ${rank}.`);
  const rest = Array<null>(rank - taken).fill(null);
  const all = indices.includes('ellipsis') ? indices : [...indices, 'ellipsis' as const];
  return all.flatMap((index): Step[] => {
    if (index === 'ellipsis') return rest;
    if (index === 'newaxis') return ['newaxis'];
    return [typeof index === 'number' ? { at: index } : { range: index }];
  });
}

/** Where a slice begins, how many values it has and how far they are apart, as Python counts. */
function span({ start, stop, step }: Range, size: number): { first: number; count: number; stride: number } {
  const stride = step ?? 1;
  const [lowest, highest] = stride > 0 ? [0, size] : [-1, size - 1];
  const bound = (value: number) => Math.min(Math.max(value < 0 ? value + size : value, lowest), highest);
  const first = start === null ? (stride > 0 ? lowest : highest) : bound(start);
  const end = stop === null ? (stride > 0 ? highest : lowest) : bound(stop);
  return { first, count: Math.max(0, Math.ceil((end - first) / stride)), stride };
}

function position(at: number, size: number): number {
  if (at >= -size && at < size) return at < 0 ? at + size : at;
  throw new ValueError(`it takes element ${at} of ${size}.`);
}

function slicedShape(x: Shape, indices: readonly Index[]): Shape {
  let dimension = 0;
  return stepsOf(indices, x.length).flatMap((step): Shape => {
    if (step === 'newaxis') return [1];
    const size = x[dimension++] ?? null;
    if (step === null) return [size];
    if ('at' in step) {
      if (size !== null) position(step.at, size);
      return [];
    }
    return [size === null ? null : span(step.range, size).count];
  });
}

function sliced(x: Tensor, indices: readonly Index[]): Tensor {
  const shape: number[] = [];
  let [result, dimension] = [x, 0];
  for (const step of stepsOf(indices, x.rank)) {
    if (step === 'newaxis') {
      shape.push(1);
      continue;
    }
    const size = x.shape[dimension]!;
    if (step === null) {
      shape.push(size);
    } else if ('at' in step) {
      result = along(result, dimension, position(step.at, size), 1);
    } else {
      const { first, count, stride } = span(step.range, size);
      shape.push(count);
      result = strided(result, dimension, first, count, stride);
    }
    dimension++;
  }
  return tf.reshape(result, shape);
}

function along(x: Tensor, dimension: number, first: number, count: number): Tensor {
  if (first === 0 && count === x.shape[dimension]) return x;
  const begin = x.shape.map((_, i) => (i === dimension ? first : 0));
  return tf.slice(x, begin, x.shape.with(dimension, count));
}

/** TF.js' strided slice has no gradient. */
function strided(x: Tensor, dimension: number, first: number, count: number, stride: number): Tensor {
  if (stride === 1 || count <= 1) return along(x, dimension, count === 0 ? 0 : first, count);
  if (stride === -1) return tf.reverse(along(x, dimension, first - count + 1, count), dimension);
  const positions = Array.from({ length: count }, (_, i) => first + i * stride);
  return gatherRows(x, tf.tensor1d(positions, 'int32'), dimension);
}

/** What is not a list is one index; None is a new axis. */
const listed = ({ indices = null, ...values }: ForeignValues): ForeignValues => ({
  ...values,
  indices: [indices].flat(1).map((index) => index ?? 'newaxis'),
});

/** From where, and how many; −1 for all that is left. */
function bounds(begins: readonly number[], sizes: readonly number[]): Index[] {
  if (begins.length !== sizes.length)
    throw new ValueError(`${show(begins)} and ${show(sizes)} differ in length.`);
  return begins.map((start, i) => ({ start, stop: sizes[i]! < 0 ? null : start + sizes[i]!, step: null }));
}

export const SLICING: Readonly<Record<string, OperationEntry>> = {
  get_item: {
    parameters: { x: OPERAND, indices: INDICES },
    ...tfKeras('__operators__.getitem', 'x slice_spec=indices', { read: listed }),
    ...keras3('numpy.GetItem', 'x indices', '', { read: listed }),
    shape: (given) => slicedShape(given.operand('x'), given.indices('indices')),
    compute: (given) => sliced(given.operand('x'), given.indices('indices')),
  },
  slice: {
    parameters: { x: OPERAND, begin: INTEGERS, size: INTEGERS },
    ...tfKeras('slice', 'x begin size'),
    ...keras3('core.Slice', 'x begin', 'shape=size'),
    shape: (given) =>
      slicedShape(given.operand('x'), bounds(given.integers('begin')!, given.integers('size')!)),
    compute: (given) => sliced(given.operand('x'), bounds(given.integers('begin')!, given.integers('size')!)),
  },
};
