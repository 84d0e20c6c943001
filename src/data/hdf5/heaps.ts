/** @file The heaps of HDF5: local ones for names, global ones for texts of any length, fractal ones for many of a kind. */
import { CHECKSUM_LENGTH, checksumOf } from './checksum.js';
import { type Cursor, type Storage, paddedLength, unsupported } from './storage.js';
import { RECORDS, type RecordType, bytesFor, isPowerOfTwo, readTree2 } from './trees.js';

/** Reads the texts of a local heap, by where they are in it. */
export function openLocalHeap(storage: Storage, address: number): (offset: number) => string {
  const header = storage.cursor(address, 'a local heap');
  header.expectSignature('HEAP');
  header.expectVersion(0);
  header.skip(3);
  const length = header.length();
  // The list of what is free.
  header.skip(storage.lengthSize);
  const { start } = storage.cursor(header.place(), 'the texts of a local heap', length);
  return (offset) => {
    if (offset >= length) header.fail('has no text there');
    const text = storage.cursor(start - storage.base + offset, 'a text of a local heap', length - offset);
    return text.text(text.left);
  };
}

/** Where an object of a heap is. */
interface Extent {
  readonly address: number;
  readonly length: number;
}

/** Objects of a heap, by their numbers. */
type Collection = ReadonlyMap<number, Extent>;

/** The objects of all global heaps of a file. */
export class GlobalHeaps {
  private readonly collections = new Map<number, Collection>();

  constructor(private readonly storage: Storage) {}

  /** The first `length` bytes of an object. */
  read(address: number, index: number, length: number): Uint8Array {
    const collection = this.collections.get(address) ?? this.readCollection(address);
    this.collections.set(address, collection);
    const what = 'an object of a global heap';
    const object = collection.get(index);
    if (!object) return this.storage.cursor(address, what).fail(`is missing: number ${index}`);
    return this.storage.cursor(object.address, what, object.length).bytes(length);
  }

  private readCollection(address: number): Collection {
    const header = this.storage.cursor(address, 'a global heap');
    header.expectSignature('GCOL');
    header.expectVersion(1);
    header.skip(3);
    const heap = this.storage.cursor(address, 'a global heap', header.length());
    // Everything in it begins at a multiple of 8.
    const prefix = 16;
    heap.skip(prefix);
    const objects = new Map<number, Extent>();
    while (heap.left >= prefix) {
      this.storage.step();
      const index = heap.u16();
      // How many refer to it.
      heap.skip(2 + 4);
      const length = heap.length();
      heap.align(8);
      // What is free comes last.
      if (index === 0) break;
      const { start } = heap.piece(length);
      heap.skip(Math.min(paddedLength(length) - length, heap.left));
      objects.set(index, { address: start - this.storage.base, length });
    }
    return objects;
  }
}

const HAS_ORDER = 0x01;

/**
 * What an object has in a fractal heap, by the message that leads to the heap and to a B-tree of records.
 *
 * @param orderLength how many bytes the message has for the next place in their order, where they have one
 * @param readRecord gives what a record stands for
 */
export function* readInHeap(
  message: Cursor,
  orderLength: number,
  type: RecordType,
  readRecord: (record: Cursor, heap: FractalHeap) => Cursor,
): Generator<Cursor> {
  const { storage } = message;
  message.expectVersion(0);
  const flags = message.u8();
  if (flags & HAS_ORDER) message.skip(orderLength);
  const [heapAddress, treeAddress] = [message.address(), message.address()];
  if (heapAddress === null || treeAddress === null) return;
  const heap = new FractalHeap(storage, heapAddress);
  for (const record of readTree2(storage, treeAddress, type)) yield readRecord(record, heap);
}

/** The kinds of objects of a fractal heap, in its first byte. */
const [MANAGED, HUGE, TINY] = [0, 1, 2];
const HAS_CHECKSUMS = 0x02;

/** Links or attributes of an object that has many. */
class FractalHeap {
  private readonly header: Cursor;
  private readonly offsetLength: number;
  private readonly lengthLength: number;
  private readonly hugeTree: number | null;
  private readonly width: number;
  private readonly startLength: number;
  private readonly largestBlock: number;
  private readonly root: number | null;
  private readonly rootRows: number;
  private readonly hasChecksums: boolean;
  private readonly idLength: number;
  private readonly verified = new Set<number>();
  private huge: Collection | null = null;

  constructor(
    private readonly storage: Storage,
    address: number,
  ) {
    const { lengthSize } = storage;
    const header = storage.cursor(address, 'a fractal heap');
    this.header = header;
    header.expectSignature('FRHP');
    header.expectVersion(0);
    this.idLength = header.u16();
    if (header.u16() > 0) throw unsupported('groups or attributes that are compressed');
    this.hasChecksums = (header.u8() & HAS_CHECKSUMS) !== 0;
    const largestObject = header.u32();
    header.skip(lengthSize);
    this.hugeTree = header.address();
    // Free space, and how much of everything there is.
    header.skip(lengthSize);
    header.address();
    header.skip(8 * lengthSize);
    this.width = header.u16();
    this.startLength = header.length();
    this.largestBlock = header.length();
    const bits = header.u16();
    header.skip(2);
    this.root = header.address();
    this.rootRows = header.u16();
    header.expectChecksum();
    if (
      ![this.width, this.startLength, this.largestBlock].every(isPowerOfTwo) ||
      this.largestBlock < this.startLength
    ) {
      header.fail('has blocks of impossible sizes');
    }
    this.offsetLength = Math.ceil(bits / 8);
    this.lengthLength = Math.min(Math.ceil(Math.log2(this.largestBlock) / 8), bytesFor(largestObject));
  }

  /** The object that an identifier, the next of `from`, stands for. */
  read(from: Cursor, what: string): Cursor {
    const id = from.piece(this.idLength);
    const first = id.u8();
    if (first >> 6 !== 0) id.fail('is of an unknown version');
    switch ((first >> 4) & 3) {
      case MANAGED:
        return this.readManaged(id.uint(this.offsetLength), id.uint(this.lengthLength), what);
      case HUGE:
        return this.readHuge(id, what);
      case TINY: {
        const length = (this.idLength > 18 ? ((first & 0x0f) << 8) | id.u8() : first & 0x0f) + 1;
        return id.piece(length, what);
      }
      default:
        return id.fail('is of an unknown kind');
    }
  }

  /** The length of the blocks of a row: the first two have the same, each further one twice as much. */
  private blockLength(row: number): number {
    return this.startLength * 2 ** Math.max(0, row - 1);
  }

  private readManaged(offset: number, length: number, what: string): Cursor {
    let [address, rows, start] = [this.root, this.rootRows, 0];
    let blockLength = this.startLength;
    while (rows > 0) {
      if (address === null) return this.header.fail('has no block there');
      const block = this.openBlock(address, 'FHIB', this.indirectLength(rows));
      let row = 0;
      let rowStart = start;
      while (row < rows && offset >= rowStart + this.width * this.blockLength(row)) {
        rowStart += this.width * this.blockLength(row);
        row += 1;
      }
      if (row === rows) block.fail('has no object there');
      blockLength = this.blockLength(row);
      const column = Math.floor((offset - rowStart) / blockLength);
      block.skip((row * this.width + column) * this.storage.offsetSize);
      address = block.address();
      start = rowStart + column * blockLength;
      if (blockLength <= this.largestBlock) break;
      // Fewer than before, so this ends.
      rows = Math.log2(blockLength / (this.startLength * this.width)) + 1;
      if (rows < 1) block.fail('has blocks of impossible sizes');
    }
    if (address === null) return this.header.fail('has no block there');
    const block = this.openBlock(address, 'FHDB', blockLength);
    const within = offset - start;
    if (within + length > blockLength) block.fail('ends before its object does');
    return this.storage.cursor(address + within, what, length);
  }

  /** How long an indirect block of so many rows is. */
  private indirectLength(rows: number): number {
    const { offsetSize } = this.storage;
    return 5 + offsetSize + this.offsetLength + rows * this.width * offsetSize + CHECKSUM_LENGTH;
  }

  /** A block behind what it begins with; its checksum is compared when it is first read. */
  private openBlock(address: number, signature: 'FHIB' | 'FHDB', length: number): Cursor {
    const block = this.storage.cursor(address, 'a block of a fractal heap', length);
    block.expectSignature(signature);
    block.expectVersion(0);
    block.address();
    block.skip(this.offsetLength);
    if (this.verified.has(address)) return block;
    this.verified.add(address);
    if (signature === 'FHIB') {
      const whole = this.storage.cursor(address, 'a block of a fractal heap', length);
      whole.skip(length - CHECKSUM_LENGTH);
      whole.expectChecksum();
    } else if (this.hasChecksums) {
      // It lies within the block, and was 0 when it was computed.
      const bytes = this.storage.cursor(address, 'a block of a fractal heap', length).bytes(length);
      this.storage.takeMemory(length, 'A block of a fractal heap');
      this.storage.stepOver(length);
      const before = length - block.left;
      const unsigned = new Uint8Array(bytes).fill(0, before, before + CHECKSUM_LENGTH);
      if (block.u32() !== checksumOf(unsigned)) block.fail('has another checksum than it says');
    }
    return block;
  }

  /** Huge objects are not in the heap, but by themselves. */
  private readHuge(id: Cursor, what: string): Cursor {
    const { offsetSize, lengthSize } = this.storage;
    if (offsetSize + lengthSize < this.idLength) {
      const address = id.place();
      return this.storage.cursor(address, what, id.length());
    }
    this.huge ??= this.readHugeTree();
    const number = id.uint(Math.min(lengthSize, id.left));
    const object = this.huge.get(number);
    return object
      ? this.storage.cursor(object.address, what, object.length)
      : id.fail('stands for no object');
  }

  private readHugeTree(): Collection {
    const objects = new Map<number, Extent>();
    if (this.hugeTree === null) return objects;
    for (const record of readTree2(this.storage, this.hugeTree, RECORDS.hugeObjects)) {
      const object = { address: record.place(), length: record.length() };
      objects.set(record.length(), object);
    }
    return objects;
  }
}
