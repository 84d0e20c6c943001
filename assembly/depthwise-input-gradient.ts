/**
 * @file The gradient of a depthwise convolution's input. The scalar loop that this equals, for every tap (kh, kw) of the
 * filter and every channel c:
 *
 *   dx[n, oh·strideHeight + kh − top, ow·strideWidth + kw − left, c] += filter[kh, kw, c]·dy[n, oh, ow, c]
 *
 * memory     A row of dx is finished before the next: the taps that reach it are added, 16 channels at a time.
 * precision  float32, as many additions as the filter has taps.
 * tail       Channels beyond a multiple of 16 four at a time, and then one by one.
 * requires   Addresses aligned to 4 bytes.
 */
import { endMet, firstMet } from './taps';

export function depthwiseInputGradient(
  dy: usize,
  filter: usize,
  dx: usize,
  batch: u32,
  inHeight: i32,
  inWidth: i32,
  channels: u32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixelBytes = channels * 4;
  for (let n: u32 = 0; n < batch; n++) {
    for (let row: i32 = 0; row < inHeight; row++) {
      memory.fill(dx, 0, inWidth * pixelBytes);
      for (let kh: i32 = 0; kh < filterHeight; kh++) {
        const steps = row + top - kh;
        const oh = steps / strideHeight;
        if (steps < 0 || oh >= outHeight || oh * strideHeight != steps) continue;
        const seen = dy + (n * outHeight + oh) * outWidth * pixelBytes;
        for (let kw: i32 = 0; kw < filterWidth; kw++) {
          // The pixels of dy for which the tap lies within the row.
          const first = firstMet(kw, strideWidth, left);
          const end = endMet(kw, strideWidth, left, inWidth, outWidth);
          if (first >= end) continue;
          const reached = dx + (first * strideWidth + kw - left) * pixelBytes;
          const tap = filter + (kh * filterWidth + kw) * pixelBytes;
          addTap(seen + first * pixelBytes, tap, reached, end - first, strideWidth * pixelBytes, channels);
        }
      }
      dx += inWidth * pixelBytes;
    }
  }
}

/** dx[c] += filter[c]·dy[c] for `pixels` pixels, of which those of dx are `step` bytes apart. */
function addTap(dy: usize, filter: usize, dx: usize, pixels: u32, step: usize, channels: u32): void {
  const pixelBytes = channels * 4;
  let left = channels;
  for (; left >= 16; left -= 16) {
    const a = v128.load(filter);
    const b = v128.load(filter, 16);
    const c = v128.load(filter, 32);
    const d = v128.load(filter, 48);
    let atDx = dx;
    let atDy = dy;
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      v128.store(atDx, f32x4.add(v128.load(atDx), f32x4.mul(a, v128.load(atDy))));
      v128.store(atDx, f32x4.add(v128.load(atDx, 16), f32x4.mul(b, v128.load(atDy, 16))), 16);
      v128.store(atDx, f32x4.add(v128.load(atDx, 32), f32x4.mul(c, v128.load(atDy, 32))), 32);
      v128.store(atDx, f32x4.add(v128.load(atDx, 48), f32x4.mul(d, v128.load(atDy, 48))), 48);
      atDx += step;
      atDy += pixelBytes;
    }
    filter += 64;
    dx += 64;
    dy += 64;
  }
  for (; left >= 4; left -= 4) {
    const a = v128.load(filter);
    let atDx = dx;
    let atDy = dy;
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      v128.store(atDx, f32x4.add(v128.load(atDx), f32x4.mul(a, v128.load(atDy))));
      atDx += step;
      atDy += pixelBytes;
    }
    filter += 16;
    dx += 16;
    dy += 16;
  }
  for (; left > 0; left--) {
    const a = load<f32>(filter);
    let atDx = dx;
    let atDy = dy;
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      store<f32>(atDx, load<f32>(atDx) + a * load<f32>(atDy));
      atDx += step;
      atDy += pixelBytes;
    }
    filter += 4;
    dx += 4;
    dy += 4;
  }
}
