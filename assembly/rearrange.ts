/**
 * @file Copies numbers from one order to another: slices, repetitions, reversals and transpositions of tensors of any
 * rank. A table has for every dimension its size and how many bytes a step takes in x and in y, the last dimension last:
 *
 *   for every index (i, j, …): y[i·yStep[0] + j·yStep[1] + …] = x[i·xStep[0] + j·xStep[1] + …]
 *
 * memory     The last two dimensions at a time, by what their steps are:
 *              rows          both step by 4 in the last one: whole rows are copied
 *              repetitions   x stands still in the last one: one number, over and over
 *              columns       x steps by 4 in the last but one: turned in squares of 4×4, in tiles that the cache holds
 *              else          number by number
 * tail       Rows, and squares that are not whole, number by number.
 * requires   Addresses and steps aligned to 4 bytes, sizes of at least 1, a rank of at least 2. Steps may be negative.
 */

/** Bytes of an entry: size, xStep, yStep, each of 32 bits. */
const ENTRY: usize = 12;
/** Sides of a tile. */
const TILE: u32 = 32;
/** Rows of as many bytes are copied by `memory.copy`. */
const LONG_ROW: u32 = 1024;

export function rearrange(x: usize, y: usize, table: usize, rank: u32): void {
  const size = load<u32>(table);
  const xStep = load<i32>(table, 4);
  const yStep = load<i32>(table, 8);
  if (rank > 2) {
    for (let i: u32 = 0; i < size; i++) {
      rearrange(x, y, table + ENTRY, rank - 1);
      x += xStep;
      y += yStep;
    }
    return;
  }
  const length = load<u32>(table, 12);
  const xInner = load<i32>(table, 16);
  const yInner = load<i32>(table, 20);
  if (yInner == 4 && xInner == 4) copyRows(x, y, size, xStep, yStep, length * 4);
  else if (yInner == 4 && xInner == 0) repeat(x, y, size, xStep, yStep, length);
  else if (yInner == 4 && xStep == 4) turn(x, y, size, yStep, length, xInner);
  else {
    for (let i: u32 = 0; i < size; i++) {
      let from = x;
      let to = y;
      for (let j: u32 = 0; j < length; j++) {
        store<u32>(to, load<u32>(from));
        from += xInner;
        to += yInner;
      }
      x += xStep;
      y += yStep;
    }
  }
}

function copyRows(x: usize, y: usize, rows: u32, xStep: i32, yStep: i32, byteLength: u32): void {
  for (; rows > 0; rows--) {
    if (byteLength >= LONG_ROW) {
      memory.copy(y, x, byteLength);
    } else {
      let left = byteLength;
      let from = x;
      let to = y;
      for (; left >= 16; left -= 16) {
        v128.store(to, v128.load(from));
        from += 16;
        to += 16;
      }
      for (; left > 0; left -= 4) {
        store<u32>(to, load<u32>(from));
        from += 4;
        to += 4;
      }
    }
    x += xStep;
    y += yStep;
  }
}

function repeat(x: usize, y: usize, rows: u32, xStep: i32, yStep: i32, length: u32): void {
  for (; rows > 0; rows--) {
    const number = v128.load32_splat(x);
    let left = length;
    let to = y;
    for (; left >= 4; left -= 4) {
      v128.store(to, number);
      to += 16;
    }
    for (; left > 0; left--) {
      v128.store_lane<u32>(to, number, 0);
      to += 4;
    }
    x += xStep;
    y += yStep;
  }
}

/** Rows of y, `yStep` bytes apart, are columns of x, whose rows are `xStep` bytes apart. */
function turn(x: usize, y: usize, rows: u32, yStep: i32, columns: u32, xStep: i32): void {
  for (let i: u32 = 0; i < rows; i += TILE) {
    const lastRow = min(rows, i + TILE);
    for (let j: u32 = 0; j < columns; j += TILE) {
      turnTile(x, y, i, lastRow, yStep, j, min(columns, j + TILE), xStep);
    }
  }
}

function turnTile(
  x: usize,
  y: usize,
  row: u32,
  lastRow: u32,
  yStep: i32,
  firstColumn: u32,
  lastColumn: u32,
  xStep: i32,
): void {
  for (; row + 4 <= lastRow; row += 4) {
    let column = firstColumn;
    let from = x + row * 4 + column * xStep;
    let to = y + row * yStep + column * 4;
    for (; column + 4 <= lastColumn; column += 4) {
      const a = v128.load(from);
      const b = v128.load(from + xStep);
      const c = v128.load(from + 2 * xStep);
      const d = v128.load(from + 3 * xStep);
      const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
      const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
      const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
      const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<u64>(ab, cd, 0, 2));
      v128.store(to + yStep, v128.shuffle<u64>(ab, cd, 1, 3));
      v128.store(to + 2 * yStep, v128.shuffle<u64>(abHigh, cdHigh, 0, 2));
      v128.store(to + 3 * yStep, v128.shuffle<u64>(abHigh, cdHigh, 1, 3));
      from += 4 * xStep;
      to += 16;
    }
    for (; column < lastColumn; column++) {
      const a = v128.load(from);
      v128.store_lane<u32>(to, a, 0);
      v128.store_lane<u32>(to + yStep, a, 1);
      v128.store_lane<u32>(to + 2 * yStep, a, 2);
      v128.store_lane<u32>(to + 3 * yStep, a, 3);
      from += xStep;
      to += 4;
    }
  }
  for (; row < lastRow; row++) {
    let from = x + row * 4 + firstColumn * xStep;
    let to = y + row * yStep + firstColumn * 4;
    for (let column = firstColumn; column < lastColumn; column++) {
      store<u32>(to, load<u32>(from));
      from += xStep;
      to += 4;
    }
  }
}
