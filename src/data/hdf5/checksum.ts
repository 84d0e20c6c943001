/** @file The checksums of HDF5: Jenkins' lookup3 of its own structures, and Fletcher's of chunks. */

/** How many bytes either has. */
export const CHECKSUM_LENGTH = 4;

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** Bob Jenkins' lookup3, of the public domain: https://burtleburtle.net/bob/c/lookup3.c, `hashlittle` from 0. */
export function checksumOf(bytes: Uint8Array): number {
  let a = (0xdeadbeef + bytes.length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  /** Four bytes, the lowest first; those beyond the end are 0. */
  const word = (from: number): number =>
    (bytes[from] ?? 0) |
    ((bytes[from + 1] ?? 0) << 8) |
    ((bytes[from + 2] ?? 0) << 16) |
    ((bytes[from + 3] ?? 0) << 24);
  for (; bytes.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = (a - c) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (at < bytes.length) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    c = ((c ^ b) - rotate(b, 14)) | 0;
    a = ((a ^ c) - rotate(c, 11)) | 0;
    b = ((b ^ a) - rotate(a, 25)) | 0;
    c = ((c ^ b) - rotate(b, 16)) | 0;
    a = ((a ^ c) - rotate(c, 4)) | 0;
    b = ((b ^ a) - rotate(a, 14)) | 0;
    c = ((c ^ b) - rotate(b, 24)) | 0;
  }
  return c >>> 0;
}

/** Sums of so many words stay below 2³². */
const WORDS_AT_ONCE = 360;

const fold = (sum: number): number => (sum & 0xffff) + (sum >>> 16);

/** Fletcher's checksum of 32 bits over words of 16 bits, the higher byte first, as HDF5 has it. */
export function fletcher32(bytes: Uint8Array): number {
  let [first, second] = [0, 0];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 2 * WORDS_AT_ONCE);
    for (; at < end; at += 2) {
      first += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
      second += first;
    }
    first = fold(first);
    second = fold(second);
  }
  return fold(second) * 0x10000 + fold(first);
}
