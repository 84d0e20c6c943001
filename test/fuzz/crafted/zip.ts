/** @file Archives of entries that may say what is not so. */
import { crc32, deflateRawSync } from 'node:zlib';
import { type Member, zipOf } from '../../data/zip.js';

export interface ZipEntry {
  readonly name: string | Uint8Array;
  readonly content: Uint8Array;
  readonly isDeflated?: boolean;
  /** What the archive says, where that is not so. */
  readonly says?: Member['says'];
  /** Its size, as zip64 says it in a field of its own. */
  readonly size64?: bigint;
}

function field64(size: bigint): Uint8Array {
  const field = Buffer.alloc(20);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(16, 2);
  field.writeBigUInt64LE(size, 4);
  field.writeBigUInt64LE(size, 12);
  return field;
}

/** A zip has 16 bits for the length of a name. */
const LONGEST_NAME = 0xffff;

function asMember({ name: given, content, isDeflated = false, says, size64 }: ZipEntry): Member {
  const name = Buffer.from(given).subarray(0, LONGEST_NAME);
  const stored = isDeflated ? deflateRawSync(content) : content;
  const right = { method: isDeflated ? 8 : 0, checksum: crc32(content), size: content.length };
  if (size64 === undefined) return { name, stored, says: { ...right, ...says } };
  const sizes = { size: 0xffff_ffff, packedSize: 0xffff_ffff };
  return { name, stored, says: { ...right, ...sizes, ...says }, extra: field64(size64) };
}

/** An archive of entries, in their order. `count` is how many it says there are. */
export const writeZip = (entries: readonly ZipEntry[], count?: number): Uint8Array =>
  zipOf(entries.map(asMember), count === undefined ? {} : { count });
