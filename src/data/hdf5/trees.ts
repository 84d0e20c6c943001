/**
 * @file B-trees, of both versions. A node's level is one below that of the node that leads to it, and no node is visited
 * twice: a tree that fans out or loops ends at once.
 */
import { CHECKSUM_LENGTH } from './checksum.js';
import type { Cursor, Storage } from './storage.js';

/** What the leaves of a B-tree of version 1 lead to. */
export interface TreeEntry {
  readonly key: Cursor;
  readonly child: number;
}

export const TREE = { group: 0, chunks: 1 } as const;

/** The entries of all leaves of a B-tree of version 1, in order. */
export function* readTree1(
  storage: Storage,
  root: number,
  type: (typeof TREE)[keyof typeof TREE],
  keyLength: number,
): Generator<TreeEntry> {
  const visited = new Set<number>();
  const waiting: { address: number; level: number | null }[] = [{ address: root, level: null }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const node = storage.cursor(next.address, 'a node of a B-tree');
    if (visited.has(next.address)) node.fail('is reached twice');
    visited.add(next.address);
    node.expectSignature('TREE');
    if (node.u8() !== type) node.fail('is of another kind of tree');
    const level = node.u8();
    if (next.level !== null && level !== next.level) node.fail('is on another level than its parent says');
    const count = node.u16();
    // Its siblings.
    node.address();
    node.address();
    const inner = [];
    for (let i = 0; i < count; i++) {
      storage.step();
      const entry = { key: node.piece(keyLength), child: node.place() };
      if (level === 0) yield entry;
      else inner.push({ address: entry.child, level: level - 1 });
    }
    waiting.push(...inner.reverse());
  }
}

/** What the records of a B-tree of version 2 are. */
export const RECORDS = {
  hugeObjects: 1,
  linksByName: 5,
  attributesByName: 8,
  chunks: 10,
  filteredChunks: 11,
} as const;

export type RecordType = (typeof RECORDS)[keyof typeof RECORDS];

/** How many bytes hold every number up to `largest`. */
export const bytesFor = (largest: number): number => Math.floor(Math.log2(Math.max(1, largest)) / 8) + 1;

export const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value));

/** Signature, version, type and checksum. */
const NODE_PREFIX = 4 + 1 + 1 + CHECKSUM_LENGTH;

/** All records of a B-tree of version 2; their order is no matter here. */
export function* readTree2(storage: Storage, address: number, type: RecordType): Generator<Cursor> {
  const header = storage.cursor(address, 'a B-tree');
  header.expectSignature('BTHD');
  header.expectVersion(0);
  if (header.u8() !== type) header.fail('is of another kind of tree');
  const [nodeLength, recordLength, depth] = [header.u32(), header.u16(), header.u16()];
  // When nodes are split and merged.
  header.skip(2);
  const root = header.address();
  const rootCount = header.u16();
  header.length();
  header.expectChecksum();
  if (root === null) return;
  if (recordLength === 0) header.fail('has records of no length');

  // How many records a node can have, and how many are below it, decide how long its numbers are.
  const mostInLeaf = Math.floor((nodeLength - NODE_PREFIX) / recordLength);
  const countLength = bytesFor(mostInLeaf);
  /** By level, from the leaves up: how many bytes the number of all records below has. */
  const totalLengths = [0];
  let mostBelow = mostInLeaf;
  for (let level = 1; level < depth; level++) {
    storage.step();
    const pointer = storage.offsetSize + countLength + totalLengths[level - 1]!;
    const most = Math.floor((nodeLength - NODE_PREFIX - pointer) / (recordLength + pointer));
    mostBelow = (most + 1) * mostBelow + most;
    if (!Number.isSafeInteger(mostBelow)) header.fail('is deeper than any file needs');
    totalLengths.push(bytesFor(mostBelow));
  }

  const visited = new Set<number>();
  const waiting = [{ address: root, level: depth, count: rootCount }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const node = storage.cursor(next.address, 'a node of a B-tree', nodeLength);
    if (visited.has(next.address)) node.fail('is reached twice');
    visited.add(next.address);
    node.expectSignature(next.level === 0 ? 'BTLF' : 'BTIN');
    node.expectVersion(0);
    if (node.u8() !== type) node.fail('is of another kind of tree');
    const records = node.piece(next.count * recordLength, 'a record of a B-tree');
    for (let i = 0; next.level > 0 && i <= next.count; i++) {
      const child = { address: node.place(), level: next.level - 1, count: node.uint(countLength) };
      node.skip(totalLengths[next.level - 1]!);
      waiting.push(child);
    }
    node.expectChecksum();
    while (records.left > 0) {
      storage.step();
      yield records.piece(recordLength);
    }
  }
}
