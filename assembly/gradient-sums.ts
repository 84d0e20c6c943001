/**
 * @file A gradient's sums for every group and channel, k = group·channels + channel:
 *
 *   dySum = Σdy      dyXSum = Σdy·(x − centre)                              Equals: gradientSums of src/core/passes.ts
 *
 * The scalar loop that this equals but for rounding:
 *
 *   if (dy != 0) { dySum[k] += dy;  dyXSum[k] += dy·(x − centre[k]) }
 *
 * memory     Lanes and runs as in lanes.ts, lanes at two positions at a time: four streams with two arrays.
 * tables     float32 per lane, behind the state: Σdy, Σdy·(x − centre), and centres where lanes are not channels.
 * precision  float32 within a block, float64 across blocks.
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

/** Positions that are walked together. */
const STRANDS: u32 = 2;

/** Adds a slab to the state: dySum, dyXSum, each of groups·channels float64. */
export function gradientSums(
  dy: usize,
  x: usize,
  outer: u32,
  groups: u32,
  middle: u32,
  channels: u32,
  inner: u32,
  centre: usize,
  state: usize,
): void {
  const isInRuns = inner >= RUN;
  const repeats = isInRuns ? 1 : repeatsFor(channels * inner, middle);
  const strand = isInRuns ? 0 : strandRows(middle, repeats, STRANDS);
  const most = isInRuns ? max(1, BLOCK_OF_RUNS / inner) : (strand == 0 ? BLOCK : BLOCK_OF_STRANDS) * repeats;

  const lanesInner = isInRuns ? 1 : inner;
  const lanes = repeats * channels * lanesInner;
  const stateBytes = groups * channels * 8;
  const tableBytes = lanes * 4;
  const sums = state + 2 * stateBytes;

  for (let group: u32 = 0; group < groups; group++) {
    let centres = centre + group * channels * 4;
    if (lanes != channels) {
      const table = sums + 2 * tableBytes;
      spread<f32>(centres, table, repeats, channels, lanesInner);
      centres = table;
    }
    for (let o: u32 = 0, outerStep: u32 = 0; o < outer; o += outerStep) {
      outerStep = min(outer - o, max(1, most / middle));
      for (let done: u32 = 0, rows: u32 = 0; done < middle; done += rows) {
        const isInStrands = done < STRANDS * strand;
        const m = isInStrands ? done / STRANDS : done;
        rows = min(most, (isInStrands ? STRANDS * strand : middle) - done);
        for (let i: u32 = 0; i < inner; i += LONGEST_PIECE) {
          const piece = min(inner - i, LONGEST_PIECE);
          memory.fill(sums, 0, 2 * tableBytes);
          for (let oo = o; oo < o + outerStep; oo++) {
            const width = channels * inner;
            const start = (((oo * groups + group) * middle + m) * width + i) * 4;
            if (isInRuns) {
              sumRuns(dy + start, x + start, rows, channels, inner, piece, centres, sums, tableBytes);
            } else if (isInStrands) {
              const length = (rows / STRANDS) * width;
              sumStrands(dy + start, x + start, length, strand * width * 4, lanes, centres, sums, tableBytes);
            } else {
              sumLanes(dy + start, x + start, rows * width, lanes, centres, sums, tableBytes);
            }
          }
          if (lanes != channels) {
            gather(sums, repeats, channels, lanesInner);
            gather(sums + tableBytes, repeats, channels, lanesInner);
          }
          const totals = state + group * channels * 8;
          accumulate(totals, sums, channels);
          accumulate(totals + stateBytes, sums + tableBytes, channels);
        }
      }
    }
  }
}

/** Adds float32 to float64, one after another. */
function accumulate(totals: usize, sums: usize, length: u32): void {
  for (let k: u32 = 0; k < length; k++) {
    store<f64>(totals, load<f64>(totals) + <f64>load<f32>(sums));
    totals += 8;
    sums += 4;
  }
}

/** dy·(x − centre), and 0 where dy is 0, even if x is NaN. */
function product(dy: v128, x: v128, centre: v128): v128 {
  return v128.andnot(f32x4.mul(dy, f32x4.sub(x, centre)), f32x4.eq(dy, f32x4.splat(0)));
}

/** A chunk in lanes, from its first element on. */
function sumLanes(
  dy: usize,
  x: usize,
  length: u32,
  lanes: u32,
  centres: usize,
  table: usize,
  tableBytes: usize,
): void {
  for (; length > lanes; length -= lanes) {
    sumRow(dy, x, lanes, centres, table, tableBytes);
    dy += 4 * lanes;
    x += 4 * lanes;
  }
  sumRow(dy, x, length, centres, table, tableBytes);
}

function sumRow(dy: usize, x: usize, left: u32, centre: usize, dySum: usize, tableBytes: usize): void {
  let dyXSum = dySum + tableBytes;
  for (; left >= 4; left -= 4) {
    const g = v128.load(dy);
    v128.store(dySum, f32x4.add(v128.load(dySum), g));
    v128.store(dyXSum, f32x4.add(v128.load(dyXSum), product(g, v128.load(x), v128.load(centre))));
    dy += 16;
    x += 16;
    centre += 16;
    dySum += 16;
    dyXSum += 16;
  }
  for (; left > 0; left--) {
    const g = load<f32>(dy);
    if (g != 0) {
      store<f32>(dySum, load<f32>(dySum) + g);
      store<f32>(dyXSum, load<f32>(dyXSum) + g * (load<f32>(x) - load<f32>(centre)));
    }
    dy += 4;
    x += 4;
    centre += 4;
    dySum += 4;
    dyXSum += 4;
  }
}

/** Two chunks in lanes, together. */
function sumStrands(
  dy: usize,
  x: usize,
  length: u32,
  apart: usize,
  lanes: u32,
  centres: usize,
  table: usize,
  tableBytes: usize,
): void {
  for (; length > lanes; length -= lanes) {
    sumTwoRows(dy, x, apart, lanes, centres, table, tableBytes);
    dy += 4 * lanes;
    x += 4 * lanes;
  }
  sumTwoRows(dy, x, apart, length, centres, table, tableBytes);
}

function sumTwoRows(
  dy0: usize,
  x0: usize,
  apart: usize,
  left: u32,
  centre: usize,
  dySum: usize,
  tableBytes: usize,
): void {
  let dyXSum = dySum + tableBytes;
  let dy1 = dy0 + apart;
  let x1 = x0 + apart;
  for (; left >= 4; left -= 4) {
    const c = v128.load(centre);
    const g0 = v128.load(dy0);
    const p0 = product(g0, v128.load(x0), c);
    const g1 = v128.load(dy1);
    const p1 = product(g1, v128.load(x1), c);
    v128.store(dySum, f32x4.add(v128.load(dySum), f32x4.add(g0, g1)));
    v128.store(dyXSum, f32x4.add(v128.load(dyXSum), f32x4.add(p0, p1)));
    dy0 += 16;
    x0 += 16;
    dy1 += 16;
    x1 += 16;
    centre += 16;
    dySum += 16;
    dyXSum += 16;
  }
  if (left == 0) return;
  sumRow(dy0, x0, left, centre, dySum, tableBytes);
  sumRow(dy1, x1, left, centre, dySum, tableBytes);
}

/** Rows in runs, a piece of each. */
function sumRuns(
  dy: usize,
  x: usize,
  rows: u32,
  channels: u32,
  inner: u32,
  piece: u32,
  centres: usize,
  table: usize,
  tableBytes: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel++) {
      addRun(dy, x, piece, centres + channel * 4, table + channel * 4, tableBytes);
      dy += inner * 4;
      x += inner * 4;
    }
  }
}

/** Some elements of one channel: four vectors at a time, and the rest one by one. */
function addRun(dy: usize, x: usize, left: u32, centres: usize, dySum: usize, tableBytes: usize): void {
  const dyXSum = dySum + tableBytes;
  const centre = v128.splat<f32>(load<f32>(centres));
  let sum: f64 = 0;
  let products: f64 = 0;
  while (left >= 16) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let p0 = s0;
    let p1 = s0;
    const end = dy + (min(left, BLOCK_OF_A_RUN) / 16) * 64;
    left -= <u32>(end - dy) / 4;
    for (; dy < end; dy += 64) {
      const g0 = v128.load(dy);
      const g1 = v128.load(dy, 16);
      const g2 = v128.load(dy, 32);
      const g3 = v128.load(dy, 48);
      s0 = f32x4.add(s0, f32x4.add(g0, g1));
      s1 = f32x4.add(s1, f32x4.add(g2, g3));
      const p01 = f32x4.add(product(g0, v128.load(x), centre), product(g1, v128.load(x, 16), centre));
      const p23 = f32x4.add(product(g2, v128.load(x, 32), centre), product(g3, v128.load(x, 48), centre));
      p0 = f32x4.add(p0, p01);
      p1 = f32x4.add(p1, p23);
      x += 64;
    }
    sum += total(f32x4.add(s0, s1));
    products += total(f32x4.add(p0, p1));
  }
  for (; left > 0; left--) {
    const g = v128.load32_zero(dy);
    sum += f32x4.extract_lane(g, 0);
    products += f32x4.extract_lane(product(g, v128.load32_zero(x), centre), 0);
    dy += 4;
    x += 4;
  }
  store<f32>(dySum, load<f32>(dySum) + <f32>sum);
  store<f32>(dyXSum, load<f32>(dyXSum) + <f32>products);
}
