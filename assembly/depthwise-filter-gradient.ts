/**
 * @file The gradient of a depthwise convolution's filter. The scalar loop that this equals but for rounding, for every
 * tap (kh, kw) of the filter and every channel c:
 *
 *   totals[kh, kw, c] = Σ over n, oh, ow: x[n, oh·strideHeight + kh − top, ow·strideWidth + kw − left, c]·dy[n, oh, ow, c]
 *
 * memory     A row of dy and the rows of x that it met are walked once per tap, 16 channels at a time: rows fit the cache.
 * tables     float32 per tap and channel, behind the totals.
 * precision  float32 within a block of rows, float64 across blocks.
 * tail       Channels beyond a multiple of 16 four at a time, and then one by one.
 * requires   Addresses aligned to 4 bytes, the totals to 8; behind them half as many bytes of scratch.
 */
import { endMet, firstMet } from './taps';

/** Pixels of dy whose products are summed in float32. */
const BLOCK: u32 = 512;

/** @param totals filterHeight·filterWidth·channels float64. */
export function depthwiseFilterGradient(
  x: usize,
  dy: usize,
  batch: u32,
  inHeight: i32,
  inWidth: i32,
  channels: u32,
  outHeight: u32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  totals: usize,
): void {
  const pixelBytes = channels * 4;
  const numbers = filterHeight * filterWidth * channels;
  const sums = totals + numbers * 8;
  const most = max<u32>(1, BLOCK / outWidth);
  memory.fill(totals, 0, numbers * 12);

  let inBlock: u32 = 0;
  for (let n: u32 = 0; n < batch; n++) {
    for (let oh: u32 = 0; oh < outHeight; oh++) {
      let tap = sums;
      for (let kh: i32 = 0; kh < filterHeight; kh++) {
        const row: i32 = oh * strideHeight + kh - top;
        for (let kw: i32 = 0; kw < filterWidth; kw++) {
          // The pixels of dy for which the tap lies within x.
          const first = firstMet(kw, strideWidth, left);
          const end = endMet(kw, strideWidth, left, inWidth, outWidth);
          if (row >= 0 && row < inHeight && first < end) {
            const column = first * strideWidth + kw - left;
            const met = x + ((n * inHeight + row) * inWidth + column) * pixelBytes;
            sumRow(met, dy + first * pixelBytes, end - first, strideWidth * pixelBytes, channels, tap);
          }
          tap += pixelBytes;
        }
      }
      dy += outWidth * pixelBytes;
      if (++inBlock == most) {
        moveSums(sums, totals, numbers);
        inBlock = 0;
      }
    }
  }
  moveSums(sums, totals, numbers);
}

/** sums[c] += Σ x[c]·dy[c] over `pixels` pixels, of which those of x are `step` bytes apart. */
function sumRow(x: usize, dy: usize, pixels: u32, step: usize, channels: u32, sums: usize): void {
  const pixelBytes = channels * 4;
  let left = channels;
  for (; left >= 16; left -= 16) {
    let a = v128.load(sums);
    let b = v128.load(sums, 16);
    let c = v128.load(sums, 32);
    let d = v128.load(sums, 48);
    let atX = x;
    let atDy = dy;
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      a = f32x4.add(a, f32x4.mul(v128.load(atX), v128.load(atDy)));
      b = f32x4.add(b, f32x4.mul(v128.load(atX, 16), v128.load(atDy, 16)));
      c = f32x4.add(c, f32x4.mul(v128.load(atX, 32), v128.load(atDy, 32)));
      d = f32x4.add(d, f32x4.mul(v128.load(atX, 48), v128.load(atDy, 48)));
      atX += step;
      atDy += pixelBytes;
    }
    v128.store(sums, a);
    v128.store(sums, b, 16);
    v128.store(sums, c, 32);
    v128.store(sums, d, 48);
    x += 64;
    dy += 64;
    sums += 64;
  }
  for (; left >= 4; left -= 4) {
    let a = v128.load(sums);
    let atX = x;
    let atDy = dy;
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      a = f32x4.add(a, f32x4.mul(v128.load(atX), v128.load(atDy)));
      atX += step;
      atDy += pixelBytes;
    }
    v128.store(sums, a);
    x += 16;
    dy += 16;
    sums += 16;
  }
  for (; left > 0; left--) {
    let a = load<f32>(sums);
    let atX = x;
    let atDy = dy;
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      a += load<f32>(atX) * load<f32>(atDy);
      atX += step;
      atDy += pixelBytes;
    }
    store<f32>(sums, a);
    x += 4;
    dy += 4;
    sums += 4;
  }
}

/** Adds the sums of a block to the totals, and begins them anew. */
function moveSums(sums: usize, totals: usize, numbers: u32): void {
  for (; numbers > 0; numbers--) {
    store<f64>(totals, load<f64>(totals) + <f64>load<f32>(sums));
    store<f32>(sums, 0);
    totals += 8;
    sums += 4;
  }
}
