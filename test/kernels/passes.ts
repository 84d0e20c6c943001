/** @file Each pass on a workbench: buffers placed, the kernel called, all around them checked, results copied out. */
import { expect } from 'vitest';
import type { Weights } from './oracle.js';
import { argumentsOf, elementsOf, scratchOf, type Size, type Workbench } from './workbench.js';

/** How far beyond 16 bytes each buffer stands, in units of 4; changed from test to test. */
export type Misalignments = readonly [number, number, number, number];
const ALIGNED: Misalignments = [0, 0, 0, 0];

const numbersOf = ({ groups, channels }: Size) => groups * channels;

/** A size's parts along outer. */
export const slabsOf = (size: Size, outers: readonly number[]): Size[] =>
  outers.map((outer) => ({ ...size, outer }));

export function moments(
  bench: Workbench,
  x: Float32Array,
  size: Size,
  weights: Weights | null,
  { at = ALIGNED, slabs = [size] }: { at?: Misalignments; slabs?: readonly Size[] } = {},
) {
  const numbers = numbersOf(size);
  bench.clear();
  const xPtr = bench.input(x, at[0]);
  const weightsPtr = weights && bench.input(weights.values, at[1]);
  const state = bench.output(24 * numbers + scratchOf(size), at[2]);
  new Uint8Array(bench.memory.buffer, state, 24 * numbers).fill(0);
  let first = 0;
  for (const slab of slabs) {
    const weightPtr = weightsPtr && weightsPtr + (4 * first) / weights.span;
    bench.kernels.moments(
      ...([xPtr + 4 * first, weightPtr ?? 0, weights?.span ?? 1] as const),
      ...argumentsOf(slab),
      state,
    );
    first += elementsOf(slab);
  }
  bench.check();
  const results = bench.doubles(state, 3 * numbers);
  return {
    count: results.slice(0, numbers),
    mean: results.slice(numbers, 2 * numbers),
    m2: results.slice(2 * numbers),
  };
}

export function gradientSums(
  bench: Workbench,
  dy: Float32Array,
  x: Float32Array,
  size: Size,
  centre: Float32Array,
  { at = ALIGNED, slabs = [size] }: { at?: Misalignments; slabs?: readonly Size[] } = {},
) {
  const numbers = numbersOf(size);
  bench.clear();
  const dyPtr = bench.input(dy, at[0]);
  const xPtr = bench.input(x, at[1]);
  const centrePtr = bench.input(centre, at[2]);
  const state = bench.output(16 * numbers + scratchOf(size), at[3]);
  new Uint8Array(bench.memory.buffer, state, 16 * numbers).fill(0);
  let first = 0;
  for (const slab of slabs) {
    const offset = 4 * first;
    bench.kernels.gradientSums(dyPtr + offset, xPtr + offset, ...argumentsOf(slab), centrePtr, state);
    first += elementsOf(slab);
  }
  bench.check();
  const results = bench.doubles(state, 2 * numbers);
  return { dySum: results.slice(0, numbers), dyXSum: results.slice(numbers) };
}

function expectUntouched(bench: Workbench, address: number, values: Float32Array): void {
  const now = bench.floats(address, values.length);
  if (now.some((value, i) => value !== values[i])) expect.fail('coefficients were written');
}

/** @param isInPlace whether y is written over x */
export function normalize(
  bench: Workbench,
  x: Float32Array,
  size: Size,
  coefficients: Float32Array,
  { at = ALIGNED, isInPlace = false }: { at?: Misalignments; isInPlace?: boolean } = {},
): Float32Array {
  bench.clear();
  const xPtr = isInPlace ? bench.inOut(x, 0, at[0]) : bench.input(x, at[0]);
  const yPtr = isInPlace ? xPtr : bench.output(x.byteLength, at[1]);
  const coefficientsPtr = bench.inOut(coefficients, scratchOf(size), at[2]);
  bench.kernels.normalize(xPtr, yPtr, ...argumentsOf(size), coefficientsPtr);
  bench.check();
  expectUntouched(bench, coefficientsPtr, coefficients);
  return bench.floats(yPtr, x.length);
}

/** @param isInPlace whether dx is written over dy */
export function gradientNormalize(
  bench: Workbench,
  dy: Float32Array,
  x: Float32Array,
  size: Size,
  coefficients: Float32Array,
  weights: Weights | null,
  { at = ALIGNED, isInPlace = false }: { at?: Misalignments; isInPlace?: boolean } = {},
): Float32Array {
  bench.clear();
  const dyPtr = isInPlace ? bench.inOut(dy, 0, at[0]) : bench.input(dy, at[0]);
  const xPtr = bench.input(x, at[1]);
  const weightsPtr = weights && bench.input(weights.values, at[2]);
  const dxPtr = isInPlace ? dyPtr : bench.output(x.byteLength, at[3]);
  const coefficientsPtr = bench.inOut(coefficients, scratchOf(size), at[0]);
  bench.kernels.gradientNormalize(
    ...([dyPtr, xPtr, dxPtr, weightsPtr ?? 0, weights?.span ?? 1] as const),
    ...argumentsOf(size),
    coefficientsPtr,
  );
  bench.check();
  expectUntouched(bench, coefficientsPtr, coefficients);
  return bench.floats(dxPtr, x.length);
}
