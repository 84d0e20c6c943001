/** @file Attributes of an object: in its header, or where there are many, in a heap. Only texts are decoded. */
import { sizeOf } from '../elements.js';
import { type Datatype, type Padding, readDataspace, readDatatype } from './datatype.js';
import { type GlobalHeaps, readInHeap } from './heaps.js';
import { MESSAGE, type StoredObject, followShared } from './object-header.js';
import { type Cursor, damaged, paddedLength, unsupported } from './storage.js';
import { RECORDS } from './trees.js';

/** An attribute before its values are read. */
export interface Attribute {
  readonly datatype: Datatype;
  /** Null where it holds nothing. */
  readonly shape: readonly number[] | null;
  readonly content: Cursor;
}

/** The attributes of an object, by their names. */
export function readAttributes(object: StoredObject): ReadonlyMap<string, Attribute> {
  const { storage } = object;
  const attributes = new Map<string, Attribute>();
  const add = (cursor: Cursor) => {
    storage.takeEntry();
    const { name, ...attribute } = readAttribute(cursor);
    attributes.set(name, attribute);
  };
  for (const cursor of object.all(MESSAGE.attribute, 'an attribute')) add(cursor);
  const info = object.find(MESSAGE.attributeInfo, 'the list of attributes');
  if (!info) return attributes;
  const inHeap = readInHeap(info, 2, RECORDS.attributesByName, (record, heap) => {
    const cursor = heap.read(record, 'an attribute');
    if (record.u8() !== 0) throw unsupported('messages that are shared in a heap');
    return cursor;
  });
  for (const cursor of inHeap) add(cursor);
  return attributes;
}

/** Which parts of an attribute lie in other objects. */
const [SHARES_TYPE, SHARES_SPACE] = [0x01, 0x02];

function readAttribute(cursor: Cursor): Attribute & { name: string } {
  const version = cursor.expectVersion(1, 2, 3);
  const flags = cursor.u8();
  const [nameLength, typeLength, spaceLength] = [cursor.u16(), cursor.u16(), cursor.u16()];
  // Whether the name is ASCII or UTF-8, which holds that.
  if (version === 3) cursor.skip(1);
  // The first version fills each part up.
  const lengthOf = (length: number) => (version === 1 ? paddedLength(length) : length);
  const nameBytes = cursor.piece(lengthOf(nameLength));
  const name = nameBytes.text(nameLength);
  const type = cursor.piece(lengthOf(typeLength), 'the type of an attribute');
  const space = cursor.piece(lengthOf(spaceLength), 'the shape of an attribute');
  const isShared = (flag: number) => version > 1 && (flags & flag) !== 0;
  const datatype = readDatatype(
    isShared(SHARES_TYPE) ? followShared(type, MESSAGE.datatype, 'a type') : type,
  );
  const { shape } = readDataspace(
    isShared(SHARES_SPACE) ? followShared(space, MESSAGE.dataspace, 'a shape') : space,
  );
  return { name, datatype, shape, content: cursor.piece(cursor.left, 'an attribute') };
}

/**
 * The texts of an attribute, in a row.
 *
 * @param name what messages call it
 * @throws ValueError where it holds others
 */
export function readTexts(
  { datatype, shape, content }: Attribute,
  name: string,
  heaps: GlobalHeaps,
): string[] {
  const { storage } = content;
  const count = shape ? sizeOf(shape) : 0;
  if (count === 0) return [];
  if (datatype.kind !== 'texts' && datatype.kind !== 'texts of any length') {
    throw damaged(`its ${name} is not text`);
  }
  if (!(count * datatype.size <= content.left)) {
    content.fail(`of ${count} texts is longer than its place`);
  }
  // A cursor to go through them again, since a caller may ask twice.
  const cursor = content.pieceAt(0, content.left);
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    storage.step();
    texts.push(
      datatype.kind === 'texts'
        ? storage.decode(withoutPadding(cursor.bytes(datatype.size), datatype.padding))
        : readVariable(cursor.piece(datatype.size), heaps),
    );
  }
  return texts;
}

const [NUL, SPACE] = [0, 0x20];

/** As h5py does it: NULs at the end are never part of a text. */
function withoutPadding(bytes: Uint8Array, padding: Padding): Uint8Array {
  const terminator = padding === 'terminated' ? bytes.indexOf(NUL) : -1;
  let end = terminator < 0 ? bytes.length : terminator;
  if (padding === 'spaces') while (bytes[end - 1] === SPACE) end -= 1;
  while (bytes[end - 1] === NUL) end -= 1;
  return bytes.subarray(0, end);
}

/** A text in a global heap: how long it is, and where. */
function readVariable(cursor: Cursor, heaps: GlobalHeaps): string {
  const { storage } = cursor;
  const length = cursor.u32();
  const address = cursor.address();
  const index = cursor.u32();
  if (length === 0 || address === null) return '';
  return storage.decode(withoutPadding(heaps.read(address, index, length), 'terminated'));
}
