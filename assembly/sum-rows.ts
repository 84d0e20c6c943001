/**
 * @file Sums over one dimension of [outer, rows, inner], divided:
 *
 *   y[o, i] = Σ over rows: x[o, row, i] / divisor
 *
 * memory     Blocks of rows that the cache holds, 16 numbers of each row at a time.
 * tables     float32 of `inner` numbers, behind float64 of as many.
 * precision  float32 within a block, float64 across blocks.
 * tail       Numbers beyond a multiple of 16 four at a time, and then one by one.
 * requires   Addresses aligned to 4 bytes, the totals to 8; behind them half as many bytes of scratch.
 */

/** Numbers in a block, about; and rows. */
const BLOCK: u32 = 4096;
const LEAST_ROWS: u32 = 8;
const MOST_ROWS: u32 = 512;

export function sumRows(
  x: usize,
  y: usize,
  outer: u32,
  rows: u32,
  inner: u32,
  divisor: f64,
  totals: usize,
): void {
  const sums = totals + inner * 8;
  const rowBytes = inner * 4;
  const most = min(MOST_ROWS, max(LEAST_ROWS, BLOCK / inner));
  for (let o: u32 = 0; o < outer; o++) {
    memory.fill(totals, 0, inner * 8);
    for (let row: u32 = 0; row < rows; row += most) {
      const block = min(most, rows - row);
      sumBlock(x, block, inner, sums);
      x += block * rowBytes;
      for (let i: u32 = 0; i < inner; i++) {
        const total = totals + i * 8;
        store<f64>(total, load<f64>(total) + <f64>load<f32>(sums + i * 4));
      }
    }
    for (let i: u32 = 0; i < inner; i++) {
      store<f32>(y, <f32>(load<f64>(totals + i * 8) / divisor));
      y += 4;
    }
  }
}

function sumBlock(x: usize, rows: u32, inner: u32, sums: usize): void {
  const rowBytes = inner * 4;
  for (; inner >= 16; inner -= 16) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let at = x;
    for (let row: u32 = 0; row < rows; row++) {
      a = f32x4.add(a, v128.load(at));
      b = f32x4.add(b, v128.load(at, 16));
      c = f32x4.add(c, v128.load(at, 32));
      d = f32x4.add(d, v128.load(at, 48));
      at += rowBytes;
    }
    v128.store(sums, a);
    v128.store(sums, b, 16);
    v128.store(sums, c, 32);
    v128.store(sums, d, 48);
    x += 64;
    sums += 64;
  }
  for (; inner >= 4; inner -= 4) {
    let a = f32x4.splat(0);
    let at = x;
    for (let row: u32 = 0; row < rows; row++) {
      a = f32x4.add(a, v128.load(at));
      at += rowBytes;
    }
    v128.store(sums, a);
    x += 16;
    sums += 16;
  }
  for (; inner > 0; inner--) {
    let a: f32 = 0;
    let at = x;
    for (let row: u32 = 0; row < rows; row++) {
      a += load<f32>(at);
      at += rowBytes;
    }
    store<f32>(sums, a);
    x += 4;
    sums += 4;
  }
}
