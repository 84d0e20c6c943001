/** @file Writes zip archives that may say what is not so. */
import { crc32, deflateRawSync } from 'node:zlib';
import { joinBytes } from '../mutate-bytes.js';

export interface ZipEntry {
  readonly name: string | Uint8Array;
  readonly content: Uint8Array;
  readonly isDeflated?: boolean;
  /** What the archive says, where that is not so. */
  readonly says?: {
    readonly size?: number;
    readonly packedSize?: number;
    readonly checksum?: number;
    readonly method?: number;
    readonly flags?: number;
    /** Says its sizes as zip64 does, in a field of its own. */
    readonly size64?: bigint;
    /** Where its content stands: at that of the first entry. */
    readonly atFirst?: boolean;
  };
}

function fields(...numbers: readonly (readonly [size: 2 | 4 | 8, value: number | bigint])[]): Uint8Array {
  const bytes = Buffer.alloc(numbers.reduce((length, [size]) => length + size, 0));
  let at = 0;
  for (const [size, value] of numbers) {
    const wrapped = BigInt.asUintN(8 * size, BigInt(value));
    for (let i = 0; i < size; i++) bytes[at + i] = Number((wrapped >> BigInt(8 * i)) & 255n);
    at += size;
  }
  return bytes;
}

/** An archive of entries, in their order. `count` is how many it says there are. */
export function writeZip(entries: readonly ZipEntry[], count = entries.length): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, content, isDeflated = false, says = {} } of entries) {
    const title = typeof name === 'string' ? new TextEncoder().encode(name) : name;
    const packed = isDeflated ? deflateRawSync(content) : content;
    const is64 = says.size64 !== undefined;
    const extra = is64 ? fields([2, 1], [2, 16], [8, says.size64], [8, says.size64]) : new Uint8Array(0);
    const common = fields(
      [2, is64 ? 45 : 20],
      [2, says.flags ?? 0x800],
      [2, says.method ?? (isDeflated ? 8 : 0)],
      [4, 0x21_0000],
      [4, says.checksum ?? crc32(content)],
      [4, is64 ? 0xffff_ffff : (says.packedSize ?? packed.length)],
      [4, is64 ? 0xffff_ffff : (says.size ?? content.length)],
      [2, title.length],
      [2, extra.length],
    );
    const local = joinBytes([fields([4, 0x0403_4b50]), common, title, extra, packed]);
    const start = says.atFirst ? 0 : at;
    directory.push(
      fields([4, 0x0201_4b50], [2, 45]),
      common,
      fields([2, 0], [2, 0], [2, 0], [4, 0], [4, start]),
      title,
      extra,
    );
    parts.push(local);
    at += local.length;
  }
  const listed = joinBytes(directory);
  const end = fields([4, 0x0605_4b50], [4, 0], [2, count], [2, count], [4, listed.length], [4, at], [2, 0]);
  return joinBytes([...parts, listed, end]);
}
