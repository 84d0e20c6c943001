/**
 * @file A batch's moments for every group and channel, k = group·channels + channel, about elements of weight w:
 *
 *   count = Σw      mean = Σwx/Σw      m2 = Σw(x − mean)²                        Equals: moments of src/core/passes.ts
 *
 * The scalar loop that this equals but for rounding, over all elements whose weight is not 0, in any order:
 *
 *   count[k] += w;  delta = x − mean[k];  mean[k] += delta·w/count[k];  m2[k] += w·delta·(x − mean[k])
 *
 * memory     Lanes and runs as in lanes.ts, lanes at four positions at a time. Weighted elements are walked in spans of one
 *            weight: rows in lanes, four at a time where a row is a span; all of inner > 1 in runs.
 * tables     float32 per lane, behind the state: shift, Σw(x − shift), Σw(x − shift)², and Σw if there are weights.
 * precision  float32 within a block, where the shift, the mean of all before it, keeps the squares of what is summed
 *            near those that are sought; blocks are merged by Chan's formula in float64. Not E[x²] − E[x]². Squares
 *            beyond float32, of x some 1e19 from the mean, are Infinity, as the variance is that they make.
 *            Four squares are added up before they meet the sum wherever four are at hand. Far from 0, x − shift has few
 *            bits, k units of them, and k² is 0 or 1 modulo 4: added singly, what rounding drops is a 1 more often than
 *            a 3, and at a mean of 1e4 the variance comes out 3e-7 too small; of four squares all remainders occur.
 * tail       Lanes beyond a multiple of 4 are added one by one; so are elements of a run.
 * requires   Addresses aligned to 4 bytes, sizes of at least 1, scratch behind the state (`scratchByteLength` of
 *            src/backends/host/wasm-kernels.ts): src/backends/host/kernel-passes.ts sees to them.
 */
import {
  BLOCK,
  BLOCK_OF_A_RUN,
  BLOCK_OF_RUNS,
  BLOCK_OF_STRANDS,
  LONGEST_PIECE,
  RUN,
  gather,
  repeatsFor,
  spread,
  strandRows,
  total,
} from './lanes';
import { spreadOverSpans, sumSpans, sumWeightedRows } from './weighted-moments';

/** Positions that are walked together. */
const STRANDS: u32 = 4;
/** Rows per repeat in the first block, and elements per channel where there are runs. It is summed twice. */
const FIRST_BLOCK: u32 = 16;
const FIRST_BLOCK_OF_RUNS: u32 = 64;

/**
 * Adds a slab to the state: count, mean, m2, each of groups·channels float64.
 *
 * @param weights one for every `weightSpan` elements; 0 for none.
 */
export function moments(
  x: usize,
  weights: usize,
  weightSpan: u32,
  outer: u32,
  groups: u32,
  middle: u32,
  channels: u32,
  inner: u32,
  state: usize,
): void {
  const isInRuns = inner >= RUN || (weights != 0 && inner > 1);
  const repeats = isInRuns || weights != 0 ? 1 : repeatsFor(channels * inner, middle);
  const strand = isInRuns || weights != 0 ? 0 : strandRows(middle, repeats, STRANDS);
  const first = isInRuns ? max(1, FIRST_BLOCK_OF_RUNS / inner) : FIRST_BLOCK * repeats;
  const isOfWeightedRows = !isInRuns && weights != 0 && weightSpan == channels;
  const rowsAtOnce: u32 = isOfWeightedRows ? 4 : repeats;
  const most = isInRuns
    ? max(1, BLOCK_OF_RUNS / inner)
    : (strand == 0 ? BLOCK : BLOCK_OF_STRANDS) * rowsAtOnce;

  const lanesInner = isInRuns ? 1 : inner;
  const lanes = repeats * channels * lanesInner;
  const stateBytes = groups * channels * 8;
  const tableBytes = lanes * 4;
  const shifts = state + 3 * stateBytes;
  const sums = shifts + tableBytes;

  for (let group: u32 = 0; group < groups; group++) {
    const count = state + group * channels * 8;
    for (let o: u32 = 0, outerStep: u32 = 0; o < outer; o += outerStep) {
      outerStep = min(outer - o, max(1, blockRows(o * middle, first, most) / middle));
      for (let done: u32 = 0, rows: u32 = 0; done < middle; done += rows) {
        const isInStrands = done < STRANDS * strand;
        const m = isInStrands ? done / STRANDS : done;
        rows = min(
          blockRows(o * middle + done, first, most),
          (isInStrands ? STRANDS * strand : middle) - done,
        );
        for (let i: u32 = 0; i < inner; i += LONGEST_PIECE) {
          const piece = min(inner - i, LONGEST_PIECE);
          const elements = weights == 0 ? outerStep * rows * piece : 0;
          for (let isFirst = hasZero(count, channels); ; isFirst = false) {
            spread<f64>(count + stateBytes, shifts, repeats, channels, lanesInner);
            memory.fill(sums, 0, tableBytes * (weights == 0 ? 2 : 3));
            for (let oo = o; oo < o + outerStep; oo++) {
              const element = ((oo * groups + group) * middle + m) * channels * inner + i;
              const start = x + element * 4;
              if (isInRuns) {
                sumRuns(
                  start,
                  weights,
                  weightSpan,
                  element,
                  rows,
                  channels,
                  inner,
                  piece,
                  shifts,
                  tableBytes,
                );
              } else if (weights != 0) {
                const weight = weights + (element / weightSpan) * 4;
                if (isOfWeightedRows) sumWeightedRows(start, weight, rows, channels, shifts, tableBytes);
                else sumSpans(start, weight, weightSpan, rows, channels, shifts, tableBytes);
              } else if (isInStrands) {
                const width = channels * inner;
                sumStrands(start, (rows / STRANDS) * width, strand * width * 4, lanes, shifts, tableBytes);
              } else {
                sumLanes(start, rows * channels * inner, lanes, shifts, tableBytes);
              }
            }
            if (weights != 0 && !isInRuns) spreadOverSpans(sums + 2 * tableBytes, weightSpan, channels);
            if (lanes != channels) {
              gather(sums, repeats, channels, lanesInner);
              gather(sums + tableBytes, repeats, channels, lanesInner);
            }
            if (!isFirst) break;
            adoptShift(count, stateBytes, channels, sums, tableBytes, elements);
          }
          merge(count, stateBytes, channels, sums, tableBytes, elements);
        }
      }
    }
  }
}

/**
 * Rows of the next block: three times as many as before it, at most. So the squares about the mean of those before add
 * up to no more than four times those about the mean of all, whatever comes.
 */
function blockRows(before: u32, first: u32, most: u32): u32 {
  return min(most, max(first, 3 * min(before, most)));
}

function hasZero(values: usize, length: u32): bool {
  for (let k: u32 = 0; k < length; k++) {
    if (load<f64>(values + k * 8) == 0) return true;
  }
  return false;
}

/**
 * Where nothing has been counted yet, the mean of the block, as float32, becomes the mean so far, and so the shift.
 *
 * @param elements how many each channel had; 0 if weights tell.
 */
function adoptShift(
  count: usize,
  stateBytes: usize,
  channels: u32,
  sum: usize,
  tableBytes: usize,
  elements: u32,
): void {
  for (let channel: u32 = 0; channel < channels; channel++) {
    const n = elements != 0 ? <f32>elements : load<f32>(sum + 2 * tableBytes);
    if (n > 0 && load<f64>(count) == 0) {
      const mean = <f32>load<f64>(count + stateBytes) + load<f32>(sum) / n;
      store<f64>(count + stateBytes, <f64>mean);
    }
    count += 8;
    sum += 4;
  }
}

/**
 * Merges a block into the state by Chan's formula, with n elements about a mean of shift + Σ(x − shift)/n:
 *
 *   delta = block's mean − mean;  mean += delta·n/(count + n);  m2 += block's m2 + delta²·count·n/(count + n)
 *
 * Two channels at a time; without weights all have the same counts. What is computed beside the last of an odd number is
 * not stored. Where a block has no weight, the smallest n instead of 0 leaves the state as it is.
 *
 * @param elements how many each channel had; 0 if weights tell.
 */
function merge(
  count: usize,
  stateBytes: usize,
  channels: u32,
  sums: usize,
  tableBytes: usize,
  elements: u32,
): void {
  const smallest = f64x2.splat(f64.MIN_NORMAL_VALUE);
  let before = f64x2.splat(load<f64>(count));
  let added = f64x2.splat(elements);
  let n = added;
  let share = f64x2.div(n, f64x2.add(before, n));
  for (let left = <i32>channels; left > 0; left -= 2) {
    if (elements == 0) {
      before = v128.load(count);
      added = f64x2.promote_low_f32x4(v128.load64_zero(sums + 2 * tableBytes));
      n = f64x2.max(added, smallest);
      share = f64x2.div(n, f64x2.add(before, n));
    }
    const sum = f64x2.promote_low_f32x4(v128.load64_zero(sums));
    const squares = f64x2.promote_low_f32x4(v128.load64_zero(sums + tableBytes));
    const mean = v128.load(count + stateBytes);
    const m2 = v128.load(count + 2 * stateBytes);

    const shift = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(mean));
    const fromShift = f64x2.div(sum, n);
    const delta = f64x2.sub(f64x2.add(shift, fromShift), mean);
    const move = f64x2.mul(delta, share);
    // Rounding alone can make it negative, and a variance must not be, whose root is taken.
    const inside = f64x2.max(f64x2.splat(0), f64x2.sub(squares, f64x2.mul(sum, fromShift)));
    const between = f64x2.mul(f64x2.mul(delta, move), before);
    storeTwo(count, f64x2.add(before, added), left);
    storeTwo(count + stateBytes, f64x2.add(mean, move), left);
    storeTwo(count + 2 * stateBytes, f64x2.add(m2, f64x2.add(inside, between)), left);
    count += 16;
    sums += 8;
  }
}

/** Stores two float64, or the first of them if only one is left. */
function storeTwo(address: usize, values: v128, left: i32): void {
  if (left >= 2) v128.store(address, values);
  else v128.store64_lane(address, values, 0);
}

/** A chunk in lanes, from its first element on. */
function sumLanes(x: usize, length: u32, lanes: u32, shifts: usize, tableBytes: usize): void {
  for (; length > lanes; length -= lanes) {
    sumRow(x, lanes, shifts, tableBytes);
    x += 4 * lanes;
  }
  sumRow(x, length, shifts, tableBytes);
}

function sumRow(x: usize, left: u32, shift: usize, tableBytes: usize): void {
  let sum = shift + tableBytes;
  let squares = sum + tableBytes;
  for (; left >= 4; left -= 4) {
    const d = f32x4.sub(v128.load(x), v128.load(shift));
    v128.store(sum, f32x4.add(v128.load(sum), d));
    v128.store(squares, f32x4.add(v128.load(squares), f32x4.mul(d, d)));
    x += 16;
    shift += 16;
    sum += 16;
    squares += 16;
  }
  for (; left > 0; left--) {
    const d = load<f32>(x) - load<f32>(shift);
    store<f32>(sum, load<f32>(sum) + d);
    store<f32>(squares, load<f32>(squares) + d * d);
    x += 4;
    shift += 4;
    sum += 4;
    squares += 4;
  }
}

/** Four chunks in lanes, together. */
function sumStrands(x: usize, length: u32, apart: usize, lanes: u32, shifts: usize, tableBytes: usize): void {
  for (; length > lanes; length -= lanes) {
    sumFourRows(x, apart, lanes, shifts, tableBytes);
    x += 4 * lanes;
  }
  sumFourRows(x, apart, length, shifts, tableBytes);
}

function sumFourRows(x0: usize, apart: usize, left: u32, shift: usize, tableBytes: usize): void {
  let x1 = x0 + apart;
  let x2 = x1 + apart;
  let x3 = x2 + apart;
  let sum = shift + tableBytes;
  let squares = sum + tableBytes;
  for (; left >= 8; left -= 8) {
    addFour(v128.load(x0), v128.load(x1), v128.load(x2), v128.load(x3), v128.load(shift), sum, squares);
    addFour(
      v128.load(x0, 16),
      v128.load(x1, 16),
      v128.load(x2, 16),
      v128.load(x3, 16),
      v128.load(shift, 16),
      sum + 16,
      squares + 16,
    );
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    shift += 32;
    sum += 32;
    squares += 32;
  }
  for (; left >= 4; left -= 4) {
    const s = v128.load(shift);
    const d0 = f32x4.sub(v128.load(x0), s);
    const d1 = f32x4.sub(v128.load(x1), s);
    const d2 = f32x4.sub(v128.load(x2), s);
    const d3 = f32x4.sub(v128.load(x3), s);
    const squares01 = f32x4.add(f32x4.mul(d0, d0), f32x4.mul(d1, d1));
    const squares23 = f32x4.add(f32x4.mul(d2, d2), f32x4.mul(d3, d3));
    v128.store(sum, f32x4.add(v128.load(sum), f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3))));
    v128.store(squares, f32x4.add(v128.load(squares), f32x4.add(squares01, squares23)));
    x0 += 16;
    x1 += 16;
    x2 += 16;
    x3 += 16;
    shift += 16;
    sum += 16;
    squares += 16;
  }
  if (left == 0) return;
  sumRow(x0, left, shift, tableBytes);
  sumRow(x1, left, shift, tableBytes);
  sumRow(x2, left, shift, tableBytes);
  sumRow(x3, left, shift, tableBytes);
}

/** Rows in runs, a piece of each; `element` is the first one's index, by which weights are found. */
function sumRuns(
  x: usize,
  weights: usize,
  weightSpan: u32,
  element: u32,
  rows: u32,
  channels: u32,
  inner: u32,
  piece: u32,
  shifts: usize,
  tableBytes: usize,
): void {
  for (; rows > 0; rows--) {
    for (let shift = shifts; shift < shifts + channels * 4; shift += 4) {
      if (weights == 0) {
        addRun(x, piece, 1, shift, tableBytes);
      } else {
        for (let done: u32 = 0, length: u32 = 0; done < piece; done += length) {
          const at = element + done;
          length = min(piece - done, weightSpan - (at % weightSpan));
          const weight = load<f32>(weights + (at / weightSpan) * 4);
          if (weight == 0) continue;
          addRun(x + done * 4, length, weight, shift, tableBytes);
          const weightSum = shift + 3 * tableBytes;
          store<f32>(weightSum, load<f32>(weightSum) + weight * <f32>length);
        }
      }
      x += inner * 4;
      element += inner;
    }
  }
}

/** Some elements of one weight and channel: four vectors at a time, and the rest one by one. */
function addRun(x: usize, left: u32, weight: f32, shifts: usize, tableBytes: usize): void {
  const shift = v128.splat<f32>(load<f32>(shifts));
  let sum: f64 = 0;
  let squares: f64 = 0;
  while (left >= 16) {
    let sums = f32x4.splat(0);
    let squareSums = sums;
    const end = x + (min(left, BLOCK_OF_A_RUN) / 16) * 64;
    left -= <u32>(end - x) / 4;
    for (; x < end; x += 64) {
      const d0 = f32x4.sub(v128.load(x), shift);
      const d1 = f32x4.sub(v128.load(x, 16), shift);
      const d2 = f32x4.sub(v128.load(x, 32), shift);
      const d3 = f32x4.sub(v128.load(x, 48), shift);
      const squares01 = f32x4.add(f32x4.mul(d0, d0), f32x4.mul(d1, d1));
      const squares23 = f32x4.add(f32x4.mul(d2, d2), f32x4.mul(d3, d3));
      sums = f32x4.add(sums, f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3)));
      squareSums = f32x4.add(squareSums, f32x4.add(squares01, squares23));
    }
    sum += total(sums);
    squares += total(squareSums);
  }
  for (; left > 0; left--) {
    const d = load<f32>(x) - f32x4.extract_lane(shift, 0);
    sum += d;
    squares += d * d;
    x += 4;
  }
  const sumAt = shifts + tableBytes;
  const squaresAt = sumAt + tableBytes;
  store<f32>(sumAt, load<f32>(sumAt) + weight * <f32>sum);
  store<f32>(squaresAt, load<f32>(squaresAt) + weight * <f32>squares);
}

function addFour(x0: v128, x1: v128, x2: v128, x3: v128, shift: v128, sum: usize, squares: usize): void {
  const d0 = f32x4.sub(x0, shift);
  const d1 = f32x4.sub(x1, shift);
  const d2 = f32x4.sub(x2, shift);
  const d3 = f32x4.sub(x3, shift);
  const squares01 = f32x4.add(f32x4.mul(d0, d0), f32x4.mul(d1, d1));
  const squares23 = f32x4.add(f32x4.mul(d2, d2), f32x4.mul(d3, d3));
  v128.store(sum, f32x4.add(v128.load(sum), f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3))));
  v128.store(squares, f32x4.add(v128.load(squares), f32x4.add(squares01, squares23)));
}
