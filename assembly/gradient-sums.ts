/**
 * @file Σdy and Σdy·(x − centre) of every group and channel. See lanes.ts for the two ways through memory.
 */
import { RUN, gather, repeatsFor, spread, strandRows, total } from './lanes';

/** Places that are walked together, in each of the two arrays. */
const STRANDS: u32 = 2;
/** Rows per repeat in a block. */
const BLOCK: u32 = 256;
/** Elements per channel in a block of runs, which has 16 lanes per channel. */
const BLOCK_OF_RUNS: u32 = 1024;
/** The longest piece of a run in one block. */
const LONGEST_PIECE: u32 = 4096;

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
  const lanesInner = isInRuns ? 1 : inner;
  const lanes = repeats * channels * lanesInner;
  const strand = isInRuns ? 0 : strandRows(middle, repeats, STRANDS);

  const apart = groups * channels * 8;
  const tables = state + 2 * apart;
  const tableBytes = groups * lanes * 4;
  let centres = centre;
  if (lanes != channels) {
    centres = tables + 2 * tableBytes;
    spread<f32>(centre, centres, groups, repeats, channels, lanesInner);
  }

  const mostRows = isInRuns ? max(1, BLOCK_OF_RUNS / inner) : BLOCK * repeats;
  const outerStep = max(1, mostRows / middle);
  const groupStep = middle < mostRows ? groups : 1;
  const numbers = groupStep * channels;
  for (let o: u32 = 0; o < outer; o += outerStep) {
    const outerEnd = min(outer, o + outerStep);
    for (let group: u32 = 0; group < groups; group += groupStep) {
      const sums = state + group * channels * 8;
      const table = tables + group * lanes * 4;
      for (let done: u32 = 0, rows: u32 = 0; done < middle; done += rows) {
        const hasStrands = done < STRANDS * strand;
        const m = hasStrands ? done / STRANDS : done;
        rows = min(mostRows, (hasStrands ? STRANDS * strand : middle) - done);
        for (let i: u32 = 0; i < inner; i += LONGEST_PIECE) {
          const piece = min(inner - i, LONGEST_PIECE);
          memory.fill(table, 0, groupStep * lanes * 4);
          memory.fill(table + tableBytes, 0, groupStep * lanes * 4);
          for (let oo = o; oo < outerEnd; oo++) {
            for (let g = group; g < group + groupStep; g++) {
              const start = (((oo * groups + g) * middle + m) * channels * inner + i) * 4;
              const its = tables + g * lanes * 4;
              const itsCentres = centres + g * lanes * 4;
              if (isInRuns) {
                sumRuns(dy + start, x + start, rows, channels, inner, piece, itsCentres, its, tableBytes);
              } else if (hasStrands) {
                sumStrands(
                  dy + start,
                  x + start,
                  (rows / STRANDS) * channels * inner,
                  strand * channels * inner * 4,
                  lanes,
                  itsCentres,
                  its,
                  tableBytes,
                );
              } else {
                sumLanes(dy + start, x + start, rows * channels * inner, lanes, itsCentres, its, tableBytes);
              }
            }
          }
          if (lanes != channels) {
            gather(table, groupStep, repeats, channels, lanesInner);
            gather(table + tableBytes, groupStep, repeats, channels, lanesInner);
          }
          accumulate(sums, table, numbers);
          accumulate(sums + apart, table + tableBytes, numbers);
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

function addRun(dy: usize, x: usize, left: u32, centres: usize, dySum: usize, tableBytes: usize): void {
  const dyXSum = dySum + tableBytes;
  const centre = v128.splat<f32>(load<f32>(centres));
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let p0 = s0;
  let p1 = s0;
  let p2 = s0;
  let p3 = s0;
  for (; left >= 16; left -= 16) {
    const g0 = v128.load(dy);
    const g1 = v128.load(dy, 16);
    const g2 = v128.load(dy, 32);
    const g3 = v128.load(dy, 48);
    s0 = f32x4.add(s0, g0);
    s1 = f32x4.add(s1, g1);
    s2 = f32x4.add(s2, g2);
    s3 = f32x4.add(s3, g3);
    p0 = f32x4.add(p0, product(g0, v128.load(x), centre));
    p1 = f32x4.add(p1, product(g1, v128.load(x, 16), centre));
    p2 = f32x4.add(p2, product(g2, v128.load(x, 32), centre));
    p3 = f32x4.add(p3, product(g3, v128.load(x, 48), centre));
    dy += 64;
    x += 64;
  }
  for (; left >= 4; left -= 4) {
    const g = v128.load(dy);
    s0 = f32x4.add(s0, g);
    p0 = f32x4.add(p0, product(g, v128.load(x), centre));
    dy += 16;
    x += 16;
  }
  for (; left > 0; left--) {
    const g = v128.load32_zero(dy);
    s1 = f32x4.add(s1, g);
    p1 = f32x4.add(p1, product(g, v128.load32_zero(x), centre));
    dy += 4;
    x += 4;
  }
  store<f32>(dySum, load<f32>(dySum) + total(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))));
  store<f32>(dyXSum, load<f32>(dyXSum) + total(f32x4.add(f32x4.add(p0, p1), f32x4.add(p2, p3))));
}
