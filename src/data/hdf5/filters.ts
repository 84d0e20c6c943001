/** @file What chunks are packed by, in a row of filters, undone from the last to the first. */
import { Inflate } from 'pako';
import { refusing } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { CHECKSUM_LENGTH, fletcher32 } from './checksum.js';
import { type Cursor, damaged, paddedLength, unsupported } from './storage.js';

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER = 3;

/** What filters that are not undone here are called, where their files do not say it. */
const NAMES: Readonly<Record<number, string>> = {
  4: 'szip',
  5: 'nbit',
  6: 'scaleoffset',
  32000: 'lzf',
  32001: 'blosc',
  32004: 'lz4',
  32008: 'bitshuffle',
  32013: 'zfp',
  32015: 'zstd',
};

/** More than HDF5 takes. */
const MOST_FILTERS = 32;

/**
 * The numbers of the filters of a dataset.
 *
 * @param name what messages call the dataset
 * @throws ValueError for filters that are not known
 */
export function readFilters(cursor: Cursor, name: string): readonly number[] {
  const version = cursor.expectVersion(1, 2);
  const count = cursor.u8();
  if (count > MOST_FILTERS) cursor.fail(`has ${count} filters`);
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => {
    const id = cursor.u16();
    const nameLength = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);
    const values = cursor.u16();
    const padded = version === 1 ? paddedLength(nameLength) : nameLength;
    const text = cursor.piece(padded).text(nameLength);
    cursor.skip(4 * (version === 1 ? values + (values % 2) : values));
    if ([DEFLATE, SHUFFLE, FLETCHER].includes(id)) return id;
    const called = NAMES[id] ?? (text === '' ? 'without a name' : text);
    throw unsupported(`numbers at ${show(name)} that are compressed by the filter ${id} (${called})`);
  });
}

interface Packing {
  /** Has a bit for each filter that was not applied. */
  readonly skipped: number;
  /** How many bytes there were before the filters. */
  readonly byteLength: number;
  readonly elementSize: number;
  /** What messages call the chunk. */
  readonly what: string;
}

/**
 * The bytes of a chunk as they were before the filters.
 *
 * @throws ValueError where they are others
 */
export function undoFilters(
  stored: Uint8Array,
  filters: readonly number[],
  { skipped, byteLength, elementSize, what }: Packing,
): Uint8Array {
  const applied = filters.filter((_, i) => (skipped & (2 ** i)) === 0);
  let bytes = stored;
  for (let i = applied.length - 1; i >= 0; i--) {
    const before = applied.slice(0, i);
    if (applied[i] === DEFLATE) {
      if (before.includes(DEFLATE)) throw unsupported('chunks that are compressed twice');
      const checksums = before.filter((id) => id === FLETCHER).length;
      bytes = inflate(bytes, byteLength + CHECKSUM_LENGTH * checksums, what);
    } else if (applied[i] === SHUFFLE) {
      bytes = unshuffle(bytes, elementSize);
    } else {
      bytes = withoutChecksum(bytes, what);
    }
  }
  if (bytes.length !== byteLength) {
    throw damaged(`${what} unpacks to ${bytes.length} bytes, and its shape takes ${byteLength}`);
  }
  return bytes;
}

/** Without a checksum of its own: zlib's streams have one, which pako compares. */
function inflate(packed: Uint8Array, byteLength: number, what: string): Uint8Array {
  // One byte more than there may be shows that there are more, before any more are unpacked.
  const stream = new Inflate({ windowBits: 15, chunkSize: byteLength + 1 });
  let unpacked = new Uint8Array(0);
  stream.onData = (bytes) => {
    if (bytes.length > byteLength) {
      throw damaged(`${what} unpacks to more than the ${byteLength} bytes that its shape takes`);
    }
    unpacked = bytes;
  };
  refusing(what, () => stream.push(packed, true));
  if (stream.err !== 0) throw damaged(`${what} cannot be unpacked (${stream.msg})`);
  return unpacked;
}

/** Puts the bytes of elements together again, of which first all first ones were stored, then all second ones, … */
function unshuffle(bytes: Uint8Array, elementSize: number): Uint8Array {
  const count = Math.floor(bytes.length / elementSize);
  // What is left over has no part in it.
  const ordered = new Uint8Array(bytes);
  for (let part = 0, from = 0; part < elementSize; part++) {
    for (let to = part; from < (part + 1) * count; to += elementSize) ordered[to] = bytes[from++]!;
  }
  return ordered;
}

function withoutChecksum(bytes: Uint8Array, what: string): Uint8Array {
  const end = bytes.length - CHECKSUM_LENGTH;
  if (end < 0) throw damaged(`${what} is too short for its checksum`);
  const content = bytes.subarray(0, end);
  const stored = bytes[end]! + 256 * (bytes[end + 1]! + 256 * (bytes[end + 2]! + 256 * bytes[end + 3]!));
  if (stored === fletcher32(content)) return content;
  throw damaged(`${what} has another checksum than it says`);
}
