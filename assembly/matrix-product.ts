/**
 * @file c[i, j] (+)= Σ a[i, p]·b[p, j], of matrices that lie in memory in any order that two tables can say: a[i, p] is at
 * a + aRows[i] + aTerms[p], and likewise for b and for the rows of c. So a transposed matrix, the patches of an image
 * under a convolution's filter, or every second pixel are factors as they lie, without a copy.
 *
 * The scalar loop that this equals, but for rounding:   for p: c[i, j] += a[i, p]·b[p, j]
 *
 * memory     Blocks of both factors are packed, in the order in which tiles of TILE_ROWS × TILE_COLUMNS use them: of a
 *            TILE_ROWS numbers per term, of b TILE_COLUMNS. A panel of b stays in the first-level cache, a block of a in
 *            the second.
 * precision  At most MOST_TERMS products are added up in float32, and those sums in float64. c is rounded once, or twice
 *            where it is added to.
 * tail       Rows and columns beyond the last are computed of copies of others, and not written. So nothing but the
 *            matrices is read, and what is not finite spoils its own row or column alone.
 * requires   Addresses and offsets are multiples of 4; scratch of `PRODUCT_SCRATCH_BYTES`. k may be 0.
 */

const TILE_ROWS: u32 = 4;
const TILE_COLUMNS: u32 = 8;
/** A tile of float64. */
const TILE_BYTES: u32 = TILE_ROWS * TILE_COLUMNS * 8;
/** Rows of a block of a. */
const BLOCK_ROWS: u32 = 64;
/** Columns of a block of b. */
const BLOCK_COLUMNS: u32 = 128;
/**
 * How many products are added up in float32, in order. Half as many would be twice as exact. But then sums of the filters of
 * first layers, 7×7×3, would be divided, and come out otherwise than where all is added up in order, as in TF.js and Keras:
 * max pooling would choose another of two pixels that are equal but for rounding, and send the gradient there.
 */
const MOST_TERMS: u32 = 256;

const PACKED_A_BYTES: u32 = BLOCK_ROWS * MOST_TERMS * 4;
const PACKED_B_BYTES: u32 = BLOCK_COLUMNS * MOST_TERMS * 4;
/** The bytes that a product works in. */
export const PRODUCT_SCRATCH_BYTES: u32 = PACKED_A_BYTES + PACKED_B_BYTES + BLOCK_ROWS * BLOCK_COLUMNS * 8;

/** @param aRows, aTerms, bTerms, bColumns, cRows tables of u32: offsets in bytes, whose sums wrap around. */
export function matrixProduct(
  a: usize,
  aRows: usize,
  aTerms: usize,
  b: usize,
  bTerms: usize,
  bColumns: usize,
  c: usize,
  cRows: usize,
  m: u32,
  n: u32,
  k: u32,
  isAdded: bool,
  scratch: usize,
): void {
  const packedA = scratch;
  const packedB = packedA + PACKED_A_BYTES;
  const tiles = packedB + PACKED_B_BYTES;
  // Terms in blocks that are about as long as each other.
  const blocks = (k + MOST_TERMS - 1) / MOST_TERMS;
  for (let j: u32 = 0; j < n; j += BLOCK_COLUMNS) {
    const columns = min(n - j, BLOCK_COLUMNS);
    for (let i: u32 = 0; i < m; i += BLOCK_ROWS) {
      const rows = min(m - i, BLOCK_ROWS);
      memory.fill(tiles, 0, BLOCK_ROWS * BLOCK_COLUMNS * 8);
      let p: u32 = 0;
      for (let block: u32 = 0; block < blocks; block++) {
        const terms = (k - p) / (blocks - block);
        if (blocks > 1 || i == 0) {
          pack(b, bColumns + j * 4, columns, bTerms + p * 4, terms, packedB, TILE_COLUMNS);
        }
        pack(a, aRows + i * 4, rows, aTerms + p * 4, terms, packedA, TILE_ROWS);
        let tile = tiles;
        for (let column: u32 = 0; column < columns; column += TILE_COLUMNS) {
          for (let row: u32 = 0; row < rows; row += TILE_ROWS) {
            addTile(packedA + row * terms * 4, packedB + column * terms * 4, terms, tile);
            tile += TILE_BYTES;
          }
        }
        p += terms;
      }
      write(tiles, c + j * 4, cRows + i * 4, rows, columns, isAdded);
    }
  }
}

/**
 * Packs `lanes` rows of a, or columns of b, in panels of `width` lanes: for every term, a panel's numbers one after
 * another. What is missing of the last panel is a copy of the last lane.
 */
function pack(
  source: usize,
  lanes: usize,
  count: u32,
  terms: usize,
  termCount: u32,
  target: usize,
  width: u32,
): void {
  for (let panel: u32 = 0; panel < count; panel += width) {
    for (let lane: u32 = 0; lane < width; lane += 4) {
      packFour(source, lanes, panel + lane, count - 1, terms, termCount, target + lane * 4, width * 4);
    }
    target += width * termCount * 4;
  }
}

/** Packs four lanes, each term `step` bytes behind the one before. */
function packFour(
  source: usize,
  lanes: usize,
  lane: u32,
  last: u32,
  terms: usize,
  termCount: u32,
  target: usize,
  step: usize,
): void {
  const l0 = source + load<u32>(lanes + min(lane, last) * 4);
  const l1 = source + load<u32>(lanes + min(lane + 1, last) * 4);
  const l2 = source + load<u32>(lanes + min(lane + 2, last) * 4);
  const l3 = source + load<u32>(lanes + min(lane + 3, last) * 4);
  const end = terms + termCount * 4;
  if (l1 - l0 == 4 && l2 - l0 == 8 && l3 - l0 == 12) {
    for (; terms < end; terms += 4) {
      v128.store(target, v128.load(l0 + load<u32>(terms)));
      target += step;
    }
    return;
  }
  const inARow = i32x4(0, 4, 8, 12);
  for (; terms + 16 <= end; terms += 16) {
    const offsets = v128.load(terms);
    const first: usize = i32x4.extract_lane(offsets, 0);
    if (!i32x4.all_true(i32x4.eq(i32x4.sub(offsets, i32x4.splat(<i32>first)), inARow))) break;
    const r0 = v128.load(l0 + first);
    const r1 = v128.load(l1 + first);
    const r2 = v128.load(l2 + first);
    const r3 = v128.load(l3 + first);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(target, v128.shuffle<f64>(low01, low23, 0, 2));
    v128.store(target + step, v128.shuffle<f64>(low01, low23, 1, 3));
    v128.store(target + 2 * step, v128.shuffle<f64>(high01, high23, 0, 2));
    v128.store(target + 3 * step, v128.shuffle<f64>(high01, high23, 1, 3));
    target += 4 * step;
  }
  for (; terms < end; terms += 4) {
    const offset: usize = load<u32>(terms);
    store<f32>(target, load<f32>(l0 + offset));
    store<f32>(target, load<f32>(l1 + offset), 4);
    store<f32>(target, load<f32>(l2 + offset), 8);
    store<f32>(target, load<f32>(l3 + offset), 12);
    target += step;
  }
}

/** Adds the product of two panels to a tile. */
function addTile(a: usize, b: usize, terms: u32, tile: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  for (; terms > 0; terms--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    a += 16;
    b += 32;
  }
  addFour(tile, c00);
  addFour(tile + 32, c01);
  addFour(tile + 64, c10);
  addFour(tile + 96, c11);
  addFour(tile + 128, c20);
  addFour(tile + 160, c21);
  addFour(tile + 192, c30);
  addFour(tile + 224, c31);
}

/** Adds four float32 to four float64. */
function addFour(sums: usize, values: v128): void {
  const high = v128.shuffle<f32>(values, values, 2, 3, 0, 1);
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(values)));
  v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** Writes a block's tiles to rows of c, or adds them. */
function write(tile: usize, c: usize, cRows: usize, rows: u32, columns: u32, isAdded: bool): void {
  for (let column: u32 = 0; column < columns; column += TILE_COLUMNS) {
    const width = min(columns - column, TILE_COLUMNS);
    for (let row: u32 = 0; row < ((rows + TILE_ROWS - 1) / TILE_ROWS) * TILE_ROWS; row++) {
      if (row < rows) {
        const target = c + load<u32>(cRows + row * 4) + column * 4;
        let x: u32 = 0;
        for (; x + 4 <= width; x += 4) {
          let low = v128.load(tile + x * 8);
          let high = v128.load(tile + x * 8, 16);
          if (isAdded) {
            const before = v128.load(target + x * 4);
            low = f64x2.add(low, f64x2.promote_low_f32x4(before));
            high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(before, before, 2, 3, 0, 1)));
          }
          const rounded = v128.shuffle<f64>(
            f32x4.demote_f64x2_zero(low),
            f32x4.demote_f64x2_zero(high),
            0,
            2,
          );
          v128.store(target + x * 4, rounded);
        }
        for (; x < width; x++) {
          const before: f64 = isAdded ? load<f32>(target + x * 4) : 0;
          store<f32>(target + x * 4, <f32>(before + load<f64>(tile + x * 8)));
        }
      }
      tile += TILE_COLUMNS * 8;
    }
  }
}
