/**
 * @file How the threads of a GPU share the data of a layout.
 *
 * For loads of four numbers at once, either the channels come in fours (`across`: each number belongs to a statistic of
 * its own), or the elements of a channel that follow each other do (all four belong to one). Else one at a time.
 *
 * In a reduction `lanes` neighbouring threads of a workgroup take neighbouring channels, so that what they read lies
 * together; `members` threads share each lane, and take turns over its elements. Long lanes are cut into slices, each
 * for a workgroup of its own, whose results a second program merges.
 */
import type { Layout } from '../../core/layout.js';
import { WORKGROUP, type Width } from './program.js';

/** A layout counted in vectors: `channels` (if `isAcross`) or `inner` is divided by `width`. */
export interface Vectors {
  readonly width: Width;
  readonly isAcross: boolean;
  readonly outer: number;
  readonly groups: number;
  readonly middle: number;
  readonly channels: number;
  readonly inner: number;
}

/** @param span of weights, which a vector must not straddle; 0 without weights */
export function vectorsOf(layout: Layout, span: number): Vectors {
  let { outer, groups, middle, channels, inner } = layout;
  if (groups === 1 || middle === 1) {
    [outer, middle, channels, groups] = [outer * middle, 1, groups * channels, 1];
  }
  if (groups * channels === 1) [outer, inner] = [1, outer * inner];
  const isAcross = inner === 1;
  const width = (isAcross ? channels : inner) % 4 === 0 && span % 4 === 0 ? 4 : 1;
  if (isAcross) channels /= width;
  else inner /= width;
  return { width, isAcross: isAcross && width === 4, outer, groups, middle, channels, inner };
}

/** How many vectors there are. */
export const lengthOf = ({ outer, groups, middle, channels, inner }: Vectors) =>
  outer * groups * middle * channels * inner;

/** How a reduction is shared. */
export interface Tiling {
  readonly lanes: number;
  /** Per group. */
  readonly tiles: number;
  /** Vectors of a lane, and of a slice of it. */
  readonly length: number;
  readonly sliceLength: number;
  readonly slices: number;
}

/** Vectors that a thread has at least before a lane is cut. */
const LEAST_WORK = 32;
/** Workgroups that keep a large GPU busy. */
const ENOUGH_WORKGROUPS = 2048;
const MOST_SLICES = 256;
/** Lanes that lie side by side are read together up to this many vectors. */
const WIDE = 32;

const powerOfTwo = (least: number) => 2 ** Math.ceil(Math.log2(least));

export function tilingOf({ outer, groups, middle, channels, inner }: Vectors): Tiling {
  const length = outer * middle * inner;
  // As many as are read together, and more where a lane has too few elements for its members.
  const near = Math.ceil(WIDE / powerOfTwo(inner));
  const lanes = Math.min(powerOfTwo(channels), WORKGROUP, Math.max(near, WORKGROUP / powerOfTwo(length)));
  const members = WORKGROUP / lanes;
  const tiles = Math.ceil(channels / lanes);
  const wanted = Math.min(
    Math.ceil(length / members / LEAST_WORK),
    Math.ceil(ENOUGH_WORKGROUPS / (groups * tiles)),
    MOST_SLICES,
  );
  const sliceLength = Math.ceil(length / wanted / members) * members;
  return { lanes, tiles, length, sliceLength, slices: Math.ceil(length / sliceLength) };
}
