/**
 * @file y[k, …] = slope[k]·(x[k, …] − centre[k]) + intercept[k], k = group·channels + channel.
 *                                                                            Equals: normalize of src/core/passes.ts
 * The scalar loop that this equals to the last bit: y = slope[k]·(x − centre[k]) + intercept[k], in float32.
 *
 * memory     Lanes and runs as in lanes.ts, strictly in order. y may be x.
 * tables     float32 per lane, behind the coefficients where lanes are not channels: centre, slope, intercept.
 * precision  float32. x − centre is exact where x is near the centre, however far both are from 0.
 * tail       Elements beyond a multiple of 4, of a row or run, one by one.
 * requires   Addresses aligned to 4 bytes, sizes of at least 1, scratch behind the coefficients (`scratchByteLength` of
 *            src/backends/host/wasm-kernels.ts): src/backends/host/kernel-passes.ts sees to them.
 */
import { RUN, repeatsFor, spread } from './lanes';

/** @param coefficients centre, slope, intercept, each of groups·channels float32. */
export function normalize(
  x: usize,
  y: usize,
  outer: u32,
  groups: u32,
  middle: u32,
  channels: u32,
  inner: u32,
  coefficients: usize,
): void {
  const isInRuns = inner >= RUN;
  const repeats = isInRuns ? 1 : repeatsFor(channels * inner, middle);
  const lanes = isInRuns ? channels : repeats * channels * inner;
  const length = middle * channels * inner;
  const coefficientBytes = groups * channels * 4;

  for (let group: u32 = 0; group < groups; group++) {
    let centre = coefficients + group * channels * 4;
    let apart = coefficientBytes;
    if (lanes != channels) {
      const table = coefficients + 3 * coefficientBytes;
      for (let part: u32 = 0; part < 3; part++) {
        spread<f32>(centre + part * coefficientBytes, table + part * lanes * 4, repeats, channels, inner);
      }
      centre = table;
      apart = lanes * 4;
    }
    for (let o: u32 = 0; o < outer; o++) {
      const start = (o * groups + group) * length * 4;
      if (isInRuns) {
        normalizeRuns(x + start, y + start, middle, channels, inner, centre, apart);
      } else {
        normalizeLanes(x + start, y + start, length, lanes, centre, apart);
      }
    }
  }
}

/** A chunk in lanes; slopes and intercepts stand `apart` bytes from centres and from each other. */
function normalizeLanes(x: usize, y: usize, length: u32, lanes: u32, centres: usize, apart: usize): void {
  while (length > 0) {
    let left = min(length, lanes);
    length -= left;
    let centre = centres;
    let slope = centre + apart;
    let intercept = slope + apart;
    for (; left >= 16; left -= 16) {
      v128.store(y, affine(v128.load(x), v128.load(centre), v128.load(slope), v128.load(intercept)));
      v128.store(
        y,
        affine(v128.load(x, 16), v128.load(centre, 16), v128.load(slope, 16), v128.load(intercept, 16)),
        16,
      );
      v128.store(
        y,
        affine(v128.load(x, 32), v128.load(centre, 32), v128.load(slope, 32), v128.load(intercept, 32)),
        32,
      );
      v128.store(
        y,
        affine(v128.load(x, 48), v128.load(centre, 48), v128.load(slope, 48), v128.load(intercept, 48)),
        48,
      );
      x += 64;
      y += 64;
      centre += 64;
      slope += 64;
      intercept += 64;
    }
    for (; left >= 4; left -= 4) {
      v128.store(y, affine(v128.load(x), v128.load(centre), v128.load(slope), v128.load(intercept)));
      x += 16;
      y += 16;
      centre += 16;
      slope += 16;
      intercept += 16;
    }
    for (; left > 0; left--) {
      store<f32>(y, load<f32>(slope) * (load<f32>(x) - load<f32>(centre)) + load<f32>(intercept));
      x += 4;
      y += 4;
      centre += 4;
      slope += 4;
      intercept += 4;
    }
  }
}

/** Rows in runs. */
function normalizeRuns(
  x: usize,
  y: usize,
  rows: u32,
  channels: u32,
  inner: u32,
  centres: usize,
  apart: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel = centres; channel < centres + channels * 4; channel += 4) {
      const centre = v128.splat<f32>(load<f32>(channel));
      const slope = v128.splat<f32>(load<f32>(channel + apart));
      const intercept = v128.splat<f32>(load<f32>(channel + 2 * apart));
      let left = inner;
      for (; left >= 16; left -= 16) {
        v128.store(y, affine(v128.load(x), centre, slope, intercept));
        v128.store(y, affine(v128.load(x, 16), centre, slope, intercept), 16);
        v128.store(y, affine(v128.load(x, 32), centre, slope, intercept), 32);
        v128.store(y, affine(v128.load(x, 48), centre, slope, intercept), 48);
        x += 64;
        y += 64;
      }
      for (; left >= 4; left -= 4) {
        v128.store(y, affine(v128.load(x), centre, slope, intercept));
        x += 16;
        y += 16;
      }
      for (; left > 0; left--) {
        const result = affine(v128.load32_zero(x), centre, slope, intercept);
        store<f32>(y, f32x4.extract_lane(result, 0));
        x += 4;
        y += 4;
      }
    }
  }
}

function affine(x: v128, centre: v128, slope: v128, intercept: v128): v128 {
  return f32x4.add(f32x4.mul(slope, f32x4.sub(x, centre)), intercept);
}
