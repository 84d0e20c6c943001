/**
 * @file Crafted HDF5 files, each against one bound of the reader: blocks that lead to each other, sizes that nothing has,
 * little that unpacks to much. All are refused by a ValueError, in time that follows from the file's size.
 */
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Hdf5File, readHdf5 } from '../../src/data/hdf5/hdf5.js';
import { Budget } from '../../src/data/limits.js';
import { ValueError } from '../../src/text/value-error.js';
import { modelNamed, readModel } from '../keras-files/golden.js';
import {
  FLOAT32,
  Hdf5Writer,
  INT8,
  NOWHERE,
  TEXT_OF_ANY_LENGTH,
  ascii,
  attribute,
  chunkKey,
  chunked,
  contiguous,
  continuation,
  dataset,
  filters,
  message,
  node,
  objectHeader,
  signed,
  space,
  symbolTable,
  textOf,
  u16,
  u32,
  u64,
  u8,
  zeros,
} from './hdf5-writer.js';

/** What would take minutes, or for ever, takes seconds at most, on a busy machine too. */
const LONGEST_MS = 5000;

function expectRefusal(bytes: Uint8Array, read: (file: Hdf5File) => unknown, message: RegExp): void {
  const start = performance.now();
  let error: unknown;
  try {
    read(readHdf5(bytes));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ValueError);
  expect((error as ValueError).message).toMatch(message);
  expect(performance.now() - start).toBeLessThan(LONGEST_MS);
}

/** A file whose root has the messages that `make` gives. */
function fileOf(make: (writer: Hdf5Writer) => readonly number[]): Uint8Array {
  const writer = new Hdf5Writer();
  return writer.finish(writer.addObject(make(writer)));
}

/** A file with one dataset, `x`. */
const fileWith = (make: (writer: Hdf5Writer) => readonly number[]) =>
  fileOf((writer) => writer.group({ x: writer.addObject(make(writer)) }));

test('the writer of these files writes what is read', () => {
  const values = Float32Array.of(1, 2, 3);
  const bytes = fileOf((writer) => [
    ...writer.group({
      x: writer.addObject(
        dataset([3], FLOAT32, contiguous(u64(writer.add(new Uint8Array(values.buffer))), 12)),
      ),
      y: writer.addObject(
        dataset(
          [3],
          INT8,
          chunked(
            [2],
            u64(
              writer.add(
                node(1, 0, [
                  [chunkKey(2, [0]), writer.add([5, 6])],
                  [chunkKey(2, [2]), writer.add([7, 0])],
                ]),
              ),
            ),
            1,
          ),
        ),
      ),
    }),
    ...attribute('text', textOf(4), space([]), ascii('text')),
    ...attribute('texts', TEXT_OF_ANY_LENGTH, space([1]), [
      ...u32(3),
      ...u64(writer.addGlobalHeap(ascii('any'))),
      ...u32(1),
    ]),
  ]);
  const file = readHdf5(bytes);
  expect(file.keys('')).toEqual(['x', 'y']);
  expect(file.array('x').values).toEqual(values);
  expect(file.array('y').values).toEqual(Float32Array.of(5, 6, 7));
  expect(file.text('', 'text')).toBe('text');
  expect(file.texts('', 'texts')).toEqual(['any']);
});

describe('blocks that lead to each other:', () => {
  test('a B-tree that fans out to the same nodes', () => {
    const bytes = fileOf((writer) => {
      let child = writer.add(node(0, 0, []));
      for (let level = 1; level < 200; level++) {
        const link = [u64(0), child] as const;
        child = writer.add(node(0, level, [link, link]));
      }
      return symbolTable(child, writer.addHeap(zeros(8)));
    });
    expectRefusal(bytes, (file) => file.keys(''), /a node of a B-tree at byte \d+ is reached twice/);
  });

  test('a B-tree that leads to itself', () => {
    const bytes = fileOf((writer) => {
      const address = writer.reserve(64);
      writer.write(address, node(0, 3, [[u64(0), address]]));
      return symbolTable(address, writer.addHeap(zeros(8)));
    });
    expectRefusal(bytes, (file) => file.keys(''), /is reached twice/);
  });

  test('a B-tree whose levels do not go down', () => {
    const bytes = fileOf((writer) => {
      const leaf = writer.add(node(0, 7, []));
      return symbolTable(writer.add(node(0, 3, [[u64(0), leaf]])), writer.addHeap(zeros(8)));
    });
    expectRefusal(bytes, (file) => file.keys(''), /is on another level than its parent says/);
  });

  test('overlapping nodes of a B-tree, each with as many children as the file has room for', () => {
    // Every 24 bytes there is a node, whose children are all nodes.
    const count = 20_000;
    const bytes = fileOf((writer) => {
      const start = writer.reserve(24 * count + 16 * 65_536);
      for (let i = 0; i < count; i++) {
        const level = Math.max(0, 200 - i);
        writer.write(start + 24 * i, [
          ...ascii('TREE'),
          0,
          level,
          ...u16(65_535),
          ...u64(0),
          ...u64(start + 24),
        ]);
      }
      return symbolTable(start, writer.addHeap(zeros(8)));
    });
    expectRefusal(bytes, (file) => file.keys(''), /damaged|steps/);
  });

  const treeOf2 = (
    writer: Hdf5Writer,
    type: number,
    { depth, root, recordLength }: { depth: number; root: number; recordLength: number },
  ) =>
    writer.add(
      signed([
        ...[...ascii('BTHD'), 0, type, ...u32(512), ...u16(recordLength), ...u16(depth), 98, 40],
        ...[...u64(root), ...u16(1), ...u64(1)],
      ]),
    );
  const linkInfo = (heap: number, tree: number) => message(0x02, [0, 0, ...u64(heap), ...u64(tree)]);
  const heapOf = (writer: Hdf5Writer) =>
    writer.add(
      signed([
        ...[...ascii('FRHP'), 0, ...u16(7), ...u16(0), 0, ...u32(4096), ...zeros(8), ...NOWHERE, ...zeros(8)],
        ...[...NOWHERE, ...zeros(64), ...u16(4), ...u64(512), ...u64(65_536), ...u16(32), ...u16(1)],
        ...[...NOWHERE, ...u16(0)],
      ]),
    );

  test('a B-tree of version 2 that leads to itself', () => {
    const bytes = fileWith((writer) => {
      const address = writer.reserve(512);
      // A node of one record, whose two children are itself. The number of all records below has two bytes.
      const child = [...u64(address), ...u8(1), ...u16(1)];
      writer.write(address, signed([...ascii('BTIN'), 0, 10, ...NOWHERE, ...u64(0), ...child, ...child]));
      const tree = treeOf2(writer, 10, { depth: 2, root: address, recordLength: 16 });
      const layout = message(8, [4, 2, 0, 2, 4, ...u32(1), ...u32(4), 5, ...zeros(6), ...u64(tree)]);
      return [...message(1, space([4])), ...message(3, FLOAT32), ...layout];
    });
    expectRefusal(bytes, (file) => file.array('x'), /a node of a B-tree at byte \d+ is reached twice/);
  });

  test('a B-tree of version 2 that is deeper than any', () => {
    const bytes = fileOf((writer) =>
      linkInfo(heapOf(writer), treeOf2(writer, 5, { depth: 65_535, root: 96, recordLength: 11 })),
    );
    expectRefusal(bytes, (file) => file.keys(''), /deeper than any file needs/);
  });

  test('records that stand for objects where the heap has none', () => {
    const bytes = fileOf((writer) => {
      const leaf = writer.reserve(512);
      writer.write(leaf, signed([...ascii('BTLF'), 0, 5, ...zeros(4), 0, ...u32(4096), ...u16(9)]));
      return linkInfo(heapOf(writer), treeOf2(writer, 5, { depth: 0, root: leaf, recordLength: 11 }));
    });
    expectRefusal(bytes, (file) => file.keys(''), /a fractal heap at byte \d+ has no block there/);
  });

  test('a continuation that leads to itself', () => {
    const bytes = fileOf((writer) => {
      const address = writer.reserve(24);
      writer.write(address, continuation(address, 24));
      return continuation(address, 24);
    });
    expectRefusal(
      bytes,
      (file) => file.keys(''),
      /a continuation at byte \d+ leads to a block that was read/,
    );
  });

  test('overlapping continuations, each of them to the end', () => {
    const count = 30_000;
    const bytes = fileOf((writer) => {
      const start = writer.reserve(24 * count);
      const all = new Uint8Array(24 * count);
      for (let i = 0; i < count; i++) {
        all.set(continuation(start + 24 * (i + 1), 24 * (count - i - 1)), 24 * i);
      }
      writer.write(start, all);
      return continuation(start, 24 * count);
    });
    expectRefusal(bytes, (file) => file.keys(''), /leads to a block that was read before/);
  });

  test('a block that begins at many places', () => {
    const count = 8000;
    const bytes = fileOf((writer) => {
      // Empty messages, and a continuation to each of them.
      const empty = writer.add(new Uint8Array(8 * count));
      const first = writer.reserve(24 * count);
      const all = new Uint8Array(24 * count);
      for (let i = 0; i < count; i++) all.set(continuation(empty + 8 * i, 8 * (count - i)), 24 * i);
      writer.write(first, all);
      return continuation(first, 24 * count);
    });
    expectRefusal(bytes, (file) => file.keys(''), /steps, and at most \d+ are accepted.*--limit steps=/);
  });

  test('a message that is shared with itself', () => {
    const writer = new Hdf5Writer();
    const address = writer.reserve(512);
    const shared = message(3, [1, 0, ...zeros(6), ...u64(address)], 2);
    const content = [...message(1, space([1])), ...shared, ...message(8, [3, ...contiguous(NOWHERE, 4)])];
    writer.write(address, objectHeader(content));
    const bytes = writer.finish(writer.addObject(writer.group({ x: address })));
    expectRefusal(bytes, (file) => file.array('x'), /the object at byte \d+ lacks a type/);
  });

  test('a group within itself is one group, however deep one asks', () => {
    const writer = new Hdf5Writer();
    const root = writer.reserve(64);
    const messages = writer.group({ a: root, b: root });
    writer.write(root, objectHeader(messages));
    const file = readHdf5(writer.finish(root));
    expect(file.keys('a/b'.repeat(100))).toEqual([]);
    expect(file.keys('a/b/'.repeat(10_000))).toEqual(['a', 'b']);
    expect(() => {
      for (;;) file.has('a/b/'.repeat(10_000));
    }).toThrow(/steps, and at most/);
  });

  test('links by path, each of them to the next, twice', () => {
    const bytes = fileOf((writer) => {
      const names = Array.from({ length: 40 }, (_, i) => [...ascii(`l${10 + i}`), 0, ...zeros(4)]);
      const paths = names.map((_, i) => [...ascii(`l${11 + i}/l${11 + i}`), ...zeros(9)]);
      const heap = writer.addHeap([...names, ...paths].flat());
      const entries = names.map((_, i) => [
        ...[...u64(8 * i), ...NOWHERE, ...u32(2), ...zeros(4)],
        ...[...u32(8 * names.length + 16 * i), ...zeros(12)],
      ]);
      return writer.groupOf(heap, entries);
    });
    expectRefusal(bytes, (file) => file.has('l10'), /more than 16 links lead to one another/);
  });
});

describe('sizes that nothing has:', () => {
  test.each([
    ['2^24 texts of no length', textOf(0), [2 ** 24], /elements of no size/],
    ['2^24 texts', textOf(1), [2 ** 24], /of 16777216 texts is longer than its place/],
    ['2^24 texts of any length', TEXT_OF_ANY_LENGTH, [2 ** 24], /of 16777216 texts is longer/],
    ['a text of 4 GB', textOf(2 ** 32 - 1), [], /of 1 texts is longer/],
    ['2^106 texts', textOf(1), [2 ** 53 - 1, 2 ** 53 - 1], /longer than its place/],
    ['2^63 texts', textOf(1), [2n ** 63n], /has a number beyond 2\^53/],
    ['33 dimensions', textOf(1), new Array<number>(33).fill(1), /has 33 dimensions/],
  ])('an attribute of %s', (_, type, shape, message) => {
    const bytes = fileOf(() => attribute('layer_names', type, space(shape), ascii('name')));
    expectRefusal(bytes, (file) => file.texts('', 'layer_names'), message);
  });

  test.each([
    ['2^32 numbers', [2 ** 32], /lies beyond the end of the file/],
    ['2^106 numbers', [2 ** 53 - 1, 2 ** 53 - 1], /and their shape \[9007199254740991, .*\] takes 3\.2/],
  ])('a dataset of %s in one piece', (_, shape, message) => {
    const bytes = fileWith(() => dataset(shape, FLOAT32, contiguous(u64(96), 2 ** 53 - 1)));
    expectRefusal(bytes, (file) => file.array('x'), message);
  });

  test('a dataset of more bytes than it has', () => {
    const bytes = fileWith(() => dataset([4], FLOAT32, contiguous(u64(96), 12)));
    expectRefusal(bytes, (file) => file.array('x'), /'x' have 12 bytes, and their shape \[4\] takes 16/);
  });

  const memory =
    /'x' of shape .*: takes [\d.e+]+ bytes of memory, and at most \d+ are accepted.*--limit memory=/;

  test.each([
    ['2^32 numbers in chunks', [2 ** 32], [2 ** 20]],
    ['a number in a chunk of 2^32', [1, 1], [2 ** 31, 2]],
    ['2^106 numbers in chunks', [2 ** 53 - 1, 2 ** 53 - 1], [1, 1]],
  ])('%s', (_, shape, chunk) => {
    const bytes = fileWith((writer) => {
      const packed = writer.add(deflateSync(Buffer.alloc(2 ** 20)));
      const tree = writer.add(node(1, 0, [[chunkKey(1000, zeros(shape.length)), packed]]));
      return dataset(shape, FLOAT32, chunked(chunk, u64(tree), 4), filters(1));
    });
    expectRefusal(bytes, (file) => file.array('x'), memory);
  });

  test('2^40 numbers that were never written, with a value for that', () => {
    const fill = message(0x05, [2, 2, 2, 1, ...u32(4), ...u32(1)]);
    const bytes = fileWith(() => dataset([2 ** 40], FLOAT32, contiguous(NOWHERE, 0), fill));
    expectRefusal(bytes, (file) => file.array('x'), memory);
  });

  test.each([
    ['of no size', [0]],
    ['of another rank', [1, 1]],
  ])('chunks %s', (_, chunk) => {
    const bytes = fileWith(() => dataset([4], FLOAT32, chunked(chunk, u64(96), 4)));
    expectRefusal(bytes, (file) => file.array('x'), /the chunks of 'x'.* have another rank, or no size/);
  });

  test.each([
    ['in one piece', 60],
    ['in pages', 0],
  ])('an array of 2^40 chunks, %s', (_, pageBits) => {
    const writer = new Hdf5Writer();
    const block = writer.reserve(96);
    const header = writer.add(
      signed([...ascii('FAHD'), 0, 0, 8, ...u8(pageBits), ...u64(2 ** 40), ...u64(block)]),
    );
    writer.write(block, [...ascii('FADB'), 0, 0, ...u64(header)]);
    const layout = message(8, [4, 2, 0, 2, 4, ...u32(1), ...u32(4), 3, ...u8(pageBits), ...u64(header)]);
    const x = writer.addObject([...message(1, space([4])), ...message(3, FLOAT32), ...layout]);
    const bytes = writer.finish(writer.addObject(writer.group({ x })));
    expectRefusal(bytes, (file) => file.array('x'), /is longer than its place/);
  });

  test('255 filters', () => {
    const many = new Array<number>(255).fill(2);
    const bytes = fileWith(() => dataset([4], FLOAT32, chunked([4], u64(96), 4), filters(...many)));
    expectRefusal(bytes, (file) => file.array('x'), /has 255 filters/);
  });
});

describe('little that becomes much:', () => {
  const withChunk = (packed: Uint8Array, shape: number[], chunk: number[], ids: readonly number[]) =>
    fileWith((writer) => {
      const entry = [chunkKey(packed.length, zeros(shape.length)), writer.add(packed)] as const;
      return dataset(
        shape,
        FLOAT32,
        chunked(chunk, u64(writer.add(node(1, 0, [entry]))), 4),
        filters(...ids),
      );
    });

  test('a chunk that unpacks to more than its shape takes', () => {
    const bytes = withChunk(deflateSync(Buffer.alloc(2 ** 27)), [4], [4], [1]);
    expectRefusal(bytes, (file) => file.array('x'), /the chunk 0 of 'x'.* unpacks to more than the 16 bytes/);
  });

  test('a chunk that unpacks to less', () => {
    const bytes = withChunk(deflateSync(Buffer.alloc(12)), [4], [4], [1]);
    expectRefusal(bytes, (file) => file.array('x'), /unpacks to 12 bytes, and its shape takes 16/);
  });

  test('rows of one number, many of them', () => {
    // 16 MB of zeros, which are copied number by number.
    const bytes = withChunk(deflateSync(Buffer.alloc(2 ** 24)), [2 ** 22, 2], [2 ** 22, 1], [1]);
    expectRefusal(bytes, (file) => file.array('x'), /steps, and at most/);
  });

  test('a chunk that is compressed twice', () => {
    const bytes = withChunk(deflateSync(deflateSync(Buffer.alloc(2 ** 24))), [2 ** 22], [2 ** 22], [1, 1]);
    expectRefusal(bytes, (file) => file.array('x'), /compressed twice/);
  });

  test.each([
    ['cut off', (packed: Buffer) => packed.subarray(0, packed.length - 5)],
    ['of another checksum', (packed: Buffer) => packed.fill(1, packed.length - 1)],
    [
      'of gzip',
      () => Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]),
    ],
  ])('a stream that is %s', (_, change) => {
    const packed = deflateSync(Buffer.from(Float32Array.of(1, 2, 3, 4).buffer));
    const bytes = withChunk(change(packed), [4], [4], [1]);
    expectRefusal(bytes, (file) => file.array('x'), /the chunk 0 of 'x'.* cannot be unpacked/);
  });

  const CHUNKS = 6000;
  const manyChunks = (places: (i: number) => number[], shape: number[], chunk: number[]) =>
    fileWith((writer) => {
      const packed = deflateSync(Buffer.alloc(4 * chunk.reduce((product, size) => product * size, 1)));
      const address = writer.add(packed);
      const entries = Array.from(
        { length: CHUNKS },
        (_, i) => [chunkKey(packed.length, places(i)), address] as const,
      );
      return dataset(shape, FLOAT32, chunked(chunk, u64(writer.add(node(1, 0, entries))), 4), filters(1));
    });

  test('one chunk at one place, many times', () => {
    const bytes = manyChunks(() => [0], [2 ** 18], [2 ** 18]);
    expectRefusal(bytes, (file) => file.array('x'), /the chunk 0 of 'x'.* is there twice/);
  });

  test('chunks that reach far over the edge, many of them', () => {
    const bytes = manyChunks((i) => [i, 0], [CHUNKS, 1], [1, 2 ** 18]);
    expectRefusal(bytes, (file) => file.array('x'), /bytes of memory, and at most/);
  });

  test('texts of one object of a heap, many of them', () => {
    const bytes = fileOf((writer) => {
      const heap = writer.addGlobalHeap(new Array<number>(2 ** 20).fill(0x61));
      const text = [...u32(2 ** 20), ...u64(heap), ...u32(1)];
      const texts = Array.from({ length: 4000 }, () => text).flat();
      return attribute('layer_names', TEXT_OF_ANY_LENGTH, space([4000]), texts);
    });
    expectRefusal(bytes, (file) => file.texts('', 'layer_names'), /bytes of memory|steps/);
  });

  test('names that are the ends of one text, many of them', () => {
    const bytes = fileOf((writer) => {
      const heap = writer.addHeap([...new Array<number>(2 ** 20).fill(0x61), 0]);
      const entries = Array.from({ length: 60_000 }, (_, i) => [...u64(i), ...u64(96), ...zeros(24)]);
      return writer.groupOf(heap, entries);
    });
    expectRefusal(bytes, (file) => file.keys(''), /bytes of memory|steps/);
  });

  test('objects, attributes, steps and memory are counted, by limits that can be raised', () => {
    const bytes = fileOf((writer) => [
      ...writer.group({ x: writer.addObject(dataset([2], INT8, [0, ...u16(2), 1, 2])) }),
      ...attribute('a', textOf(1), space([]), ascii('a')),
    ]);
    const read = (limits: object) => {
      const file = readHdf5(bytes, new Budget(limits));
      return [file.text('', 'a'), ...file.array('x').values];
    };
    expect(read({ entries: 3, steps: 1000, memory: 1000 })).toEqual(['a', 1, 2]);
    expect(() => read({ entries: 2 })).toThrow(/takes 3 entries, and at most 2/);
    expect(() => read({ steps: 9 })).toThrow(/takes 10 steps, and at most 9/);
    expect(() => read({ memory: 5 })).toThrow(/bytes of memory, and at most 5/);
  });
});

test('any byte of a model changed: it is read or refused', { timeout: 120_000 }, () => {
  const original = readModel(modelNamed('keras3-glu.h5'));
  const readAll = (bytes: Uint8Array) => {
    const file = readHdf5(bytes);
    file.text('', 'model_config');
    file.text('', 'keras_version');
    file.keys('');
    for (const layer of file.texts('model_weights', 'layer_names') ?? []) {
      for (const weight of file.texts(`model_weights/${layer}`, 'weight_names') ?? []) {
        file.array(`model_weights/${layer}/${weight}`);
      }
    }
  };
  readAll(original);
  const start = performance.now();
  const others: unknown[] = [];
  for (let at = 0; at < original.length; at++) {
    const bytes = original.slice();
    for (const value of new Set([0, 0xff, original[at]! ^ 1, original[at]! ^ 0x80])) {
      bytes[at] = value;
      try {
        readAll(bytes);
      } catch (error) {
        if (!(error instanceof ValueError)) others.push([at, value, error]);
      }
    }
  }
  expect(others).toEqual([]);
  // Some 40,000 files.
  expect(performance.now() - start).toBeLessThan(60_000);
});
