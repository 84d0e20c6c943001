/**
 * @file dx = a[k]·dy + w·(b[k]·(x − centre[k]) + c[k]). See lanes.ts for the two ways through memory.
 */
import { RUN, repeatsFor, spread } from './lanes';

export function gradientNormalize(
  dy: usize,
  x: usize,
  dx: usize,
  weights: usize,
  weightSpan: u32,
  outer: u32,
  groups: u32,
  middle: u32,
  channels: u32,
  inner: u32,
  coefficients: usize,
): void {
  const isInRuns = inner >= RUN || (weights != 0 && inner > 1);
  const repeats = isInRuns || weights != 0 ? 1 : repeatsFor(channels * inner, middle);
  const lanes = isInRuns ? channels : repeats * channels * inner;
  const numbers = groups * channels;
  const length = middle * channels * inner;

  let centre = coefficients;
  let apart = numbers * 4;
  if (lanes != channels) {
    centre += 4 * apart;
    for (let part: u32 = 0; part < 4; part++) {
      spread<f32>(
        coefficients + part * apart,
        centre + part * groups * lanes * 4,
        groups,
        repeats,
        channels,
        inner,
      );
    }
    apart = groups * lanes * 4;
  }
  const a = centre + apart;
  const b = a + apart;
  const c = b + apart;

  let element: u32 = 0;
  for (let o: u32 = 0; o < outer; o++) {
    for (let group: u32 = 0; group < groups; group++) {
      const start = element * 4;
      const table = group * lanes * 4;
      if (isInRuns) {
        alongRuns(
          dy + start,
          x + start,
          dx + start,
          weights,
          weightSpan,
          element,
          middle,
          channels,
          inner,
          centre + table,
          a + table,
          b + table,
          c + table,
        );
      } else if (weights == 0) {
        alongLanes(
          dy + start,
          x + start,
          dx + start,
          length,
          lanes,
          centre + table,
          a + table,
          b + table,
          c + table,
        );
      } else {
        alongWeightedLanes(
          dy + start,
          x + start,
          dx + start,
          weights + (element / weightSpan) * 4,
          weightSpan,
          middle,
          channels,
          centre + table,
          a + table,
          b + table,
          c + table,
        );
      }
      element += length;
    }
  }
}

function gradient(dy: v128, x: v128, centre: v128, a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, dy), f32x4.add(f32x4.mul(b, f32x4.sub(x, centre)), c));
}

function alongLanes(
  dy: usize,
  x: usize,
  dx: usize,
  length: u32,
  lanes: u32,
  centres: usize,
  as: usize,
  bs: usize,
  cs: usize,
): void {
  while (length > 0) {
    let left = min(length, lanes);
    length -= left;
    let centre = centres;
    let a = as;
    let b = bs;
    let c = cs;
    for (; left >= 8; left -= 8) {
      v128.store(
        dx,
        gradient(v128.load(dy), v128.load(x), v128.load(centre), v128.load(a), v128.load(b), v128.load(c)),
      );
      v128.store(
        dx,
        gradient(
          v128.load(dy, 16),
          v128.load(x, 16),
          v128.load(centre, 16),
          v128.load(a, 16),
          v128.load(b, 16),
          v128.load(c, 16),
        ),
        16,
      );
      dy += 32;
      x += 32;
      dx += 32;
      centre += 32;
      a += 32;
      b += 32;
      c += 32;
    }
    for (; left > 0; left--) {
      store<f32>(
        dx,
        load<f32>(a) * load<f32>(dy) + (load<f32>(b) * (load<f32>(x) - load<f32>(centre)) + load<f32>(c)),
      );
      dy += 4;
      x += 4;
      dx += 4;
      centre += 4;
      a += 4;
      b += 4;
      c += 4;
    }
  }
}

function alongWeightedLanes(
  dy: usize,
  x: usize,
  dx: usize,
  weights: usize,
  weightSpan: u32,
  rows: u32,
  channels: u32,
  centres: usize,
  as: usize,
  bs: usize,
  cs: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel += weightSpan) {
      const weight = load<f32>(weights);
      weights += 4;
      let centre = centres + channel * 4;
      let a = as + channel * 4;
      let b = bs + channel * 4;
      let c = cs + channel * 4;
      const w = v128.splat<f32>(weight);
      const isCounted = f32x4.ne(w, f32x4.splat(0));
      let left = weightSpan;
      for (; left >= 4; left -= 4) {
        v128.store(
          dx,
          weightedGradient(
            v128.load(dy),
            v128.load(x),
            w,
            isCounted,
            v128.load(centre),
            v128.load(a),
            v128.load(b),
            v128.load(c),
          ),
        );
        dy += 16;
        x += 16;
        dx += 16;
        centre += 16;
        a += 16;
        b += 16;
        c += 16;
      }
      for (; left > 0; left--) {
        let result = load<f32>(a) * load<f32>(dy);
        if (weight != 0)
          result += weight * (load<f32>(b) * (load<f32>(x) - load<f32>(centre)) + load<f32>(c));
        store<f32>(dx, result);
        dy += 4;
        x += 4;
        dx += 4;
        centre += 4;
        a += 4;
        b += 4;
        c += 4;
      }
    }
  }
}

function weightedGradient(
  dy: v128,
  x: v128,
  w: v128,
  isCounted: v128,
  centre: v128,
  a: v128,
  b: v128,
  c: v128,
): v128 {
  const viaStatistics = f32x4.mul(w, f32x4.add(f32x4.mul(b, f32x4.sub(x, centre)), c));
  return f32x4.add(f32x4.mul(a, dy), v128.and(viaStatistics, isCounted));
}

function alongRuns(
  dy: usize,
  x: usize,
  dx: usize,
  weights: usize,
  weightSpan: u32,
  element: u32,
  rows: u32,
  channels: u32,
  inner: u32,
  centres: usize,
  as: usize,
  bs: usize,
  cs: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel++) {
      const centre = v128.splat<f32>(load<f32>(centres + channel * 4));
      const a = v128.splat<f32>(load<f32>(as + channel * 4));
      const b = v128.splat<f32>(load<f32>(bs + channel * 4));
      const c = v128.splat<f32>(load<f32>(cs + channel * 4));
      for (let done: u32 = 0; done < inner;) {
        let weight: f32 = 1;
        let left = inner;
        if (weights != 0) {
          weight = load<f32>(weights + ((element + done) / weightSpan) * 4);
          left = weightSpan;
        }
        done += left;
        const w = v128.splat<f32>(weight);
        const isCounted = f32x4.ne(w, f32x4.splat(0));
        for (; left >= 8; left -= 8) {
          v128.store(dx, weightedGradient(v128.load(dy), v128.load(x), w, isCounted, centre, a, b, c));
          v128.store(
            dx,
            weightedGradient(v128.load(dy, 16), v128.load(x, 16), w, isCounted, centre, a, b, c),
            16,
          );
          dy += 32;
          x += 32;
          dx += 32;
        }
        for (; left > 0; left--) {
          const result = weightedGradient(
            v128.load32_zero(dy),
            v128.load32_zero(x),
            w,
            isCounted,
            centre,
            a,
            b,
            c,
          );
          store<f32>(dx, f32x4.extract_lane(result, 0));
          dy += 4;
          x += 4;
          dx += 4;
        }
      }
      element += inner;
    }
  }
}
