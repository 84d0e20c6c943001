/**
 * @file y = slope[k]·(x − centre[k]) + intercept[k]. See lanes.ts for the two ways through memory.
 */
import { RUN, repeatsFor, spread } from './lanes';

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
  const numbers = groups * channels;
  const length = middle * channels * inner;

  let centre = coefficients;
  let slope = centre + numbers * 4;
  let intercept = slope + numbers * 4;
  if (lanes != channels) {
    const table = intercept + numbers * 4;
    for (let part: u32 = 0; part < 3; part++) {
      spread<f32>(
        coefficients + part * numbers * 4,
        table + part * groups * lanes * 4,
        groups,
        repeats,
        channels,
        inner,
      );
    }
    centre = table;
    slope = centre + groups * lanes * 4;
    intercept = slope + groups * lanes * 4;
  }

  for (let o: u32 = 0; o < outer; o++) {
    for (let group: u32 = 0; group < groups; group++) {
      const first = group * lanes * 4;
      if (isInRuns) {
        normalizeRuns(x, y, middle, channels, inner, centre + first, slope + first, intercept + first);
      } else {
        normalizeLanes(x, y, length, lanes, centre + first, slope + first, intercept + first);
      }
      x += length * 4;
      y += length * 4;
    }
  }
}

function normalizeLanes(
  x: usize,
  y: usize,
  length: u32,
  lanes: u32,
  centres: usize,
  slopes: usize,
  intercepts: usize,
): void {
  while (length > 0) {
    let left = min(length, lanes);
    length -= left;
    let centre = centres;
    let slope = slopes;
    let intercept = intercepts;
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

function normalizeRuns(
  x: usize,
  y: usize,
  rows: u32,
  channels: u32,
  inner: u32,
  centres: usize,
  slopes: usize,
  intercepts: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel++) {
      const centre = v128.splat<f32>(load<f32>(centres + channel * 4));
      const slope = v128.splat<f32>(load<f32>(slopes + channel * 4));
      const intercept = v128.splat<f32>(load<f32>(intercepts + channel * 4));
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
