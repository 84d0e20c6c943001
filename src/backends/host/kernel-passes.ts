/**
 * @file The four passes over data, by the kernels, on whatever memory a backend gives: here numbers per channel become
 * bytes for a kernel and back. The same four as in src/core/passes.ts, which says what they compute.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Layout } from '../../core/layout.js';
import type { Affine, GradientCoefficients, GradientSums, Moments } from '../../core/passes.js';
import { zeros } from '../../core/nd-array.js';
import { scratchByteLength } from './wasm-kernels.js';
import type { PassMemory, Sizes, Slab } from './memory.js';

/** A mask: each weight covers `span` consecutive elements of the arranged input. */
export interface Weights {
  readonly values: Float32Array;
  readonly span: number;
}

type Size = Pick<Layout, 'outer' | 'groups' | 'middle' | 'channels' | 'inner'>;

/** Where there is one group, or nothing between groups and channels, all rows are alike. */
function sizesOf({ outer, groups, middle, channels, inner }: Size): Sizes {
  if (groups === 1 || middle === 1) return [1, 1, outer * middle, groups * channels, inner];
  return [outer, groups, middle, channels, inner];
}

/** What the kernels want behind a state or coefficients. */
const scratchBytes = ([, , middle, channels, inner]: Sizes) => scratchByteLength(middle, channels, inner);

/** Tables of one number per group and channel, one after another in the kernels' memory, and scratch behind them. */
interface Tables {
  /** How many tables. */
  readonly count: number;
  /** How many numbers in each. */
  readonly length: number;
  readonly bytesPerNumber: 4 | 8;
  readonly scratchBytes: number;
}

/** Bytes that tables take: with what the kernels want behind them, and the same for copies of a part of them. */
const byteLengthOf = ({ count, length, bytesPerNumber, scratchBytes }: Tables) =>
  2 * (count * length * bytesPerNumber + scratchBytes);

/** Runs a kernel on the part of the tables that a slab is about, copied out and back if it is not the whole. */
function onTables(
  memory: WebAssembly.Memory,
  address: number,
  { count, length, bytesPerNumber, scratchBytes }: Tables,
  slab: Slab,
  run: (address: number) => void,
): void {
  const [, groups, , channels] = slab.sizes;
  if (groups * channels === length) {
    run(address);
    return;
  }
  const bytes = new Uint8Array(memory.buffer);
  const [whole, part] = [length * bytesPerNumber, groups * channels * bytesPerNumber];
  const first = address + slab.firstNumber * bytesPerNumber;
  const copies = address + count * whole + scratchBytes;
  for (let t = 0; t < count; t++) {
    bytes.copyWithin(copies + t * part, first + t * whole, first + t * whole + part);
  }
  run(copies);
  for (let t = 0; t < count; t++) {
    bytes.copyWithin(first + t * whole, copies + t * part, copies + (t + 1) * part);
  }
}

/** Puts arrays one after another at `address`, as float32. */
function writeAt(memory: WebAssembly.Memory, address: number, arrays: readonly ArrayLike<number>[]): void {
  const length = arrays[0]!.length;
  const target = new Float32Array(memory.buffer, address, arrays.length * length);
  arrays.forEach((array, i) => {
    target.set(array, i * length);
  });
}

/** Copies `length` numbers of float64 out of the memory. */
const read = (memory: WebAssembly.Memory, address: number, length: number) => {
  const numbers = zeros(length);
  numbers.set(new Float64Array(memory.buffer, address, length));
  return numbers;
};

/** Upload of weights behind `address`; returns the address of an element's weight, or 0. */
function writeWeights(memory: WebAssembly.Memory, address: number, weights: Weights | null) {
  if (!weights) return () => 0;
  writeAt(memory, address, [weights.values]);
  return ({ firstElement }: Slab) => address + (4 * firstElement) / weights.span;
}

const weightBytes = (weights: Weights | null) => (weights ? weights.values.byteLength : 0);

/** Count, mean and variance per group and channel. */
export function moments(memory: PassMemory, x: TensorInfo, layout: Layout, weights: Weights | null): Moments {
  const { kernels, wasmMemory } = memory;
  const sizes = sizesOf(layout);
  const length = layout.groups * layout.channels;
  const table = { count: 3, length, bytesPerNumber: 8, scratchBytes: scratchBytes(sizes) } as const;
  const weightsAt = byteLengthOf(table);
  const address = memory.reserve(weightsAt + weightBytes(weights));
  new Float64Array(wasmMemory.buffer, address, 3 * length).fill(0);
  const weightOf = writeWeights(wasmMemory, address + weightsAt, weights);
  const span = weights ? weights.span : 1;
  memory.forEachSlab(sizes, span, [x], null, (slab) => {
    const [outer, groups, middle, channels, inner] = slab.sizes;
    onTables(wasmMemory, address, table, slab, (state) => {
      kernels.moments(slab.inputs[0]!, weightOf(slab), span, outer, groups, middle, channels, inner, state);
    });
  });
  const results = read(wasmMemory, address, 3 * length);
  const count = results.subarray(0, length);
  const variance = results.subarray(2 * length);
  for (let k = 0; k < length; k++) variance[k]! /= count[k]!;
  return { count, mean: results.subarray(length, 2 * length), variance };
}

/** y = slope·(x − centre) + intercept. */
export function normalize(memory: PassMemory, x: TensorInfo, layout: Layout, affine: Affine): TensorInfo {
  const { kernels, wasmMemory } = memory;
  const sizes = sizesOf(layout);
  const { length } = affine.centre;
  const table = { count: 3, length, bytesPerNumber: 4, scratchBytes: scratchBytes(sizes) } as const;
  // The output last, which nobody would free where there is no memory for the rest.
  const address = memory.reserve(byteLengthOf(table));
  const y = memory.allocate(x.shape);
  writeAt(wasmMemory, address, [affine.centre, affine.slope, affine.intercept]);
  memory.forEachSlab(sizes, 1, [x], y, (slab) => {
    const [outer, groups, middle, channels, inner] = slab.sizes;
    onTables(wasmMemory, address, table, slab, (coefficients) => {
      kernels.normalize(slab.inputs[0]!, slab.output, outer, groups, middle, channels, inner, coefficients);
    });
  });
  return y;
}

/** Σdy and Σdy·(x − centre) per group and channel. */
export function gradientSums(
  memory: PassMemory,
  dy: TensorInfo,
  x: TensorInfo,
  layout: Layout,
  centre: Float64Array,
): GradientSums {
  const { kernels, wasmMemory } = memory;
  const sizes = sizesOf(layout);
  const { length } = centre;
  const table = { count: 2, length, bytesPerNumber: 8, scratchBytes: scratchBytes(sizes) } as const;
  const centreTable = { count: 1, length, bytesPerNumber: 4, scratchBytes: 0 } as const;
  const address = memory.reserve(byteLengthOf(table) + byteLengthOf(centreTable));
  const centresAt = address + byteLengthOf(table);
  new Float64Array(wasmMemory.buffer, address, 2 * length).fill(0);
  writeAt(wasmMemory, centresAt, [centre]);
  memory.forEachSlab(sizes, 1, [dy, x], null, (slab) => {
    const [outer, groups, middle, channels, inner] = slab.sizes;
    const [partOfDy, partOfX] = slab.inputs as [number, number];
    onTables(wasmMemory, centresAt, centreTable, slab, (centres) => {
      onTables(wasmMemory, address, table, slab, (state) => {
        kernels.gradientSums(partOfDy, partOfX, outer, groups, middle, channels, inner, centres, state);
      });
    });
  });
  const results = read(wasmMemory, address, 2 * length);
  return { dy: results.subarray(0, length), dyTimesX: results.subarray(length) };
}

/** dx = a·dy + b·(x − centre) + c, the last two times the element's weight. */
export function gradientNormalize(
  memory: PassMemory,
  dy: TensorInfo,
  x: TensorInfo,
  layout: Layout,
  { centre, a, b, c }: GradientCoefficients,
  weights: Weights | null,
): TensorInfo {
  const { kernels, wasmMemory } = memory;
  const sizes = sizesOf(layout);
  const { length } = centre;
  const table = { count: 4, length, bytesPerNumber: 4, scratchBytes: scratchBytes(sizes) } as const;
  const weightsAt = byteLengthOf(table);
  const address = memory.reserve(weightsAt + weightBytes(weights));
  const dx = memory.allocate(x.shape);
  writeAt(wasmMemory, address, [centre, a, b, c]);
  const weightOf = writeWeights(wasmMemory, address + weightsAt, weights);
  const span = weights ? weights.span : 1;
  memory.forEachSlab(sizes, span, [dy, x], dx, (slab) => {
    const [outer, groups, middle, channels, inner] = slab.sizes;
    onTables(wasmMemory, address, table, slab, (coefficients) => {
      kernels.gradientNormalize(
        slab.inputs[0]!,
        slab.inputs[1]!,
        slab.output,
        weightOf(slab),
        span,
        outer,
        groups,
        middle,
        channels,
        inner,
        coefficients,
      );
    });
  });
  return dx;
}
