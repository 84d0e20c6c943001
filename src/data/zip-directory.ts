/**
 * @file The list of files at the end of a zip archive. It is read before any file is, and counted before it is walked.
 *
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { ValueError } from '../text/value-error.js';
import { type Budget, LONGEST_NAME } from './limits.js';

/** Which files are wanted: a list, or whatever can tell. */
export interface Names {
  includes(name: string): boolean;
}

/** A file as the list at the archive's end has it. */
export interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly checksum: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where its header lies. */
  readonly offset: number;
  /** Where the list begins, which no file reaches into. */
  readonly end: number;
}

export const damaged = (reason: string, cause?: unknown) =>
  new ValueError(`The zip archive is damaged: ${reason}. Fetch or save it anew.`, { cause });

export const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What begins each kind of record, and the length of what always belongs to it. */
export const END = { signature: 0x06054b50, length: 22 };
const END_64 = { signature: 0x06064b50, length: 56 };
const LOCATOR_64 = { signature: 0x07064b50, length: 20 };
export const LISTED = { signature: 0x02014b50, length: 46 };
export const LOCAL = { signature: 0x04034b50, length: 30 };

/** Stands where a number needs 64 bits, and lies elsewhere. */
const ELSEWHERE = 0xffffffff;
const ELSEWHERE_16 = 0xffff;
const LONGEST_COMMENT = 0xffff;

/** A whole number of 64 bits; beyond 2⁵³ it is not exact, and beyond any file. */
const uint64 = (view: DataView, at: number) => Number(view.getBigUint64(at, true));

/** Where the list of files lies, and how many there are. */
function findList(view: DataView): { count: number; start: number; end: number } {
  const at = findEnd(view);
  const [disk, firstDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const count = view.getUint16(at + 10, true);
  const [length, start] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  const isElsewhere = count === ELSEWHERE_16 || length === ELSEWHERE || start === ELSEWHERE;
  const locator = at - LOCATOR_64.length;
  if (isElsewhere && locator >= 0 && view.getUint32(locator, true) === LOCATOR_64.signature) {
    const at64 = uint64(view, locator + 8);
    if (at64 + END_64.length > locator || view.getUint32(at64, true) !== END_64.signature) {
      throw damaged('its end leads elsewhere');
    }
    return {
      count: uint64(view, at64 + 32),
      start: uint64(view, at64 + 48),
      end: uint64(view, at64 + 48) + uint64(view, at64 + 40),
    };
  }
  if (disk !== 0 || firstDisk !== 0) {
    throw new ValueError('The zip archive is one part of several. Join them to one file.');
  }
  return { count, start, end: start + length };
}

/** The place of the record that ends the archive; a comment may follow it. */
function findEnd(view: DataView): number {
  const last = view.byteLength - END.length;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END.signature && at + view.getUint16(at + 20, true) === last) return at;
  }
  throw damaged('it has no end');
}

/**
 * The entries of those files that are wanted, in the order of the list.
 *
 * @throws ValueError where the list is damaged, or longer than the budget allows
 */
export function listEntries(bytes: Uint8Array, names: Names, budget: Budget): Entry[] {
  const view = viewOf(bytes);
  const { count, start, end } = findList(view);
  budget.take('entries', count, 'The archive');
  // Also where these are beyond 2⁵³, or NaN.
  if (!(end <= bytes.length && count * LISTED.length <= end - start)) {
    throw damaged('the list of its files is cut off');
  }
  const entries: Entry[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + LISTED.length > end || view.getUint32(at, true) !== LISTED.signature) {
      throw damaged('the list of its files is not one');
    }
    const nameEnd = at + LISTED.length + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > end) throw damaged('the list of its files is cut off');
    const name = nameIn(bytes.subarray(at + LISTED.length, nameEnd));
    if (!name.endsWith('/') && names.includes(name)) {
      if (name.length > LONGEST_NAME) {
        throw new ValueError(
          `The archive has a file whose name has ${name.length} characters. Accepted are ${LONGEST_NAME}.`,
        );
      }
      const extra = new DataView(bytes.buffer, bytes.byteOffset + nameEnd, extraEnd - nameEnd);
      entries.push({ name, ...readEntry(view, at, extra), end: start });
    }
    at = next;
  }
  return entries;
}

/** Windows' separator is none that a name may have. */
export const nameIn = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replaceAll('\\', '/');

function readEntry(view: DataView, at: number, extra: DataView): Omit<Entry, 'name' | 'end'> {
  const [packedSize, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
  const offset = view.getUint32(at + 42, true);
  const read = readLong(extra);
  // In this order, each only where it does not fit above.
  const longSize = size === ELSEWHERE ? read() : size;
  const longPackedSize = packedSize === ELSEWHERE ? read() : packedSize;
  const longOffset = offset === ELSEWHERE ? read() : offset;
  return {
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    checksum: view.getUint32(at + 16, true),
    packedSize: longPackedSize,
    size: longSize,
    offset: longOffset,
  };
}

const LONG_NUMBERS = 1;

/** Reads the numbers of 64 bits that belong to an entry, one after the other. */
function readLong(extra: DataView): () => number {
  let [at, end] = [0, 0];
  for (let field = 0; field + 4 <= extra.byteLength && end === 0;) {
    const next = field + 4 + extra.getUint16(field + 2, true);
    if (extra.getUint16(field, true) === LONG_NUMBERS) {
      [at, end] = [field + 4, Math.min(next, extra.byteLength)];
    }
    field = next;
  }
  return () => {
    if (at + 8 > end) throw damaged('it lacks the size of a file');
    at += 8;
    return uint64(extra, at - 8);
  };
}
