/**
 * @file Writes HDF5 block by block, so that a test can write what no library would: blocks that lead to each other, sizes
 * that nothing has. Addresses and lengths have 8 bytes.
 */
import { checksumOf } from '../../src/data/hdf5/checksum.js';

/** A whole number of so many bytes, the lowest first; negative ones have all bits set. */
function uint(size: number, value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let i = 0, left = BigInt(value); i < size; i++, left >>= 8n) bytes.push(Number(left & 0xffn));
  return bytes;
}

export const u8 = (value: number) => uint(1, value);
export const u16 = (value: number) => uint(2, value);
export const u32 = (value: number) => uint(4, value);
export const u64 = (value: number | bigint) => uint(8, value);
export const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')];
export const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** HDF5's word for no address, and for no limit. */
export const NOWHERE = u64(-1);

const padded = (content: readonly number[]) => [...content, ...zeros((8 - (content.length % 8)) % 8)];

/** A message of an object header of version 1. */
export function message(type: number, content: readonly number[], flags = 0): number[] {
  const whole = padded(content);
  return [...u16(type), ...u16(whole.length), ...u8(flags), 0, 0, 0, ...whole];
}

/** An object header of version 1, of the messages. */
export const objectHeader = (messages: readonly number[]): number[] => [
  ...[1, 0, ...u16(0), ...u32(1), ...u32(messages.length), ...zeros(4)],
  ...messages,
];

export const continuation = (address: number, length: number) =>
  message(0x10, [...u64(address), ...u64(length)]);
export const symbolTable = (tree: number, heap: number) => message(0x11, [...u64(tree), ...u64(heap)]);
export const space = (shape: readonly (number | bigint)[]): number[] => [
  ...u8(1),
  ...u8(shape.length),
  ...zeros(6),
  ...shape.flatMap(u64),
];
export const FLOAT32 = [0x11, 0x20, 0x1f, 0, ...u32(4), ...u16(0), ...u16(32), 23, 8, 0, 23, ...u32(127)];
export const INT8 = [0x10, 0x08, 0, 0, ...u32(1), ...u16(0), ...u16(8)];
export const textOf = (size: number) => [0x13, 1, 0, 0, ...u32(size)];
export const TEXT_OF_ANY_LENGTH = [0x19, 1, 0, 0, ...u32(16), ...textOf(1)];

export function attribute(
  name: string,
  type: readonly number[],
  shape: readonly number[],
  content: readonly number[],
): number[] {
  const text = [...ascii(name), 0];
  const sizes = [text, type, shape].flatMap((part) => u16(part.length));
  return message(0x0c, [1, 0, ...sizes, ...padded(text), ...padded(type), ...padded(shape), ...content]);
}

/** Dataset of version 3: its space, type and layout. */
export const dataset = (
  shape: readonly (number | bigint)[],
  type: readonly number[],
  layout: readonly number[],
  ...more: readonly (readonly number[])[]
): number[] => [
  ...message(1, space(shape)),
  ...message(3, type),
  ...message(8, [3, ...layout]),
  ...more.flat(),
];

export const contiguous = (address: readonly number[], length: number | bigint) => [
  1,
  ...address,
  ...u64(length),
];
export const chunked = (shape: readonly number[], tree: readonly number[], elementSize: number) => [
  ...u8(2),
  ...u8(shape.length + 1),
  ...tree,
  ...[...shape, elementSize].flatMap(u32),
];
/** Filters by their numbers. */
export const filters = (...ids: readonly number[]) =>
  message(0x0b, [1, ...u8(ids.length), ...zeros(6), ...ids.flatMap((id) => [...u16(id), ...zeros(6)])]);

/** A node of a B-tree of version 1, which leads to the children after the keys before them. */
export const node = (
  type: 0 | 1,
  level: number,
  children: readonly (readonly [key: readonly number[], child: number])[],
): number[] => [
  ...ascii('TREE'),
  ...u8(type),
  ...u8(level),
  ...u16(children.length),
  ...NOWHERE,
  ...NOWHERE,
  ...children.flatMap(([key, child]) => [...key, ...u64(child)]),
  ...zeros(8),
];

/** The key of a chunk: how long it is, and where it begins. */
export const chunkKey = (byteLength: number, start: readonly number[]) => [
  ...u32(byteLength),
  ...u32(0),
  ...start.flatMap(u64),
  ...u64(0),
];

/** A block of which the checksum of all that is before it comes last. */
export const signed = (content: readonly number[]): number[] => [
  ...content,
  ...u32(checksumOf(Uint8Array.from(content))),
];

/** A file of blocks, and how long it is. */
export class Hdf5Writer {
  private readonly blocks: { address: number; bytes: Uint8Array }[] = [];
  private end = 96;

  /** Room for so many bytes: its address. */
  reserve(length: number): number {
    const address = this.end;
    this.end += Math.ceil(length / 8) * 8;
    return address;
  }

  write(address: number, bytes: ArrayLike<number>): void {
    this.blocks.push({ address, bytes: Uint8Array.from(bytes) });
  }

  add(bytes: ArrayLike<number>): number {
    const address = this.reserve(bytes.length);
    this.write(address, bytes);
    return address;
  }

  addObject(messages: readonly number[]): number {
    return this.add(objectHeader(messages));
  }

  /** A group: the messages of its header, which lead to a table of names and addresses. */
  group(links: Readonly<Record<string, number>>): number[] {
    const names = Object.keys(links);
    const texts = names.map((name) => padded([...ascii(name), 0]));
    const heap = this.addHeap(texts.flat());
    let offset = 0;
    const entries = names.map((name, i) => {
      const entry = [...u64(offset), ...u64(links[name]!), ...zeros(24)];
      offset += texts[i]!.length;
      return entry;
    });
    return this.groupOf(heap, entries);
  }

  /** A group by the entries of its table, whose names are in a heap. */
  groupOf(heap: number, entries: readonly (readonly number[])[]): number[] {
    const table = this.add([...ascii('SNOD'), 1, 0, ...u16(entries.length), ...entries.flat()]);
    return symbolTable(this.add(node(0, 0, [[u64(0), table]])), heap);
  }

  /** A local heap. */
  addHeap(texts: readonly number[]): number {
    const content = this.add(texts);
    return this.add([...ascii('HEAP'), ...zeros(4), ...u64(texts.length), ...NOWHERE, ...u64(content)]);
  }

  /** A global heap of one object, whose number is 1. */
  addGlobalHeap(content: readonly number[]): number {
    const object = [...u16(1), ...zeros(6), ...u64(content.length), ...padded(content)];
    return this.add([...ascii('GCOL'), 1, 0, 0, 0, ...u64(16 + object.length), ...object]);
  }

  /** The file, of which the object at `root` is the root group. */
  finish(root: number): Uint8Array {
    const bytes = new Uint8Array(this.end);
    const superblock = [
      ...[0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0, 0, 8, 8, 0],
      ...[...u16(4), ...u16(16), ...u32(0)],
      ...[...u64(0), ...NOWHERE, ...u64(this.end), ...NOWHERE],
      ...[...u64(0), ...u64(root), ...zeros(24)],
    ];
    bytes.set(superblock);
    for (const block of this.blocks) bytes.set(block.bytes, block.address);
    return bytes;
  }
}
