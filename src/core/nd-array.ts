/**
 * @file Numbers with a shape, in row-major order, and the one way to look at them in another order: an index table, as
 * strides make it. Transposing is such a table, and so is broadcasting (a stride of 0), read one way to spread values
 * and the other way to sum their gradients.
 */
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** The arrays the layer keeps its numbers in. */
export type FloatArray = Float32Array | Float64Array;

/** Numbers in row-major order (the last dimension moves fastest) with their shape. */
export interface NdArray<Values = ArrayLike<number>> {
  readonly values: Values;
  readonly shape: readonly number[];
}

/** How many elements an array of this shape has. */
export const sizeOf = (shape: readonly number[]) => shape.reduce((size, dim) => size * dim, 1);

const NUMBERS_IN_BLOCK = 8192;
let block = new Float64Array(0);
let used = 0;

/**
 * Zeros, for numbers that stay inside. Arrays share blocks of memory, so what is handed out has to be a copy. For a few
 * hundred numbers allocating is what costs: in Node 100 take 0.4 µs by themselves, with what it takes to free them, and
 * 0.03 µs in a block.
 */
export function zeros(length: number): Float64Array {
  if (4 * length > NUMBERS_IN_BLOCK) return new Float64Array(length);
  if (used + length > block.length) [block, used] = [new Float64Array(NUMBERS_IN_BLOCK), 0];
  used += length;
  return block.subarray(used - length, used);
}

/** The distance in memory between neighbours along each dimension of a row-major array: `[2, 3, 4]` → `[12, 4, 1]`. */
export const rowMajorStrides = (shape: readonly number[]) => shape.map((_, d) => sizeOf(shape.slice(d + 1)));

/** For each element of `shape` in row-major order, where it stands in memory that has these strides. */
export function stridedIndices(shape: readonly number[], strides: readonly number[]): Uint32Array {
  let indices = Uint32Array.of(0);
  shape.forEach((dim, d) => {
    const coarser = indices;
    indices = new Uint32Array(coarser.length * dim);
    for (let i = 0; i < indices.length; i++) {
      indices[i] = coarser[Math.floor(i / dim)]! + (i % dim) * strides[d]!;
    }
  });
  return indices;
}

/**
 * For each element of `to` in row-major order, the element of `from` that broadcasting puts there. Shapes are aligned
 * at their last dimension; a dimension of `from` that is 1 or missing repeats.
 *
 * @throws ValueError where another dimension differs.
 */
export function broadcastIndices(name: string, from: readonly number[], to: readonly number[]): Uint32Array {
  const missing = to.length - from.length;
  if (missing < 0 || from.some((dim, d) => dim !== 1 && dim !== to[d + missing])) {
    throw new ValueError(
      `${name} has shape ${show(from)}, which cannot be broadcast to ${show(to)}: align the shapes at their last dimension ` +
        'and make every dimension that differs 1.',
    );
  }
  const strides = rowMajorStrides(from);
  return stridedIndices(
    to,
    to.map((_, d) => (d < missing || from[d - missing] === 1 ? 0 : strides[d - missing]!)),
  );
}

/** @throws ValueError unless there are as many values as the shape says. */
export function checkLength(name: string, length: number, shape: readonly number[]): void {
  if (length !== sizeOf(shape)) {
    throw new ValueError(
      `${name} has ${length} values, but its shape ${show(shape)} takes ${sizeOf(shape)}: give one value per element.`,
    );
  }
}

/** @throws TypeError unless the values are in a Float32Array or a Float64Array. */
export function checkFloats(name: string, values: unknown): void {
  if (!(values instanceof Float32Array || values instanceof Float64Array)) {
    throw new TypeError(
      `${name} is neither a Float32Array nor a Float64Array, the two that the core works on: convert it, as with ` +
        'Float64Array.from(values).',
    );
  }
}
