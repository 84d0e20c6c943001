/** @file Changes bytes of HDF5 files, and sets the checksums right after that, so that the change is all that is wrong. */
import { checksumOf } from '../../src/data/hdf5/checksum.js';

/** Writes the checksum of `bytes[start … end]` where it belongs: at `end`. */
function sign(bytes: Uint8Array, start: number, end: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(end, checksumOf(bytes.subarray(start, end)), true);
}

/** Signs the object header, of version 2, that `at` lies in. */
export function signObject(bytes: Uint8Array, at: number): void {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf('OHDR', at);
  const flags = bytes[start + 5]!;
  const prefix = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const sizeOfLength = 2 ** (flags & 3);
  let length = 0;
  for (let i = sizeOfLength - 1; i >= 0; i--) length = 256 * length + bytes[start + prefix + i]!;
  sign(bytes, start, start + prefix + sizeOfLength + length);
}
