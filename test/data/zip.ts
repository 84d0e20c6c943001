/** @file Makes zip archives, also such as no program writes. */
import { crc32 } from 'node:zlib';

export interface Member {
  readonly name: string | Uint8Array;
  /** As it is stored, packed or not. */
  readonly stored: Uint8Array;
  /** Numbers of both records, where they are to differ from what is right. */
  readonly says?: Partial<Record<'flags' | 'method' | 'checksum' | 'packedSize' | 'size' | 'offset', number>>;
  /** The name in its own record, where it is another than in the list. */
  readonly localName?: string;
  /** What belongs to the entry in the list, such as numbers of 64 bits. */
  readonly extra?: Uint8Array;
}

export interface EndSays {
  readonly count?: number;
  readonly length?: number;
  readonly start?: number;
  readonly comment?: Uint8Array;
  /** What stands before the end. */
  readonly before?: Uint8Array;
}

const text = new TextEncoder();

export const checksumOf = (bytes: Uint8Array): number => crc32(bytes);

export function zipOf(members: readonly Member[], end: EndSays = {}): Uint8Array {
  const locals: Buffer[] = [];
  const listed: Buffer[] = [];
  let at = 0;
  for (const { name: given, stored, says = {}, localName, extra = new Uint8Array() } of members) {
    const name = typeof given === 'string' ? text.encode(given) : given;
    const own = localName === undefined ? name : text.encode(localName);
    const { flags = 0, method = 0, packedSize = stored.length, size = stored.length, offset = at } = says;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(says.checksum ?? checksumOf(stored), 10);
    common.writeUInt32LE(packedSize, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.from(common);
    local.writeUInt16LE(own.length, 22);
    locals.push(Buffer.from('PK\x03\x04'), local, Buffer.from(own), Buffer.from(stored));
    common.writeUInt16LE(extra.length, 24);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    listed.push(Buffer.from('PK\x01\x02\x14\x00'), common, rest, Buffer.from(name), Buffer.from(extra));
    at += 30 + own.length + stored.length;
  }
  const list = Buffer.concat(listed);
  const { comment = new Uint8Array(), before = new Uint8Array() } = end;
  const last = Buffer.alloc(22);
  last.write('PK\x05\x06');
  last.writeUInt16LE(end.count ?? Math.min(members.length, 0xffff), 8);
  last.writeUInt16LE(end.count ?? Math.min(members.length, 0xffff), 10);
  last.writeUInt32LE(end.length ?? list.length, 12);
  last.writeUInt32LE(end.start ?? at, 16);
  last.writeUInt16LE(comment.length, 20);
  return new Uint8Array(Buffer.concat([...locals, list, before, last, comment]));
}

/** The two records that say numbers of 64 bits for the end of an archive, which lie from `at` on. */
export function longEnd(
  at: number,
  count: number | bigint,
  length: number,
  start: number | bigint,
): Uint8Array {
  const bytes = Buffer.alloc(76);
  bytes.write('PK\x06\x06');
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeBigUInt64LE(BigInt(count), 24);
  bytes.writeBigUInt64LE(BigInt(count), 32);
  bytes.writeBigUInt64LE(BigInt(length), 40);
  bytes.writeBigUInt64LE(BigInt(start), 48);
  bytes.write('PK\x06\x07', 56);
  bytes.writeBigUInt64LE(BigInt(at), 64);
  return bytes;
}
