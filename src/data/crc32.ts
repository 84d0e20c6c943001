/** @file The checksum of zip archives: CRC-32 of ISO 3309. */

const TABLES = 4;

/** What each byte makes of the remainder, and in the further tables, with so many zero bytes behind it. */
const REMAINDERS = makeRemainders();

function makeRemainders(): Int32Array {
  const remainders = new Int32Array(256 * TABLES);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
    remainders[byte] = remainder;
  }
  for (let i = 256; i < remainders.length; i++) {
    const before = remainders[i - 256]!;
    remainders[i] = (before >>> 8) ^ remainders[before & 255]!;
  }
  return remainders;
}

/** The checksum of all bytes that it was given, in their order. */
export class Crc32 {
  private remainder = -1;

  add(bytes: Uint8Array): void {
    let r = this.remainder;
    let i = 0;
    // Four bytes at a time take half as long.
    for (; i + 4 <= bytes.length; i += 4) {
      r ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      r =
        REMAINDERS[768 + (r & 255)]! ^
        REMAINDERS[512 + ((r >>> 8) & 255)]! ^
        REMAINDERS[256 + ((r >>> 16) & 255)]! ^
        REMAINDERS[r >>> 24]!;
    }
    for (; i < bytes.length; i++) r = (r >>> 8) ^ REMAINDERS[(r ^ bytes[i]!) & 255]!;
    this.remainder = r;
  }

  get value(): number {
    return ~this.remainder >>> 0;
  }
}
