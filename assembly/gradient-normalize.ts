/**
 * @file dx = a[k]·dy + w·(b[k]·(x − centre[k]) + c[k]), k = group·channels + channel, w the weight of an element.
 *                                                                    Equals: gradientNormalize of src/core/passes.ts
 * The scalar loop that this equals to the last bit, in float32; without weights, w is 1:
 *
 *   dx = a[k]·dy + (w == 0 ? 0 : w·(b[k]·(x − centre[k]) + c[k]))
 *
 * memory     Lanes and runs as in lanes.ts, strictly in order. Weighted elements are walked in spans of one weight: rows
 *            in lanes, all of inner > 1 in runs. dx may be dy or x.
 * tables     float32 per lane, behind the coefficients where lanes are not channels: centre, a, b, c.
 * precision  float32, as in normalize.ts.
 * tail       Elements beyond a multiple of 4, of a row, span or run, one by one.
 * requires   Addresses aligned to 4 bytes, sizes of at least 1, scratch behind the coefficients (`scratchByteLength` of
 *            src/backends/host/wasm-kernels.ts): src/backends/host/kernel-passes.ts sees to them.
 */
import { RUN, repeatsFor, spread } from './lanes';

/**
 * @param weights one for every `weightSpan` elements; 0 for none.
 * @param coefficients centre, a, b, c, each of groups·channels float32.
 */
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
  const length = middle * channels * inner;
  const coefficientBytes = groups * channels * 4;

  for (let group: u32 = 0; group < groups; group++) {
    let centre = coefficients + group * channels * 4;
    let apart = coefficientBytes;
    if (lanes != channels) {
      const table = coefficients + 4 * coefficientBytes;
      for (let part: u32 = 0; part < 4; part++) {
        spread<f32>(centre + part * coefficientBytes, table + part * lanes * 4, repeats, channels, inner);
      }
      centre = table;
      apart = lanes * 4;
    }
    for (let o: u32 = 0; o < outer; o++) {
      const element = (o * groups + group) * length;
      const start = element * 4;
      if (isInRuns) {
        const span = weights == 0 ? inner : weightSpan;
        const weight = weights == 0 ? <usize>0 : weights + (element / span) * 4;
        alongRuns(dy + start, x + start, dx + start, weight, span, middle, channels, inner, centre, apart);
      } else if (weights == 0) {
        alongLanes(dy + start, x + start, dx + start, length, lanes, centre, apart);
      } else {
        const weight = weights + (element / weightSpan) * 4;
        alongSpans(dy + start, x + start, dx + start, weight, weightSpan, middle, channels, centre, apart);
      }
    }
  }
}

function gradient(dy: v128, x: v128, centre: v128, a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, dy), f32x4.add(f32x4.mul(b, f32x4.sub(x, centre)), c));
}

/** A chunk in lanes; as, bs and cs stand `apart` bytes from centres and from each other. */
function alongLanes(
  dy: usize,
  x: usize,
  dx: usize,
  length: u32,
  lanes: u32,
  centres: usize,
  apart: usize,
): void {
  while (length > 0) {
    let left = min(length, lanes);
    length -= left;
    let centre = centres;
    let a = centre + apart;
    let b = a + apart;
    let c = b + apart;
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

/** Rows in spans of one weight each. */
function alongSpans(
  dy: usize,
  x: usize,
  dx: usize,
  weights: usize,
  weightSpan: u32,
  rows: u32,
  channels: u32,
  centres: usize,
  apart: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel += weightSpan) {
      const weight = load<f32>(weights);
      weights += 4;
      let centre = centres + channel * 4;
      let a = centre + apart;
      let b = a + apart;
      let c = b + apart;
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

/** Rows in runs, these in spans of one weight each. */
function alongRuns(
  dy: usize,
  x: usize,
  dx: usize,
  weights: usize,
  weightSpan: u32,
  rows: u32,
  channels: u32,
  inner: u32,
  centres: usize,
  apart: usize,
): void {
  let w = v128.splat<f32>(1);
  let isCounted = f32x4.eq(w, w);
  for (; rows > 0; rows--) {
    for (let channel = centres; channel < centres + channels * 4; channel += 4) {
      const centre = v128.splat<f32>(load<f32>(channel));
      const a = v128.splat<f32>(load<f32>(channel + apart));
      const b = v128.splat<f32>(load<f32>(channel + 2 * apart));
      const c = v128.splat<f32>(load<f32>(channel + 3 * apart));
      for (let done: u32 = 0; done < inner; done += weightSpan) {
        if (weights != 0) {
          w = v128.splat<f32>(load<f32>(weights));
          isCounted = f32x4.ne(w, f32x4.splat(0));
          weights += 4;
        }
        let left = weightSpan;
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
    }
  }
}
