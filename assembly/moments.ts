/**
 * @file Count Σw, mean Σwx/Σw and m2 = Σw(x − mean)² of every group and channel. See lanes.ts for the two ways through
 * memory.
 */
import { RUN, gather, repeatsFor, spread, total } from './lanes';

/** Elements per lane in a block. */
const BLOCK: u32 = 64;
/** Elements per channel in a block of runs, which has 16 lanes per channel. */
const BLOCK_OF_RUNS: u32 = 1024;
/** The longest piece of a run in one block. */
const LONGEST_PIECE: u32 = 4096;

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
  const lanesInner = isInRuns ? 1 : inner;
  const lanes = repeats * channels * lanesInner;
  const numbers = groups * channels;
  const allLanes = groups * lanes;

  const count = state;
  const mean = count + numbers * 8;
  const m2 = mean + numbers * 8;
  const shift = m2 + numbers * 8;
  const sum = shift + allLanes * 4;
  const squares = sum + allLanes * 4;
  const weightSum = squares + allLanes * 4;
  const sumsSize = allLanes * (weights == 0 ? 8 : 12);

  const rowsPerBlock = isInRuns ? max(1, BLOCK_OF_RUNS / inner) : BLOCK * repeats;
  const outerStep = middle < rowsPerBlock ? rowsPerBlock / middle : 1;
  const middleStep = min(middle, rowsPerBlock);
  const innerStep = isInRuns ? min(inner, LONGEST_PIECE) : inner;

  let lacksShift = hasZero(count, numbers);
  spread<f64>(mean, shift, groups, repeats, channels, lanesInner);
  for (let o0: u32 = 0; o0 < outer; o0 += outerStep) {
    const o1 = min(o0 + outerStep, outer);
    for (let m0: u32 = 0; m0 < middle; m0 += middleStep) {
      const rows = min(middleStep, middle - m0);
      for (let i0: u32 = 0; i0 < inner; i0 += innerStep) {
        const piece = min(innerStep, inner - i0);
        const elements = (o1 - o0) * rows * piece;
        for (let isShiftRound = lacksShift; ; isShiftRound = false) {
          memory.fill(sum, 0, sumsSize);
          for (let o = o0; o < o1; o++) {
            for (let group: u32 = 0; group < groups; group++) {
              const element = ((o * groups + group) * middle + m0) * channels * inner + i0;
              const start = x + element * 4;
              const table = group * lanes * 4;
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
                  shift + table,
                  sum + table,
                  squares + table,
                  weightSum + table,
                );
              } else if (weights == 0) {
                sumLanes(start, rows * channels * inner, lanes, shift + table, sum + table, squares + table);
              } else {
                sumWeightedLanes(
                  start,
                  weights + (element / weightSpan) * 4,
                  weightSpan,
                  rows,
                  channels,
                  shift + table,
                  sum + table,
                  squares + table,
                  weightSum + table,
                );
              }
            }
          }
          if (lanes != channels) {
            for (let k: u32 = 0; k < numbers; k++) {
              const group = k / channels;
              const table = group * lanes * 4;
              store<f32>(sum + k * 4, <f32>gather(sum + table, k % channels, repeats, channels, inner));
              store<f32>(
                squares + k * 4,
                <f32>gather(squares + table, k % channels, repeats, channels, inner),
              );
            }
          }
          if (isShiftRound) {
            adoptShift(count, mean, sum, weights == 0 ? 0 : weightSum, elements, numbers);
          } else {
            merge(count, mean, m2, sum, squares, weights == 0 ? 0 : weightSum, elements, numbers);
          }
          spread<f64>(mean, shift, groups, repeats, channels, lanesInner);
          if (!isShiftRound) break;
        }
        if (lacksShift) lacksShift = weights != 0 && hasZero(count, numbers);
      }
    }
  }
}

function hasZero(values: usize, length: u32): bool {
  for (let k: u32 = 0; k < length; k++) {
    if (load<f64>(values + k * 8) == 0) return true;
  }
  return false;
}

/** Where nothing has been counted yet, the mean of the block, as float32, becomes the shift. */
function adoptShift(
  count: usize,
  mean: usize,
  sum: usize,
  weightSum: usize,
  elements: u32,
  numbers: u32,
): void {
  for (let k: u32 = 0; k < numbers; k++) {
    const n = weightSum == 0 ? <f32>elements : load<f32>(weightSum + k * 4);
    if (load<f64>(count + k * 8) == 0 && n > 0) {
      store<f64>(mean + k * 8, <f64>(<f32>load<f64>(mean + k * 8) + load<f32>(sum + k * 4) / n));
    }
  }
}

/** Chan's formula, in float64. */
function merge(
  count: usize,
  mean: usize,
  m2: usize,
  sum: usize,
  squares: usize,
  weightSum: usize,
  elements: u32,
  numbers: u32,
): void {
  for (let k: u32 = 0; k < numbers; k++) {
    const n: f64 = weightSum == 0 ? <f64>elements : <f64>load<f32>(weightSum + k * 4);
    if (n == 0) continue;
    const before = load<f64>(count + k * 8);
    const meanBefore = load<f64>(mean + k * 8);
    const s = <f64>load<f32>(sum + k * 4);
    const fromShift = s / n;
    const delta = <f64>(<f32>meanBefore) + fromShift - meanBefore;
    const share = n / (before + n);
    store<f64>(count + k * 8, before + n);
    store<f64>(mean + k * 8, meanBefore + delta * share);
    store<f64>(
      m2 + k * 8,
      load<f64>(m2 + k * 8) +
        max<f64>(0, <f64>load<f32>(squares + k * 4) - s * fromShift) +
        delta * delta * share * before,
    );
  }
}

function sumLanes(x: usize, length: u32, lanes: u32, shifts: usize, sums: usize, squaresSums: usize): void {
  while (length > 0) {
    let left = min(length, lanes);
    length -= left;
    let shift = shifts;
    let sum = sums;
    let squares = squaresSums;
    for (; left >= 8; left -= 8) {
      const d0 = f32x4.sub(v128.load(x), v128.load(shift));
      const d1 = f32x4.sub(v128.load(x, 16), v128.load(shift, 16));
      v128.store(sum, f32x4.add(v128.load(sum), d0));
      v128.store(sum, f32x4.add(v128.load(sum, 16), d1), 16);
      v128.store(squares, f32x4.add(v128.load(squares), f32x4.mul(d0, d0)));
      v128.store(squares, f32x4.add(v128.load(squares, 16), f32x4.mul(d1, d1)), 16);
      x += 32;
      shift += 32;
      sum += 32;
      squares += 32;
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
}

function sumWeightedLanes(
  x: usize,
  weights: usize,
  weightSpan: u32,
  rows: u32,
  channels: u32,
  shifts: usize,
  sums: usize,
  squaresSums: usize,
  weightSums: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel += weightSpan) {
      const weight = load<f32>(weights);
      weights += 4;
      if (weight == 0) {
        x += weightSpan * 4;
        continue;
      }
      let shift = shifts + channel * 4;
      let sum = sums + channel * 4;
      let squares = squaresSums + channel * 4;
      let weightSum = weightSums + channel * 4;
      const w = v128.splat<f32>(weight);
      let left = weightSpan;
      for (; left >= 4; left -= 4) {
        const d = f32x4.sub(v128.load(x), v128.load(shift));
        const wd = f32x4.mul(w, d);
        v128.store(sum, f32x4.add(v128.load(sum), wd));
        v128.store(squares, f32x4.add(v128.load(squares), f32x4.mul(wd, d)));
        v128.store(weightSum, f32x4.add(v128.load(weightSum), w));
        x += 16;
        shift += 16;
        sum += 16;
        squares += 16;
        weightSum += 16;
      }
      for (; left > 0; left--) {
        const d = load<f32>(x) - load<f32>(shift);
        store<f32>(sum, load<f32>(sum) + weight * d);
        store<f32>(squares, load<f32>(squares) + weight * d * d);
        store<f32>(weightSum, load<f32>(weightSum) + weight);
        x += 4;
        shift += 4;
        sum += 4;
        squares += 4;
        weightSum += 4;
      }
    }
  }
}

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
  sums: usize,
  squaresSums: usize,
  weightSums: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel++) {
      const table = channel * 4;
      const shift = v128.splat<f32>(load<f32>(shifts + table));
      for (let done: u32 = 0; done < piece;) {
        let weight: f32 = 1;
        let length = piece;
        if (weights != 0) {
          const at = element + done;
          weight = load<f32>(weights + (at / weightSpan) * 4);
          length = min(piece - done, weightSpan - (at % weightSpan));
        }
        if (weight != 0) {
          const start = x + done * 4;
          addRun(start, length, shift, weight, sums + table, squaresSums + table);
          if (weights != 0) {
            store<f32>(weightSums + table, load<f32>(weightSums + table) + weight * <f32>length);
          }
        }
        done += length;
      }
      x += inner * 4;
      element += inner;
    }
  }
}

function addRun(x: usize, left: u32, shift: v128, weight: f32, sums: usize, squaresSums: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let q0 = s0;
  let q1 = s0;
  let q2 = s0;
  let q3 = s0;
  for (; left >= 16; left -= 16) {
    const d0 = f32x4.sub(v128.load(x), shift);
    const d1 = f32x4.sub(v128.load(x, 16), shift);
    const d2 = f32x4.sub(v128.load(x, 32), shift);
    const d3 = f32x4.sub(v128.load(x, 48), shift);
    s0 = f32x4.add(s0, d0);
    s1 = f32x4.add(s1, d1);
    s2 = f32x4.add(s2, d2);
    s3 = f32x4.add(s3, d3);
    q0 = f32x4.add(q0, f32x4.mul(d0, d0));
    q1 = f32x4.add(q1, f32x4.mul(d1, d1));
    q2 = f32x4.add(q2, f32x4.mul(d2, d2));
    q3 = f32x4.add(q3, f32x4.mul(d3, d3));
    x += 64;
  }
  for (; left >= 4; left -= 4) {
    const d = f32x4.sub(v128.load(x), shift);
    s0 = f32x4.add(s0, d);
    q0 = f32x4.add(q0, f32x4.mul(d, d));
    x += 16;
  }
  let sum = total(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  let squares = total(f32x4.add(f32x4.add(q0, q1), f32x4.add(q2, q3)));
  for (; left > 0; left--) {
    const d = load<f32>(x) - f32x4.extract_lane(shift, 0);
    sum += d;
    squares += d * d;
    x += 4;
  }
  store<f32>(sums, load<f32>(sums) + weight * sum);
  store<f32>(squaresSums, load<f32>(squaresSums) + weight * squares);
}
