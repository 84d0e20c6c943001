/**
 * @file Σdy and Σdy·(x − centre) of every group and channel. See lanes.ts for the two ways through memory.
 */
import { RUN, gather, repeatsFor, spread, total } from './lanes';

/** Elements per lane in a block. */
const BLOCK: u32 = 64;
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
  const numbers = groups * channels;
  const allLanes = groups * lanes;

  const sumDy = state;
  const sumDyX = sumDy + numbers * 8;
  const dySums = sumDyX + numbers * 8;
  const dyXSums = dySums + allLanes * 4;
  let centres = centre;
  if (lanes != channels) {
    centres = dyXSums + allLanes * 4;
    spread<f32>(centre, centres, groups, repeats, channels, lanesInner);
  }

  const rowsPerBlock = isInRuns ? max(1, BLOCK_OF_RUNS / inner) : BLOCK * repeats;
  const outerStep = middle < rowsPerBlock ? rowsPerBlock / middle : 1;
  const middleStep = min(middle, rowsPerBlock);
  const innerStep = isInRuns ? min(inner, LONGEST_PIECE) : inner;
  for (let o0: u32 = 0; o0 < outer; o0 += outerStep) {
    const o1 = min(o0 + outerStep, outer);
    for (let m0: u32 = 0; m0 < middle; m0 += middleStep) {
      const rows = min(middleStep, middle - m0);
      for (let i0: u32 = 0; i0 < inner; i0 += innerStep) {
        memory.fill(dySums, 0, allLanes * 8);
        for (let o = o0; o < o1; o++) {
          for (let group: u32 = 0; group < groups; group++) {
            const start = (((o * groups + group) * middle + m0) * channels * inner + i0) * 4;
            const table = group * lanes * 4;
            if (isInRuns) {
              sumRuns(
                dy + start,
                x + start,
                rows,
                channels,
                inner,
                min(innerStep, inner - i0),
                centres + table,
                dySums + table,
                dyXSums + table,
              );
            } else {
              sumLanes(
                dy + start,
                x + start,
                rows * channels * inner,
                lanes,
                centres + table,
                dySums + table,
                dyXSums + table,
              );
            }
          }
        }
        for (let k: u32 = 0; k < numbers; k++) {
          const table = (k / channels) * lanes * 4;
          store<f64>(
            sumDy + k * 8,
            load<f64>(sumDy + k * 8) + gather(dySums + table, k % channels, repeats, channels, lanesInner),
          );
          store<f64>(
            sumDyX + k * 8,
            load<f64>(sumDyX + k * 8) + gather(dyXSums + table, k % channels, repeats, channels, lanesInner),
          );
        }
      }
    }
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
  dySums: usize,
  dyXSums: usize,
): void {
  while (length > 0) {
    let left = min(length, lanes);
    length -= left;
    let centre = centres;
    let dySum = dySums;
    let dyXSum = dyXSums;
    for (; left >= 8; left -= 8) {
      const g0 = v128.load(dy);
      const g1 = v128.load(dy, 16);
      v128.store(dySum, f32x4.add(v128.load(dySum), g0));
      v128.store(dySum, f32x4.add(v128.load(dySum, 16), g1), 16);
      v128.store(dyXSum, f32x4.add(v128.load(dyXSum), product(g0, v128.load(x), v128.load(centre))));
      v128.store(
        dyXSum,
        f32x4.add(v128.load(dyXSum, 16), product(g1, v128.load(x, 16), v128.load(centre, 16))),
        16,
      );
      dy += 32;
      x += 32;
      centre += 32;
      dySum += 32;
      dyXSum += 32;
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
}

function sumRuns(
  dy: usize,
  x: usize,
  rows: u32,
  channels: u32,
  inner: u32,
  piece: u32,
  centres: usize,
  dySums: usize,
  dyXSums: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel++) {
      const table = channel * 4;
      addRun(dy, x, piece, v128.splat<f32>(load<f32>(centres + table)), dySums + table, dyXSums + table);
      dy += inner * 4;
      x += inner * 4;
    }
  }
}

function addRun(dy: usize, x: usize, left: u32, centre: v128, dySum: usize, dyXSum: usize): void {
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
