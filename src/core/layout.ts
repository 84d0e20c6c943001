/**
 * @file The canonical layout. Whatever its rank and axes, an input is seen as
 *
 *   [outer, groups, middle, channels, inner]
 *
 * of which outer, middle and inner are reduced, while every group and channel keeps statistics of its own. They stand
 * in arrays of groups·channels numbers, at k = group·channels + channel.
 *
 *   axes                      x                        outer    groups     middle  channels  inner
 *   one run                   [N, H, W, C]             N·H·W    1          1       C         1
 *                             [N, C, H, W]             N        1          1       C         H·W
 *   two runs, [1, 3]          [N, A, H, C]             N        A          H       C         1
 *   ghost batches of v        [N, H, W, C]             v        N/v        H·W     C         1
 *   ghost batches, [1, 3]     [N, A, H, C]             v        N/v·A      H       C         1
 *   anything else, [0, 2, 4]  [A, H, B, W, C] as [H, W, A, B, C]
 *                                                      H·W      1          1       A·B·C     1
 *
 * Ghost batches are interleaved, not consecutive: sample i belongs to ghost batch i mod N/v, since Keras reshapes the
 * batch to [v, N/v] and reduces the first (golden: virtual_batch_size). All of them share one set of parameters, and
 * they are the slowest part of groups, so the parameter of k is k mod (groups·channels / ghosts).
 */
import { rowMajorStrides, sizeOf, stridedIndices } from './nd-array.js';

/** An input's canonical layout. */
export interface Layout {
  readonly outer: number;
  readonly groups: number;
  readonly middle: number;
  readonly channels: number;
  readonly inner: number;
  /** How many ghost batches there are; 1 without. They divide groups. */
  readonly ghosts: number;
  /** The input's own shape. */
  readonly shape: readonly number[];
  /**
   * The order of the input's dimensions in which it has this layout, or null if it has it as it stands. Kernels that
   * need it in memory transpose once by this, and their result back.
   */
  readonly permutation: readonly number[] | null;
}

/**
 * Finds the canonical layout.
 *
 * @param axes the kept dimensions, ascending; without the batch if there are ghost batches.
 * @param virtualBatchSize divides the batch; null for no ghost batches.
 */
export function makeLayout(
  shape: readonly number[],
  axes: readonly number[],
  virtualBatchSize: number | null,
): Layout {
  const runs = findRuns(axes);
  const channelRun = runs.at(-1)!;
  const hasGhosts = virtualBatchSize !== null;
  // With one run of axes the groups are the ghost batches alone: an empty run, right after the batch.
  const groupsStart = hasGhosts ? 1 : channelRun.start;
  const groupRun = runs.length > 1 ? runs[0]! : { start: groupsStart, end: groupsStart };
  if (runs.length > 2 || (hasGhosts && groupRun.start > 1)) {
    const permutation = [...shape.keys()].filter((d) => !axes.includes(d)).concat(axes);
    const permuted = permutation.map((d) => shape[d]!);
    const lastAxes = [...permuted.keys()].slice(-axes.length);
    return { ...makeLayout(permuted, lastAxes, virtualBatchSize), shape, permutation };
  }
  const ghosts = hasGhosts ? shape[0]! / virtualBatchSize : 1;
  return {
    outer: virtualBatchSize ?? sizeOf(shape.slice(0, groupRun.start)),
    groups: ghosts * sizeOf(shape.slice(groupRun.start, groupRun.end)),
    middle: sizeOf(shape.slice(groupRun.end, channelRun.start)),
    channels: sizeOf(shape.slice(channelRun.start, channelRun.end)),
    inner: sizeOf(shape.slice(channelRun.end)),
    ghosts,
    shape,
    permutation: null,
  };
}

/** Dimensions that follow each other, from `start` to before `end`. */
interface Run {
  start: number;
  end: number;
}

/** `[1, 2, 4]` → 1 to 3, 4 to 5. */
function findRuns(axes: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const axis of axes) {
    const last = runs.at(-1);
    if (last?.end === axis) last.end = axis + 1;
    else runs.push({ start: axis, end: axis + 1 });
  }
  return runs;
}

/** Visits every element with its place in memory and its k, the index of its group and channel. */
export function forEachElement(layout: Layout, visit: (element: number, k: number) => void): void {
  const { outer, groups, middle, channels, inner, shape, permutation } = layout;
  let order: Uint32Array | null = null;
  if (permutation !== null) {
    const strides = rowMajorStrides(shape);
    order = stridedIndices(
      permutation.map((d) => shape[d]!),
      permutation.map((d) => strides[d]!),
    );
  }
  let element = 0;
  for (let o = 0; o < outer; o++) {
    for (let group = 0; group < groups; group++) {
      for (let m = 0; m < middle; m++) {
        for (let channel = 0; channel < channels; channel++) {
          for (let i = 0; i < inner; i++) {
            visit(order === null ? element : order[element]!, group * channels + channel);
            element++;
          }
        }
      }
    }
  }
}
