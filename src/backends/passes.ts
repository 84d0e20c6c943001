/**
 * @file The four passes over data, by the kernels, on whatever memory a backend gives: here numbers per channel become
 * bytes for a kernel and back. The same four as in src/core/passes.ts, which says what they compute.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Layout } from '../core/layout.js';
import type { Affine, GradientCoefficients, GradientSums, Moments } from '../core/passes.js';
import { scratchByteLength } from './kernels.js';
import type { PassMemory, Slab, Units } from './pass-memory.js';

/** A mask: each weight covers `span` consecutive elements of the arranged input. */
export interface Weights {
  readonly values: Float32Array;
  readonly span: number;
}

type Size = Pick<Layout, 'outer' | 'groups' | 'middle' | 'channels' | 'inner'>;

/** A layout cut into slabs. Where there is one group, or nothing between groups and channels, all rows are alike. */
interface Slabs {
  readonly units: Units;
  /** outer, groups, middle, channels, inner of so many units. */
  sizes(units: number): [number, number, number, number, number];
  /** What the kernels want behind a state or coefficients. */
  readonly scratchBytes: number;
}

function slabsOf({ outer, groups, middle, channels, inner }: Size): Slabs {
  if (groups === 1 || middle === 1) {
    const columns = groups * channels;
    return {
      units: { count: outer * middle, size: columns * inner },
      sizes: (rows) => [1, 1, rows, columns, inner],
      scratchBytes: scratchByteLength(outer * middle, columns, inner),
    };
  }
  return {
    units: { count: outer, size: groups * middle * channels * inner },
    sizes: (units) => [units, groups, middle, channels, inner],
    scratchBytes: scratchByteLength(middle, channels, inner),
  };
}

/** Puts arrays one after another at `address`, as float32. */
function writeAt(memory: WebAssembly.Memory, address: number, arrays: readonly ArrayLike<number>[]): void {
  const length = arrays[0]!.length;
  const target = new Float32Array(memory.buffer, address, arrays.length * length);
  arrays.forEach((array, i) => {
    target.set(array, i * length);
  });
}

/** Upload of weights behind `address`; returns the address of an element's weight, or 0. */
function placeWeights(memory: WebAssembly.Memory, address: number, weights: Weights | null) {
  if (!weights) return () => 0;
  writeAt(memory, address, [weights.values]);
  return ({ firstElement }: Slab) => address + (4 * firstElement) / weights.span;
}

const weightBytes = (weights: Weights | null) => (weights ? weights.values.byteLength : 0);

/** Count, mean and variance per group and channel. */
export function moments(on: PassMemory, x: TensorInfo, layout: Layout, weights: Weights | null): Moments {
  const { kernels, memory } = on;
  const slabs = slabsOf(layout);
  const length = layout.groups * layout.channels;
  const weightsAt = 24 * length + slabs.scratchBytes;
  const state = on.reserve(weightsAt + weightBytes(weights));
  new Float64Array(memory.buffer, state, 3 * length).fill(0);
  const weightOf = placeWeights(memory, state + weightsAt, weights);
  const span = weights ? weights.span : 1;
  on.forEachSlab(slabs.units, [x], null, (slab) => {
    kernels.moments(slab.inputs[0]!, weightOf(slab), span, ...slabs.sizes(slab.units), state);
  });
  const results = new Float64Array(memory.buffer, state, 3 * length).slice();
  const count = results.subarray(0, length);
  const variance = results.subarray(2 * length);
  for (let k = 0; k < length; k++) variance[k]! /= count[k]!;
  return { count, mean: results.subarray(length, 2 * length), variance };
}

/** y = slope·(x − centre) + intercept. */
export function normalize(on: PassMemory, x: TensorInfo, layout: Layout, affine: Affine): TensorInfo {
  const { kernels, memory } = on;
  const slabs = slabsOf(layout);
  const y = on.allocate(x.shape);
  const coefficients = on.reserve(12 * affine.centre.length + slabs.scratchBytes);
  writeAt(memory, coefficients, [affine.centre, affine.slope, affine.intercept]);
  on.forEachSlab(slabs.units, [x], y, (slab) => {
    kernels.normalize(slab.inputs[0]!, slab.output, ...slabs.sizes(slab.units), coefficients);
  });
  return y;
}

/** Σdy and Σdy·(x − centre) per group and channel. */
export function gradientSums(
  on: PassMemory,
  dy: TensorInfo,
  x: TensorInfo,
  layout: Layout,
  centre: Float64Array,
): GradientSums {
  const { kernels, memory } = on;
  const slabs = slabsOf(layout);
  const length = centre.length;
  const centreAt = 16 * length + slabs.scratchBytes;
  const state = on.reserve(centreAt + 4 * length);
  new Float64Array(memory.buffer, state, 2 * length).fill(0);
  writeAt(memory, state + centreAt, [centre]);
  on.forEachSlab(slabs.units, [dy, x], null, ({ inputs, units: some }) => {
    kernels.gradientSums(inputs[0]!, inputs[1]!, ...slabs.sizes(some), state + centreAt, state);
  });
  const results = new Float64Array(memory.buffer, state, 2 * length).slice();
  return { dy: results.subarray(0, length), dyTimesX: results.subarray(length) };
}

/** dx = a·dy + b·(x − centre) + c, the last two times the element's weight. */
export function gradientNormalize(
  on: PassMemory,
  dy: TensorInfo,
  x: TensorInfo,
  layout: Layout,
  { centre, a, b, c }: GradientCoefficients,
  weights: Weights | null,
): TensorInfo {
  const { kernels, memory } = on;
  const slabs = slabsOf(layout);
  const dx = on.allocate(x.shape);
  const weightsAt = 16 * centre.length + slabs.scratchBytes;
  const coefficients = on.reserve(weightsAt + weightBytes(weights));
  writeAt(memory, coefficients, [centre, a, b, c]);
  const weightOf = placeWeights(memory, coefficients + weightsAt, weights);
  const span = weights ? weights.span : 1;
  on.forEachSlab(slabs.units, [dy, x], dx, (slab) => {
    const { inputs, output } = slab;
    kernels.gradientNormalize(
      ...([inputs[0]!, inputs[1]!, output, weightOf(slab), span] as const),
      ...slabs.sizes(slab.units),
      coefficients,
    );
  });
  return dx;
}
