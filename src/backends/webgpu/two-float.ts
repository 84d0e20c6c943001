/**
 * @file Numbers of about 48 bits in WGSL, as unevaluated sums of two f32, high and low, for which |low| is at most half
 * a unit in the last place of high.
 *
 * These sums and products are exact only if every operation is rounded as it is written. WGSL lets compilers reorder
 * and contract; Metal's and Direct3D's do, and would find that a low part "is" 0. So what must be rounded is `sealed`:
 * its bits go through an exclusive or with a 0 that comes from a uniform, through which no compiler can do algebra. (A
 * bitcast there and back would not help, which LLVM removes.) Products are split by a mask into halves of 12 bits,
 * which multiply exactly, so that they need no fma, which WGSL does not promise to be fused.
 *
 * Sources: Dekker 1971, "A floating-point technique for extending the available precision"; Knuth, TAOCP 2, 4.2.2,
 * theorem B; Hida, Li and Bailey 2000, "Quad-double arithmetic".
 */
import type { Width } from './program.js';

/** The arithmetic on `V`, which is f32, or a vector of four, each for itself. */
export const twoFloat = (width: Width): string => {
  const vector = (type: string) => (width === 1 ? type : `vec4<${type}>`);
  return `
alias V = ${vector('f32')};
alias Bits = ${vector('u32')};
alias Truth = ${vector('bool')};
struct Two { high: V, low: V }

fn sealed(v: V) -> V { return bitcast<V>(bitcast<Bits>(v) ^ Bits(uniforms.zero)); }
fn two(v: V) -> Two { return Two(v, V(0)); }
fn choose(otherwise: Two, value: Two, condition: Truth) -> Two {
  return Two(select(otherwise.high, value.high, condition), select(otherwise.low, value.low, condition));
}
fn negative(a: Two) -> Two { return Two(-a.high, -a.low); }

// a + b, where |a| >= |b| or a is 0
fn joined(a: V, b: V) -> Two {
  let high = sealed(a + b);
  return Two(high, sealed(b - sealed(high - a)));
}
fn sum(a: V, b: V) -> Two {
  let high = sealed(a + b);
  let ofB = sealed(high - a);
  return Two(high, sealed(sealed(a - sealed(high - ofB)) + sealed(b - ofB)));
}
fn plus(a: Two, b: Two) -> Two {
  let s = sum(a.high, b.high);
  return joined(s.high, sealed(s.low + sealed(a.low + b.low)));
}
fn upper(v: V) -> V { return bitcast<V>(bitcast<Bits>(v) & Bits(0xfffff000u)); }
fn product(a: V, b: V) -> Two {
  let high = sealed(a * b);
  let aHigh = upper(a);
  let bHigh = upper(b);
  let aLow = sealed(a - aHigh);
  let bLow = sealed(b - bHigh);
  var low = sealed(sealed(aHigh * bHigh) - high);
  low = sealed(low + sealed(aHigh * bLow));
  low = sealed(low + sealed(aLow * bHigh));
  low = sealed(low + sealed(aLow * bLow));
  // So near 0 parts or their products are lost, and what is left of low is an error of 2^-12.
  return Two(high, select(low, V(0), min(abs(high), min(abs(a), abs(b))) < V(1e-30)));
}
fn times(a: Two, b: Two) -> Two {
  let p = product(a.high, b.high);
  return joined(p.high, sealed(p.low + sealed(sealed(a.high * b.low) + sealed(a.low * b.high))));
}
fn over(a: Two, b: Two) -> Two {
  let first = sealed(a.high / b.high);
  let rest = plus(a, negative(times(b, two(first))));
  return joined(first, sealed(rest.high / b.high));
}
`;
};

/** Roots, of f32 alone. Where the root is 0, infinite or not a number, there is no low part. */
export const ROOTS = `
// 1/sqrt(a), by a step of Newton's from what the device has
fn inverseRoot(a: Two) -> Two {
  let near = sealed(inverseSqrt(a.high));
  let rest = plus(two(1), negative(times(a, product(near, near))));
  return choose(joined(near, sealed(0.5 * near * rest.high)), two(near), isnan(rest.high));
}
fn root(a: Two) -> Two { return choose(times(a, inverseRoot(a)), two(a.high), a.high == 0); }
`;

/** A number as the sum of two float32, for uniforms. */
export function split(value: number): { high: number; low: number } {
  const high = Math.fround(value);
  return { high, low: Number.isFinite(high) ? value - high : 0 };
}
