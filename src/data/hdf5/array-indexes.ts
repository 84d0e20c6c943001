/** @file Indexes of chunks that are arrays: one of a fixed length, and one that grows by larger and larger blocks. */
import { CHECKSUM_LENGTH } from './checksum.js';
import type { Cursor, Storage } from './storage.js';
import { isPowerOfTwo } from './trees.js';

/** A chunk as an index names it: its address is null where it was never written. */
export interface StoredChunk {
  readonly address: number | null;
  /** How many bytes are stored; null where these are all, without filters. */
  readonly byteLength: number | null;
  /** Has a bit for each filter that was not applied. */
  readonly skipped: number;
}

const NO_CHUNK: StoredChunk = { address: null, byteLength: null, skipped: 0 };
const MASK_LENGTH = 4;

/** What both kinds of arrays begin with. */
function openArray(storage: Storage, address: number, signature: string, what: string) {
  const header = storage.cursor(address, what);
  header.expectSignature(signature);
  header.expectVersion(0);
  const isFiltered = header.u8() === 1;
  const elementLength = header.u8();
  const lengthLength = elementLength - storage.offsetSize - MASK_LENGTH;
  if (isFiltered ? lengthLength < 1 || lengthLength > 8 : elementLength !== storage.offsetSize) {
    header.fail('has elements of an impossible size');
  }
  const readElement = (cursor: Cursor): StoredChunk => {
    const address = cursor.address();
    if (!isFiltered) return { ...NO_CHUNK, address };
    return { address, byteLength: cursor.uint(lengthLength), skipped: cursor.u32() };
  };
  /** A block of either array, behind its header's address. */
  const openBlock = (at: number, blockSignature: string) => {
    const block = storage.cursor(at, 'a block of an index of chunks');
    block.expectSignature(blockSignature);
    block.expectVersion(0);
    block.skip(1);
    if (block.address() !== address) block.fail('belongs to another index');
    return block;
  };
  return { header, elementLength, readElement, openBlock };
}

/** Which bit of a row, of which the highest of a byte comes first. */
const hasBit = (bits: Uint8Array, i: number): boolean =>
  ((bits[Math.floor(i / 8)] ?? 0) & (0x80 >> (i % 8))) !== 0;

/** Looks elements up by their numbers. */
type Elements = (i: number) => Cursor;

/** `count` elements of an array: in its block, or where these are more than a page has, in pages. */
const readElements = (block: Cursor, count: number, perPage: number, elementLength: number): Elements =>
  count > perPage
    ? elementsInPages(block, count, perPage, elementLength)
    : elementsInRow(block, count, elementLength);

/** `count` elements that `block` has next, in a row. */
function elementsInRow(block: Cursor, count: number, elementLength: number): Elements {
  const elements = block.piece(count * elementLength);
  block.expectChecksum();
  return (i) => elements.pieceAt(i * elementLength, elementLength);
}

/** `count` elements in pages, which begin where `block` ends; each page has a checksum. */
function elementsInPages(block: Cursor, count: number, perPage: number, elementLength: number): Elements {
  block.expectChecksum();
  const { here, storage } = block;
  const pages = new Map<number, Elements>();
  return (i) => {
    const number = Math.floor(i / perPage);
    let page = pages.get(number);
    if (!page) {
      const start = here + number * (perPage * elementLength + CHECKSUM_LENGTH);
      const cursor = storage.cursor(start, 'a page of an index of chunks');
      page = elementsInRow(cursor, Math.min(perPage, count - number * perPage), elementLength);
      pages.set(number, page);
    }
    return page(i % perPage);
  };
}

/** Looks chunks up, by their numbers. */
export type ChunkLookup = (i: number) => StoredChunk;

/** An array of a fixed length. */
export function openFixedArray(storage: Storage, address: number): ChunkLookup {
  const { header, elementLength, readElement, openBlock } = openArray(
    storage,
    address,
    'FAHD',
    'a fixed array',
  );
  const perPage = 2 ** header.u8();
  const count = header.length();
  const blockAddress = header.address();
  header.expectChecksum();
  if (blockAddress === null) return () => NO_CHUNK;
  const block = openBlock(blockAddress, 'FADB');
  const isPaged = count > perPage;
  const written = block.bytes(isPaged ? Math.ceil(Math.ceil(count / perPage) / 8) : 0);
  const elements = readElements(block, count, perPage, elementLength);
  return (i) => {
    if (i >= count) header.fail(`has no chunk ${i}`);
    const isWritten = !isPaged || hasBit(written, Math.floor(i / perPage));
    return isWritten ? readElement(elements(i)) : NO_CHUNK;
  };
}

/**
 * An array that grows: some elements and addresses are in its index block, the addresses of larger and larger blocks in
 * that or in super blocks.
 */
export function openExtensibleArray(storage: Storage, address: number): ChunkLookup {
  const what = 'an extensible array';
  const { header, elementLength, readElement, openBlock } = openArray(storage, address, 'EAHD', what);
  const { offsetSize } = storage;
  const [bits, inIndex, smallest, fewestAddresses] = [header.u8(), header.u8(), header.u8(), header.u8()];
  const perPage = 2 ** header.u8();
  header.skip(4 * storage.lengthSize);
  const end = header.length();
  header.length();
  const indexAddress = header.address();
  header.expectChecksum();
  if (indexAddress === null) return () => NO_CHUNK;
  if (!isPowerOfTwo(smallest) || !isPowerOfTwo(fewestAddresses) || bits > 53)
    header.fail('has blocks of impossible sizes');

  /** The size of the data blocks of a super block, how many there are, and what comes before them. */
  const levels: { elements: number; blocks: number; firstElement: number; firstBlock: number }[] = [];
  for (let level = 0, firstElement = 0, firstBlock = 0; level <= bits - Math.log2(smallest); level++) {
    const [elements, blocks] = [smallest * 2 ** Math.ceil(level / 2), 2 ** Math.floor(level / 2)];
    levels.push({ elements, blocks, firstElement, firstBlock });
    firstElement += elements * blocks;
    firstBlock += blocks;
  }
  /** Super blocks of so many levels are not there: their addresses are in the index block. */
  const direct = 2 * Math.log2(fewestAddresses);
  const offsetLength = Math.ceil(bits / 8);

  const index = openBlock(indexAddress, 'EAIB');
  const first = index.piece(inIndex * elementLength);
  const blocks = index.piece(2 * (fewestAddresses - 1) * offsetSize);
  const superBlocks = index.piece(Math.max(0, levels.length - direct) * offsetSize);
  index.expectChecksum();

  const opened = new Map<number, Elements>();
  const openData = (at: number, count: number): Elements => {
    const known = opened.get(at);
    if (known) return known;
    const block = openBlock(at, 'EADB');
    block.skip(offsetLength);
    const elements = readElements(block, count, perPage, elementLength);
    opened.set(at, elements);
    return elements;
  };
  const openedSuper = new Map<number, { written: Uint8Array; addresses: Cursor }>();
  const openSuper = (at: number, count: number, bytesOfBits: number) => {
    const known = openedSuper.get(at);
    if (known) return known;
    const block = openBlock(at, 'EASB');
    block.skip(offsetLength);
    const superBlock = {
      written: block.bytes(count * bytesOfBits),
      addresses: block.piece(count * offsetSize),
    };
    block.expectChecksum();
    openedSuper.set(at, superBlock);
    return superBlock;
  };

  return (i) => {
    if (i >= end) return NO_CHUNK;
    if (i < inIndex) return readElement(first.pieceAt(i * elementLength, elementLength));
    const among = i - inIndex;
    const number = Math.floor(Math.log2(Math.floor(among / smallest) + 1));
    const level = levels[number] ?? header.fail(`has no chunk ${i}`);
    const inLevel = among - level.firstElement;
    const block = Math.floor(inLevel / level.elements);
    const inBlock = inLevel % level.elements;
    if (number < direct) {
      const at = blocks.pieceAt((level.firstBlock + block) * offsetSize, offsetSize).address();
      return at === null ? NO_CHUNK : readElement(openData(at, level.elements)(inBlock));
    }
    const superAt = superBlocks.pieceAt((number - direct) * offsetSize, offsetSize).address();
    if (superAt === null) return NO_CHUNK;
    // Each block has room for its bits in whole bytes, but all bits are in a row.
    const pages = level.elements > perPage ? level.elements / perPage : 0;
    const { written, addresses } = openSuper(superAt, level.blocks, Math.ceil(pages / 8));
    const at = addresses.pieceAt(block * offsetSize, offsetSize).address();
    if (at === null) return NO_CHUNK;
    const page = block * pages + Math.floor(inBlock / perPage);
    if (pages > 0 && !hasBit(written, page)) return NO_CHUNK;
    return readElement(openData(at, level.elements)(inBlock));
  };
}
