/**
 * @file Zip archives, which `.keras` and `.npz` are. Checksums are compared, so that a damaged file does not load as another
 * model.
 *
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { reasonOf } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { allocate, joinParts } from './bytes.js';
import { Crc32 } from './crc32.js';
import { inflate } from './inflate.js';
import { Budget, type Limits } from './limits.js';
import {
  END,
  type Entry,
  LISTED,
  LOCAL,
  type Names,
  damaged,
  listEntries,
  nameIn,
  viewOf,
} from './zip-directory.js';

/** Files of an archive by their names. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Whether bytes begin as an archive does. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/**
 * Those files of the archive that are wanted, by their names. What is not compressed is not copied.
 *
 * @throws ValueError where the archive is damaged, holds a file twice, encrypted or otherwise compressed than by deflate,
 *   or would cost more than `limits`
 */
export function readArchive(
  bytes: Uint8Array,
  names: Names,
  { limits }: { readonly limits?: Partial<Limits> | undefined } = {},
): Promise<Files> {
  const budget = new Budget(limits);
  budget.take('size', bytes.length, 'The archive');
  return unpackArchive(bytes, names, budget);
}

/** What lets nobody else have their turn. */
const restless = () => Promise.resolve();

/**
 * As `readArchive`.
 *
 * @param budget of what the archive may cost: an entry for each of its files, wanted or not, and the memory of those that
 *   are unpacked
 * @param breathe called between parts of a file, which others may have their turn in
 */
export async function unpackArchive(
  bytes: Uint8Array,
  names: Names,
  budget: Budget,
  breathe = restless,
): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  // In their order, none begins before the end of the one before: parts that are shared unpack many times over.
  const wanted = listEntries(bytes, names, budget).sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const entry of wanted) {
    const { name, offset } = entry;
    if (files.has(name)) throw new ValueError(`The archive holds ${show(name)} twice.`);
    if (offset < end) throw damaged(`${show(name)} lies within another file`);
    const stored = storedIn(bytes, entry);
    end = stored.byteOffset - bytes.byteOffset + stored.length;
    files.set(name, await unpackEntry(entry, stored, budget, breathe));
  }
  return files;
}

/** A file as it is stored, packed or not. */
function storedIn(bytes: Uint8Array, { name, offset, packedSize, end }: Entry): Uint8Array {
  const view = viewOf(bytes);
  const isInside = offset + LOCAL.length <= end;
  if (!isInside || view.getUint32(offset, true) !== LOCAL.signature) {
    throw damaged(`${show(name)} is not where it should be`);
  }
  const nameEnd = offset + LOCAL.length + view.getUint16(offset + 26, true);
  const start = nameEnd + view.getUint16(offset + 28, true);
  if (start + packedSize > end) throw damaged(`${show(name)} is cut off`);
  if (nameIn(bytes.subarray(offset + LOCAL.length, nameEnd)) !== name) {
    throw damaged(`${show(name)} has two names`);
  }
  return bytes.subarray(start, start + packedSize);
}

const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;

/** For as many bytes a checksum is computed without a break. */
const PIECE = 2 ** 20;

async function unpackEntry(
  { name, flags, method, checksum, size }: Entry,
  stored: Uint8Array,
  budget: Budget,
  breathe: () => Promise<void>,
): Promise<Uint8Array> {
  const what = `The archive's ${show(name)}`;
  if (flags & ENCRYPTED) {
    throw new ValueError(`${what} is encrypted. Accepted are archives without a password.`);
  }
  if (method !== STORED && method !== DEFLATED) {
    throw new ValueError(
      `${what} is compressed by method ${method}. Accepted are 0, not at all, and 8, deflate: zip it so.`,
    );
  }
  if (method === DEFLATED) budget.take('memory', size, what);
  const pieces = method === STORED ? piecesOf(stored) : inflateEntry(name, stored);
  const parts: Uint8Array[] = [];
  const crc = new Crc32();
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > size) throw damaged(`${show(name)} is longer than the archive says`);
    crc.add(piece);
    parts.push(piece);
    await breathe();
  }
  if (length !== size) throw damaged(`${show(name)} is shorter than the archive says`);
  if (crc.value !== checksum) throw damaged(`${show(name)} has another checksum than the archive says`);
  return method === STORED ? stored : joinParts(parts, what);
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

async function* inflateEntry(name: string, stored: Uint8Array): AsyncGenerator<Uint8Array> {
  try {
    yield* inflate(stored, 'deflate-raw');
  } catch (error) {
    throw damaged(`${show(name)} cannot be unpacked: ${reasonOf(error)}`, error);
  }
}

/** The version of zip that is needed to read what is written here: names in UTF-8, and the first day that zip knows. */
const VERSION = 20;
const UTF_8 = 0x800;
const FIRST_DAY = 0x21;
const LARGEST = 0xfffffffe;

/**
 * An archive as Keras writes it: nothing is compressed. The same files give the same bytes.
 *
 * @param breathe as for `unpackArchive`
 * @throws ValueError where it would be longer than the format allows
 */
export async function writeArchive(files: Files, breathe = restless): Promise<Uint8Array> {
  const all: { name: Uint8Array; content: Uint8Array; checksum: number }[] = [];
  for (const [name, content] of files) {
    const crc = new Crc32();
    for (const piece of piecesOf(content)) {
      crc.add(piece);
      await breathe();
    }
    all.push({ name: new TextEncoder().encode(name), content, checksum: crc.value });
  }
  const localSize = all.reduce(
    (sum, { name, content }) => sum + LOCAL.length + name.length + content.length,
    0,
  );
  const listSize = all.reduce((sum, { name }) => sum + LISTED.length + name.length, 0);
  const size = localSize + listSize + END.length;
  if (size > LARGEST) {
    throw new ValueError(`The archive would have ${size} bytes; ${LARGEST} can be written. Save as .h5.`);
  }
  const bytes = allocate(size, 'The archive');
  const view = viewOf(bytes);
  let at = 0;
  let listed = localSize;
  for (const { name, content, checksum } of all) {
    /** What both records of a file have, from its version on. */
    const writeCommon = (start: number) => {
      view.setUint16(start, VERSION, true);
      view.setUint16(start + 2, UTF_8, true);
      view.setUint16(start + 8, FIRST_DAY, true);
      view.setUint32(start + 10, checksum, true);
      view.setUint32(start + 14, content.length, true);
      view.setUint32(start + 18, content.length, true);
      view.setUint16(start + 22, name.length, true);
    };
    view.setUint32(listed, LISTED.signature, true);
    view.setUint16(listed + 4, VERSION, true);
    writeCommon(listed + 6);
    view.setUint32(listed + 42, at, true);
    bytes.set(name, listed + LISTED.length);
    listed += LISTED.length + name.length;

    view.setUint32(at, LOCAL.signature, true);
    writeCommon(at + 4);
    bytes.set(name, at + LOCAL.length);
    bytes.set(content, at + LOCAL.length + name.length);
    at += LOCAL.length + name.length + content.length;
  }
  view.setUint32(listed, END.signature, true);
  view.setUint16(listed + 8, all.length, true);
  view.setUint16(listed + 10, all.length, true);
  view.setUint32(listed + 12, listSize, true);
  view.setUint32(listed + 16, localSize, true);
  return bytes;
}
