/**
 * @file The hashes of TensorFlow's strings: FarmHash's Fingerprint64 (`to_hash_bucket_fast`), SipHash-2-4
 * (`to_hash_bucket_strong`), and how crosses of features join them. All are of 64 bits.
 */

const MASK = 0xffff_ffff_ffff_ffffn;
const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;

const wrap = (x: bigint) => x & MASK;
const rotateRight = (x: bigint, by: bigint) => wrap((x >> by) | (x << (64n - by)));
const shiftMix = (x: bigint) => x ^ (x >> 47n);

function mix(u: bigint, v: bigint, factor: bigint): bigint {
  const a = shiftMix(wrap((u ^ v) * factor));
  return wrap(shiftMix(wrap((v ^ a) * factor)) * factor);
}

/** FarmHash's Fingerprint64. */
export function fingerprint(text: Uint8Array): bigint {
  const view = new DataView(text.buffer, text.byteOffset, text.byteLength);
  const at = (index: number) => view.getBigUint64(index, true);
  const { length } = text;
  if (length > 64) return fingerprintOfLong(length, at);
  const factor = wrap(K2 + 2n * BigInt(length));
  if (length > 32) {
    const [a, b] = [wrap(at(0) * K2), at(8)];
    const [c, d] = [wrap(at(length - 8) * factor), wrap(at(length - 16) * K2)];
    const y = wrap(rotateRight(wrap(a + b), 43n) + rotateRight(c, 30n) + d);
    const z = mix(y, wrap(a + rotateRight(wrap(b + K2), 18n) + c), factor);
    const [e, f] = [wrap(at(16) * factor), at(24)];
    const [g, h] = [wrap((y + at(length - 32)) * factor), wrap((z + at(length - 24)) * factor)];
    return mix(
      wrap(rotateRight(wrap(e + f), 43n) + rotateRight(g, 30n) + h),
      wrap(e + rotateRight(wrap(f + a), 18n) + g),
      factor,
    );
  }
  if (length > 16) {
    const [a, b] = [wrap(at(0) * K1), at(8)];
    const [c, d] = [wrap(at(length - 8) * factor), wrap(at(length - 16) * K2)];
    return mix(
      wrap(rotateRight(wrap(a + b), 43n) + rotateRight(c, 30n) + d),
      wrap(a + rotateRight(wrap(b + K2), 18n) + c),
      factor,
    );
  }
  if (length >= 8) {
    const [a, b] = [wrap(at(0) + K2), at(length - 8)];
    const c = wrap(rotateRight(b, 37n) * factor + a);
    return mix(c, wrap((rotateRight(a, 25n) + b) * factor), factor);
  }
  if (length >= 4) {
    const [first, last] = [0, length - 4].map((index) => BigInt(view.getUint32(index, true)));
    return mix(wrap(BigInt(length) + (first! << 3n)), last!, factor);
  }
  if (length === 0) return K2;
  const [a, b, c] = [text[0]!, text[length >> 1]!, text[length - 1]!].map(BigInt) as [bigint, bigint, bigint];
  return wrap(shiftMix(wrap(wrap((a + (b << 8n)) * K2) ^ wrap((BigInt(length) + (c << 2n)) * K0))) * K2);
}

type Pair = [bigint, bigint];

function fingerprintOfLong(length: number, at: (index: number) => bigint): bigint {
  /** Of 32 bytes from an index on. */
  const weak = (index: number, first: bigint, second: bigint): Pair => {
    let a = wrap(first + at(index));
    let b = rotateRight(wrap(second + a + at(index + 24)), 21n);
    const c = a;
    a = wrap(a + at(index + 8) + at(index + 16));
    b = wrap(b + rotateRight(a, 44n));
    return [wrap(a + at(index + 24)), wrap(b + c)];
  };
  let x = wrap(81n * K2 + at(0));
  let y = wrap(81n * K1 + 113n);
  let z = wrap(shiftMix(wrap(y * K2 + 113n)) * K2);
  let [v, w]: [Pair, Pair] = [
    [0n, 0n],
    [0n, 0n],
  ];
  /** Takes in 64 bytes; the last ones otherwise. */
  const take = (index: number, factor: bigint, weight: bigint) => {
    x = wrap(rotateRight(wrap(x + y + v[0] + at(index + 8)), 37n) * factor);
    y = wrap(rotateRight(wrap(y + v[1] + at(index + 48)), 42n) * factor);
    x ^= wrap(w[1] * weight);
    y = wrap(y + v[0] * weight + at(index + 40));
    z = wrap(rotateRight(wrap(z + w[0]), 33n) * factor);
    v = weak(index, wrap(v[1] * factor), wrap(x + w[0]));
    w = weak(index + 32, wrap(z + w[1]), wrap(y + at(index + 16)));
    [x, z] = [z, x];
  };
  for (let index = 0; index < length - 64; index += 64) take(index, K1, 1n);
  const factor = wrap(K1 + ((z & 0xffn) << 1n));
  w[0] = wrap(w[0] + BigInt((length - 1) & 63));
  v[0] = wrap(v[0] + w[0]);
  w[0] = wrap(w[0] + v[0]);
  take(length - 64, factor, 9n);
  return mix(wrap(mix(v[0], w[0], factor) + shiftMix(y) * K0 + z), wrap(mix(v[1], w[1], factor) + x), factor);
}

/** SipHash-2-4 by a key of two numbers. */
function sipHash(text: Uint8Array, key: readonly [bigint, bigint]): bigint {
  const rotateLeft = (x: bigint, by: bigint) => rotateRight(x, 64n - by);
  const view = new DataView(text.buffer, text.byteOffset, text.byteLength);
  let [a, b, c, d] = [
    key[0] ^ 0x736f6d6570736575n,
    key[1] ^ 0x646f72616e646f6dn,
    key[0] ^ 0x6c7967656e657261n,
    key[1] ^ 0x7465646279746573n,
  ];
  const round = () => {
    a = wrap(a + b);
    b = rotateLeft(b, 13n) ^ a;
    a = rotateLeft(a, 32n);
    c = wrap(c + d);
    d = rotateLeft(d, 16n) ^ c;
    a = wrap(a + d);
    d = rotateLeft(d, 21n) ^ a;
    c = wrap(c + b);
    b = rotateLeft(b, 17n) ^ c;
    c = rotateLeft(c, 32n);
  };
  const take = (word: bigint) => {
    d ^= word;
    round();
    round();
    a ^= word;
  };
  const whole = text.length - (text.length % 8);
  for (let index = 0; index < whole; index += 8) take(view.getBigUint64(index, true));
  let last = BigInt(text.length & 0xff) << 56n;
  text.subarray(whole).forEach((byte, i) => {
    last |= BigInt(byte) << BigInt(8 * i);
  });
  take(last);
  c ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return a ^ b ^ c ^ d;
}

/** How TensorFlow joins the fingerprints of crossed features. */
export function joinFingerprints(one: bigint, other: bigint): bigint {
  const factor = 0xc6a4a7935bd1e995n;
  let joined = one ^ factor;
  joined ^= wrap(shiftMix(wrap(other * factor)) * factor);
  joined = wrap(joined * factor);
  return shiftMix(wrap(shiftMix(joined) * factor));
}

const encoder = new TextEncoder();

/** A string's number below `bins`, by SipHash where there is a salt. */
export function bucketOf(text: string, bins: number, salt: readonly [bigint, bigint] | null): number {
  const bytes = encoder.encode(text);
  return Number((salt ? sipHash(bytes, salt) : fingerprint(bytes)) % BigInt(bins));
}
