/**
 * @file The gradient of a convolution's filter, channels last:
 *
 *   filter[h, w, c, o] = Σ x[n, i·strideHeight + h − top, j·strideWidth + w − left, c]·dy[n, i, j, o]      over n, i, j
 *
 * What lies outside of x has no part in it.
 *
 * For every tap (h, w) that is a product xᵀ·dy of two matrices with a row for each pixel, and both lie in memory as the
 * outer product of a row wants them: a number of x times eight of dy in a row. So nothing is transposed. Four channels by
 * eight are summed in registers.
 *
 * memory     Pixels in blocks of some rows, channels in blocks of 64, so that what all taps read stays in the cache.
 * precision  float32; of one pixel after another in a block, then of blocks.
 * tail       Channels of x beyond a multiple of 4 one by one, those of dy beyond a multiple of 8 one by one.
 * speed      45 to 58 GFLOP/s on one core of an AMD EPYC; TF.js' convolution, which XNNPACK computes, reaches 45 there.
 * requires   Addresses aligned to 4 bytes, sizes of at least 1, `FILTER_GRADIENT_SCRATCH` bytes of scratch.
 */
import { endMet, firstMet } from './taps';

/** How many numbers of x and dy a block has: 32 kB, what most first caches hold. Half or twice as many cost 10 %. */
const BLOCK: u32 = 8192;
/** Channels in a block. */
const BLOCK_CHANNELS: u32 = 64;
/**
 * From so many channels on, a block's pixels are copied together: apart, they share few of the cache's sets (1,024
 * channels: 28 GFLOP/s, and 56 with the copies).
 */
const MANY_CHANNELS: u32 = 128;

/** Bytes in the table of a row: where it begins in x and in dy. */
const ENTRY: u32 = 8;
/** What the scratch holds: the table, for as many rows as a block can have, and copies of x and of dy. */
const TABLE_BYTES: u32 = (BLOCK / 2) * ENTRY;
const COPY_BYTES: u32 = BLOCK * 4;
export const FILTER_GRADIENT_SCRATCH: u32 = TABLE_BYTES + 2 * COPY_BYTES;

/** @param scratch for the rows that a tap sees */
export function filterGradient(
  x: usize,
  dy: usize,
  filter: usize,
  scratch: usize,
  images: u32,
  inHeight: u32,
  inWidth: u32,
  inChannels: u32,
  outHeight: u32,
  outWidth: u32,
  outChannels: u32,
  filterHeight: u32,
  filterWidth: u32,
  strideHeight: u32,
  strideWidth: u32,
  top: u32,
  left: u32,
): void {
  memory.fill(filter, 0, filterHeight * filterWidth * inChannels * outChannels * 4);
  const rows = images * outHeight;
  const step = strideWidth * inChannels * 4;
  for (let firstOut: u32 = 0; firstOut < outChannels; firstOut += BLOCK_CHANNELS) {
    const outs = min(BLOCK_CHANNELS, outChannels - firstOut);
    for (let firstIn: u32 = 0; firstIn < inChannels; firstIn += BLOCK_CHANNELS) {
      const ins = min(BLOCK_CHANNELS, inChannels - firstIn);
      const pixels = BLOCK / (ins + outs);
      const blockColumns = min(pixels, outWidth);
      const blockRows = pixels / blockColumns;
      for (let row: u32 = 0; row < rows; row += blockRows) {
        const endRow = min(row + blockRows, rows);
        for (let column: u32 = 0; column < outWidth; column += blockColumns) {
          for (let w: u32 = 0; w < filterWidth; w++) {
            const first = max<u32>(column, firstMet(w, strideWidth, left));
            const end = min<u32>(column + blockColumns, endMet(w, strideWidth, left, inWidth, outWidth));
            if (first >= end) continue;
            for (let h: u32 = 0; h < filterHeight; h++) {
              let entry = scratch;
              for (let r = row; r < endRow; r++) {
                const image = r / outHeight;
                const inRow = (r - image * outHeight) * strideHeight + h;
                if (inRow < top || inRow >= inHeight + top) continue;
                const inPixel = (image * inHeight + inRow - top) * inWidth + first * strideWidth + w - left;
                store<u32>(entry, x + (inPixel * inChannels + firstIn) * 4);
                store<u32>(entry, dy + ((r * outWidth + first) * outChannels + firstOut) * 4, 4);
                entry += ENTRY;
              }
              const tap =
                filter + (((h * filterWidth + w) * inChannels + firstIn) * outChannels + firstOut) * 4;
              const length = end - first;
              let inStep = step;
              let outStep = outChannels * 4;
              if (inChannels >= MANY_CHANNELS && ins % 4 == 0) {
                copyTogether(scratch, entry, length, inStep, ins * 4, scratch + TABLE_BYTES);
                inStep = ins * 4;
              }
              if (outChannels >= MANY_CHANNELS && outs % 4 == 0) {
                copyTogether(
                  scratch + 4,
                  entry + 4,
                  length,
                  outStep,
                  outs * 4,
                  scratch + TABLE_BYTES + COPY_BYTES,
                );
                outStep = outs * 4;
              }
              addProduct(scratch, entry, length, inStep, outStep, outChannels * 4, ins, outs, tap);
            }
          }
        }
      }
    }
  }
}

/** Copies the rows of x or of dy in a table to one place, and has the table name that. */
function copyTogether(
  entry: usize,
  tableEnd: usize,
  length: u32,
  step: u32,
  byteLength: u32,
  target: usize,
): void {
  for (; entry < tableEnd; entry += ENTRY) {
    let pixel: usize = load<u32>(entry);
    store<u32>(entry, target);
    for (let i: u32 = 0; i < length; i++) {
      for (let at: u32 = 0; at < byteLength; at += 16) v128.store(target + at, v128.load(pixel + at));
      pixel += step;
      target += byteLength;
    }
  }
}

/** filter += xᵀ·dy, of the pixels in the rows of a table: `length` of each, which are so many bytes apart. */
function addProduct(
  table: usize,
  tableEnd: usize,
  length: u32,
  inStep: u32,
  outStep: u32,
  filterStep: u32,
  ins: u32,
  outs: u32,
  filter: usize,
): void {
  let c: u32 = 0;
  for (; c + 4 <= ins; c += 4) {
    let o: u32 = 0;
    for (; o + 8 <= outs; o += 8) {
      addFourByEight(
        table,
        tableEnd,
        length,
        inStep,
        outStep,
        c * 4,
        o * 4,
        filter + c * filterStep + o * 4,
        filterStep,
      );
    }
    for (; o < outs; o++) {
      addFourByOne(
        table,
        tableEnd,
        length,
        inStep,
        outStep,
        c * 4,
        o * 4,
        filter + c * filterStep + o * 4,
        filterStep,
      );
    }
  }
  for (; c < ins; c++) {
    let o: u32 = 0;
    for (; o + 8 <= outs; o += 8) {
      addOneByEight(
        table,
        tableEnd,
        length,
        inStep,
        outStep,
        c * 4,
        o * 4,
        filter + c * filterStep + o * 4,
        filterStep,
      );
    }
    for (; o < outs; o++) {
      addOneByOne(
        table,
        tableEnd,
        length,
        inStep,
        outStep,
        c * 4,
        o * 4,
        filter + c * filterStep + o * 4,
        filterStep,
      );
    }
  }
}

function addFourByEight(
  entry: usize,
  tableEnd: usize,
  length: u32,
  inStep: u32,
  outStep: u32,
  inOffset: u32,
  outOffset: u32,
  filter: usize,
  filterStep: u32,
): void {
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0);
  let d1 = f32x4.splat(0);
  for (; entry < tableEnd; entry += ENTRY) {
    let x: usize = load<u32>(entry) + inOffset;
    let dy: usize = load<u32>(entry, 4) + outOffset;
    const end = dy + length * outStep;
    for (; dy < end; dy += outStep) {
      const dy0 = v128.load(dy);
      const dy1 = v128.load(dy, 16);
      const a = v128.load32_splat(x);
      a0 = f32x4.add(a0, f32x4.mul(a, dy0));
      a1 = f32x4.add(a1, f32x4.mul(a, dy1));
      const b = v128.load32_splat(x, 4);
      b0 = f32x4.add(b0, f32x4.mul(b, dy0));
      b1 = f32x4.add(b1, f32x4.mul(b, dy1));
      const c = v128.load32_splat(x, 8);
      c0 = f32x4.add(c0, f32x4.mul(c, dy0));
      c1 = f32x4.add(c1, f32x4.mul(c, dy1));
      const d = v128.load32_splat(x, 12);
      d0 = f32x4.add(d0, f32x4.mul(d, dy0));
      d1 = f32x4.add(d1, f32x4.mul(d, dy1));
      x += inStep;
    }
  }
  addTo(filter, a0);
  addTo(filter + 16, a1);
  filter += filterStep;
  addTo(filter, b0);
  addTo(filter + 16, b1);
  filter += filterStep;
  addTo(filter, c0);
  addTo(filter + 16, c1);
  filter += filterStep;
  addTo(filter, d0);
  addTo(filter + 16, d1);
}

function addOneByEight(
  entry: usize,
  tableEnd: usize,
  length: u32,
  inStep: u32,
  outStep: u32,
  inOffset: u32,
  outOffset: u32,
  filter: usize,
  filterStep: u32,
): void {
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  for (; entry < tableEnd; entry += ENTRY) {
    let x: usize = load<u32>(entry) + inOffset;
    let dy: usize = load<u32>(entry, 4) + outOffset;
    const end = dy + length * outStep;
    for (; dy < end; dy += outStep) {
      const splat = v128.load32_splat(x);
      sum0 = f32x4.add(sum0, f32x4.mul(splat, v128.load(dy)));
      sum1 = f32x4.add(sum1, f32x4.mul(splat, v128.load(dy, 16)));
      x += inStep;
    }
  }
  addTo(filter, sum0);
  addTo(filter + 16, sum1);
}

function addFourByOne(
  entry: usize,
  tableEnd: usize,
  length: u32,
  inStep: u32,
  outStep: u32,
  inOffset: u32,
  outOffset: u32,
  filter: usize,
  filterStep: u32,
): void {
  let sum = f32x4.splat(0);
  for (; entry < tableEnd; entry += ENTRY) {
    let x: usize = load<u32>(entry) + inOffset;
    let dy: usize = load<u32>(entry, 4) + outOffset;
    const end = dy + length * outStep;
    for (; dy < end; dy += outStep) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(x), v128.load32_splat(dy)));
      x += inStep;
    }
  }
  store<f32>(filter, load<f32>(filter) + f32x4.extract_lane(sum, 0));
  filter += filterStep;
  store<f32>(filter, load<f32>(filter) + f32x4.extract_lane(sum, 1));
  filter += filterStep;
  store<f32>(filter, load<f32>(filter) + f32x4.extract_lane(sum, 2));
  filter += filterStep;
  store<f32>(filter, load<f32>(filter) + f32x4.extract_lane(sum, 3));
}

function addOneByOne(
  entry: usize,
  tableEnd: usize,
  length: u32,
  inStep: u32,
  outStep: u32,
  inOffset: u32,
  outOffset: u32,
  filter: usize,
  filterStep: u32,
): void {
  let sum: f32 = 0;
  for (; entry < tableEnd; entry += ENTRY) {
    let x: usize = load<u32>(entry) + inOffset;
    let dy: usize = load<u32>(entry, 4) + outOffset;
    const end = dy + length * outStep;
    for (; dy < end; dy += outStep) {
      sum += load<f32>(x) * load<f32>(dy);
      x += inStep;
    }
  }
  store<f32>(filter, load<f32>(filter) + sum);
}

function addTo(address: usize, numbers: v128): void {
  v128.store(address, f32x4.add(v128.load(address), numbers));
}
