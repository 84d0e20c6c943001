/**
 * @file Comparisons of numbers, what is made of them, and choices by them:
 *
 *   compare      y[i] = a[i] ? b[i], 1 where it holds and else 0; b may be one number for all
 *   logicalAnd   y[i] = a[i] and b[i]
 *   select       y[i] = condition[i] ? a[i] : b[i]
 *
 * memory     Strictly in order. Numbers of four bytes, truths of one, any but 0 being true.
 * tail       Beyond a multiple of 16 (select: of 4) one by one.
 * requires   Addresses of numbers aligned to 4 bytes.
 */

/** Which comparison: the order is that of src/acceleration/compare.ts. */
const enum Relation {
  Equal,
  NotEqual,
  Greater,
  GreaterEqual,
  Less,
  LessEqual,
}

function holds(relation: Relation, a: v128, b: v128): v128 {
  if (relation == Relation.Equal) return f32x4.eq(a, b);
  if (relation == Relation.NotEqual) return f32x4.ne(a, b);
  if (relation == Relation.Greater) return f32x4.gt(a, b);
  if (relation == Relation.GreaterEqual) return f32x4.ge(a, b);
  if (relation == Relation.Less) return f32x4.lt(a, b);
  return f32x4.le(a, b);
}

/** @param bStep 4, or 0 where b is one number. */
export function compare(relation: Relation, a: usize, b: usize, y: usize, length: u32, bStep: u32): void {
  const one = i8x16.splat(1);
  const number = v128.load32_splat(b);
  for (; length >= 16; length -= 16) {
    let b0 = number;
    let b1 = number;
    let b2 = number;
    let b3 = number;
    if (bStep != 0) {
      b0 = v128.load(b);
      b1 = v128.load(b, 16);
      b2 = v128.load(b, 32);
      b3 = v128.load(b, 48);
      b += 64;
    }
    const low = i16x8.narrow_i32x4_s(
      holds(relation, v128.load(a), b0),
      holds(relation, v128.load(a, 16), b1),
    );
    const high = i16x8.narrow_i32x4_s(
      holds(relation, v128.load(a, 32), b2),
      holds(relation, v128.load(a, 48), b3),
    );
    v128.store(y, v128.and(i8x16.narrow_i16x8_s(low, high), one));
    a += 64;
    y += 16;
  }
  for (; length > 0; length--) {
    const truth = holds(relation, v128.load32_zero(a), v128.load32_zero(b));
    store<u8>(y, <u8>(i32x4.extract_lane(truth, 0) & 1));
    a += 4;
    b += bStep;
    y++;
  }
}

export function logicalAnd(a: usize, b: usize, y: usize, length: u32): void {
  const zero = i8x16.splat(0);
  const one = i8x16.splat(1);
  for (; length >= 16; length -= 16) {
    const both = v128.and(i8x16.ne(v128.load(a), zero), i8x16.ne(v128.load(b), zero));
    v128.store(y, v128.and(both, one));
    a += 16;
    b += 16;
    y += 16;
  }
  for (; length > 0; length--) {
    store<u8>(y, load<u8>(a) != 0 && load<u8>(b) != 0 ? 1 : 0);
    a++;
    b++;
    y++;
  }
}

export function select(condition: usize, a: usize, b: usize, y: usize, length: u32): void {
  const zero = i32x4.splat(0);
  for (; length >= 4; length -= 4) {
    const bytes = v128.load32_zero(condition);
    const truths = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
    v128.store(y, v128.bitselect(v128.load(a), v128.load(b), i32x4.ne(truths, zero)));
    condition += 4;
    a += 16;
    b += 16;
    y += 16;
  }
  for (; length > 0; length--) {
    store<u32>(y, load<u8>(condition) != 0 ? load<u32>(a) : load<u32>(b));
    condition++;
    a += 4;
    b += 4;
    y += 4;
  }
}
