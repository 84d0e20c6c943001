/** @file The first block of an HDF5 file: where it begins, how long its numbers are, and where its root group is. */
import type { Budget } from '../limits.js';
import { Storage, damaged, unsupported } from './storage.js';

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Before it there may be a user block, of 512 bytes or a power of two of these. */
const FIRST_USER_BLOCK = 512;

/** Where the superblock is; -1 where there is none. */
function findSuperblock(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at = at === 0 ? FIRST_USER_BLOCK : 2 * at) {
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

export const isHdf5 = (bytes: Uint8Array): boolean => findSuperblock(bytes) >= 0;

export interface OpenedStorage {
  readonly storage: Storage;
  /** The address of the root group. */
  readonly root: number;
}

/** @throws ValueError where it is damaged, or the file is shorter than it says */
export function openStorage(bytes: Uint8Array, budget: Budget): OpenedStorage {
  const base = findSuperblock(bytes);
  if (base < 0) throw damaged('it has no superblock');
  const open = (offsetSize: number, lengthSize: number) =>
    new Storage(bytes, base, offsetSize, lengthSize, budget);
  const first = open(8, 8).cursor(0, 'the superblock');
  first.skip(SIGNATURE.length);
  const version = first.expectVersion(0, 1, 2, 3);
  if (version < 2) first.skip(4);
  const [offsetSize, lengthSize] = [first.u8(), first.u8()];
  for (const size of [offsetSize, lengthSize]) {
    if (![2, 4, 8].includes(size)) throw unsupported(`addresses or lengths of ${size} bytes`);
  }
  const storage = open(offsetSize, lengthSize);
  const cursor = storage.cursor(0, 'the superblock');
  // What comes before the addresses: versions, sizes, ranks of B-trees, flags.
  cursor.skip([24, 28, 12, 12][version]!);
  const writtenBase = cursor.place();
  // Where free space is managed, or what extends the superblock.
  cursor.address();
  const end = cursor.place();
  // Whoever puts a user block before a file may leave the addresses as they were.
  if (end - writtenBase > bytes.length - base) {
    throw damaged('it is cut off: it says that it is longer than it is');
  }
  if (version < 2) {
    cursor.address();
    cursor.length();
  }
  const root = cursor.place();
  if (version >= 2) cursor.expectChecksum();
  return { storage, root };
}
