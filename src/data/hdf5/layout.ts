/** @file Where the numbers of a dataset are: within its header, in one piece, or in chunks. */
import { show } from '../../text/show.js';
import type { Cursor } from './storage.js';
import { unsupported } from './storage.js';

/** How the chunks of a dataset are found. */
export type ChunkIndex =
  | { readonly kind: 'tree of version 1' }
  | { readonly kind: 'single'; readonly byteLength: number | null; readonly skipped: number }
  | { readonly kind: 'in a row' }
  | { readonly kind: 'fixed array' }
  | { readonly kind: 'extensible array' }
  | { readonly kind: 'tree of version 2' };

export type Layout =
  | { readonly kind: 'compact'; readonly bytes: Uint8Array }
  | { readonly kind: 'contiguous'; readonly address: number | null; readonly byteLength: number | null }
  | {
      readonly kind: 'chunked';
      /** Of the index; null where nothing was written. */
      readonly address: number | null;
      /** The shape of a chunk. */
      readonly shape: readonly number[];
      readonly index: ChunkIndex;
      /** Whether chunks that reach over the edge of the dataset are stored without filters. */
      readonly leavesEdges: boolean;
    };

/** HDF5's numbers for the kinds of layouts. */
const [COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL] = [0, 1, 2, 3];

/** @param name what messages call the dataset */
export function readLayout(cursor: Cursor, name: string): Layout {
  const version = cursor.expectVersion(1, 2, 3, 4, 5);
  if (version < 3) return readOldLayout(cursor);
  const kind = cursor.u8();
  switch (kind) {
    case COMPACT:
      return { kind: 'compact', bytes: cursor.bytes(cursor.u16()) };
    case CONTIGUOUS:
      return { kind: 'contiguous', address: cursor.address(), byteLength: cursor.length() };
    case CHUNKED:
      return version === 3 ? readChunks(cursor) : readIndexedChunks(cursor);
    case VIRTUAL:
      throw unsupported(`numbers at ${show(name)} that lie in other datasets`);
    default:
      return cursor.fail(`is of kind ${kind}, and 0 to 3 are known`);
  }
}

/** Of versions 1 and 2. */
function readOldLayout(cursor: Cursor): Layout {
  const [rank, kind] = [cursor.u8(), cursor.u8()];
  cursor.skip(5);
  const address = kind === COMPACT ? null : cursor.address();
  const sizes = Array.from({ length: rank }, () => cursor.u32());
  if (kind === COMPACT) return { kind: 'compact', bytes: cursor.bytes(cursor.u32()) };
  if (kind === CONTIGUOUS) return { kind: 'contiguous', address, byteLength: null };
  if (kind !== CHUNKED) return cursor.fail(`is of kind ${kind}, and 0 to 2 are known`);
  return inTree(address, sizes);
}

/** Of version 3. */
function readChunks(cursor: Cursor): Layout {
  const rank = cursor.u8();
  const address = cursor.address();
  const sizes = Array.from({ length: rank }, () => cursor.u32());
  return inTree(address, sizes);
}

/** Chunks that a tree of version 1 leads to. The last of the sizes is that of an element. */
const inTree = (address: number | null, sizes: readonly number[]): Layout => ({
  kind: 'chunked',
  address,
  shape: sizes.slice(0, -1),
  index: { kind: 'tree of version 1' },
  leavesEdges: false,
});

const FLAG = { leavesEdges: 0x01, isSingleFiltered: 0x02 } as const;

/** Of versions 4 and 5. */
function readIndexedChunks(cursor: Cursor): Layout {
  const [flags, rank, size] = [cursor.u8(), cursor.u8(), cursor.u8()];
  const shape = Array.from({ length: rank }, () => cursor.uint(size)).slice(0, -1);
  const index = readIndex(cursor, flags);
  return {
    kind: 'chunked',
    shape,
    index,
    address: cursor.address(),
    leavesEdges: (flags & FLAG.leavesEdges) !== 0,
  };
}

/** HDF5's numbers for the indexes of chunks. */
const [SINGLE, IMPLICIT, FIXED_ARRAY, EXTENSIBLE_ARRAY, TREE] = [1, 2, 3, 4, 5];

function readIndex(cursor: Cursor, flags: number): ChunkIndex {
  const kind = cursor.u8();
  switch (kind) {
    case SINGLE: {
      const isFiltered = (flags & FLAG.isSingleFiltered) !== 0;
      const byteLength = isFiltered ? cursor.length() : null;
      return { kind: 'single', byteLength, skipped: isFiltered ? cursor.u32() : 0 };
    }
    case IMPLICIT:
      return { kind: 'in a row' };
    // How the index was made, which it says itself.
    case FIXED_ARRAY:
      cursor.skip(1);
      return { kind: 'fixed array' };
    case EXTENSIBLE_ARRAY:
      cursor.skip(5);
      return { kind: 'extensible array' };
    case TREE:
      cursor.skip(6);
      return { kind: 'tree of version 2' };
    default:
      return cursor.fail(`has an index of kind ${kind}, and 1 to 5 are known`);
  }
}
