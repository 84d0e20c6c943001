/**
 * @file The fused kernels of assembly/index.ts. They work in the memory that they are given and allocate nothing: every
 * pointer is a byte offset into it, aligned to 4 bytes, and every buffer lies inside it (the caller sees to that; the
 * kernels check nothing).
 */
import { instantiate } from './instantiate.js';
import { BYTES_PER_LANE, MOST_JOINED_LANES, PLAIN, RUN, SHARED } from './kernel-bytes.js';

/**
 * The four passes over float32 data of layout [outer, groups, middle, channels, inner] (core/layout.ts). No size may be
 * 0. `k = group·channels + channel` counts the K = groups·channels statistics. States and coefficients are followed by
 * scratch, of `scratchByteLength` bytes.
 *
 * Any sizes are right, but only rows that follow each other within `middle` are walked together: where groups is 1,
 * outer should be too, and where middle is 1, groups are better called channels.
 *
 * A slab, a part of the data along outer, is a call with a smaller `outer` and pointers moved on. The sums of several
 * slabs add up in one state.
 */
export interface Kernels {
  /**
   * Adds to a state of three times K float64, zeroed before the first slab:
   *
   *   count = Σw      mean = Σwx/Σw      m2 = Σw(x − mean)²
   *
   * An element of weight 0 is not looked at: it may be NaN.
   *
   * @param weights float32, one for every `weightSpan` elements of x; 0 for none, which is weights of 1.
   * @param weightSpan divides inner, or channels if inner is 1; without weights it says nothing.
   */
  moments(
    x: number,
    weights: number,
    weightSpan: number,
    outer: number,
    groups: number,
    middle: number,
    channels: number,
    inner: number,
    state: number,
  ): void;

  /**
   * y = slope·(x − centre) + intercept
   *
   * @param y may be x.
   * @param coefficients K float32 each: centre, slope, intercept.
   */
  normalize(
    x: number,
    y: number,
    outer: number,
    groups: number,
    middle: number,
    channels: number,
    inner: number,
    coefficients: number,
  ): void;

  /**
   * Adds to a state of twice K float64, zeroed before the first slab: Σdy and Σdy·(x − centre). Where dy is 0 there is
   * nothing to add, even if x is NaN.
   *
   * @param centre K float32.
   */
  gradientSums(
    dy: number,
    x: number,
    outer: number,
    groups: number,
    middle: number,
    channels: number,
    inner: number,
    centre: number,
    state: number,
  ): void;

  /**
   * dx = a·dy + w·(b·(x − centre) + c), the terms of b and c left out where w is 0, even if x is NaN
   *
   * @param dx may be dy or x.
   * @param weights as for moments.
   * @param coefficients K float32 each: centre, a, b, c.
   */
  gradientNormalize(
    dy: number,
    x: number,
    dx: number,
    weights: number,
    weightSpan: number,
    outer: number,
    groups: number,
    middle: number,
    channels: number,
    inner: number,
    coefficients: number,
  ): void;
}

/** How many bytes of scratch must follow a state or coefficients, at most; as many do for any part of the data. */
export function scratchByteLength(middle: number, channels: number, inner: number): number {
  const width = inner < RUN ? channels * inner : channels;
  return BYTES_PER_LANE * Math.max(width, RUN, Math.min(width * middle, MOST_JOINED_LANES));
}

/** The kernels of the passes on this memory. */
export const instantiateKernels = (memory: WebAssembly.Memory) =>
  instantiate(memory, { plain: PLAIN, shared: SHARED }) as unknown as Kernels;
