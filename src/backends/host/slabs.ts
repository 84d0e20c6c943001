/** @file Divides data into slabs that fit a cache, whatever its layout, for a backend whose memory kernels cannot reach. */
import { sizeOf } from '../../core/nd-array.js';
import type { Sizes, Slab } from './memory.js';

type Part = Pick<Slab, 'sizes' | 'firstElement' | 'firstNumber'>;

/**
 * Consecutive parts of at most `most` elements, cut as coarsely as fits: whole outer indices, else rows of one group,
 * else channels, else pieces of one channel's run (at multiples of `span`). A row of one element per channel is never
 * cut, nor is a span.
 */
export function divide([outer, groups, middle, channels, inner]: Sizes, span: number, most: number): Part[] {
  const parts: Part[] = [];
  let firstElement = 0;
  const add = (firstNumber: number, ...sizes: Sizes) => {
    parts.push({ sizes, firstElement, firstNumber });
    firstElement += sizeOf(sizes);
  };

  const row = channels * inner;
  const slice = groups * middle * row;
  if (slice <= most) {
    for (const count of lengths(outer, most / slice)) add(0, count, groups, middle, channels, inner);
    return parts;
  }
  for (let chunk = 0; chunk < outer * groups; chunk++) {
    const first = (chunk % groups) * channels;
    if (row <= most || inner === 1) {
      for (const rows of lengths(middle, most / row)) add(first, 1, 1, rows, channels, inner);
      continue;
    }
    for (let m = 0; m < middle; m++) {
      let number = first;
      for (const count of lengths(channels, most / inner)) {
        const pieces = lengths(inner, Math.max(1, Math.floor(most / span)) * span);
        if (count > 1) add(number, 1, 1, 1, count, inner);
        else for (const piece of pieces) add(number, 1, 1, 1, 1, piece);
        number += count;
      }
    }
  }
  return parts;
}

/** `atOnce`, as often as it goes into `length`, and what is left. */
function lengths(length: number, atOnce: number): number[] {
  const whole = Math.max(1, Math.floor(atOnce));
  const count = Math.ceil(length / whole);
  return Array.from({ length: count }, (_, i) => Math.min(whole, length - i * whole));
}
