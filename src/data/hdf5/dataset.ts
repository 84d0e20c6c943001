/** @file Datasets: their shapes, and their numbers as float32, which is what weights are. */
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import { allocate } from '../bytes.js';
import { type StoredArray, decodeElements, sizeOf } from '../elements.js';
import { readChunks } from './chunks.js';
import { type Datatype, readDataspace, readDatatype } from './datatype.js';
import { readFilters } from './filters.js';
import { readLayout } from './layout.js';
import { MESSAGE, type StoredObject } from './object-header.js';
import { type Cursor, damaged, unsupported } from './storage.js';

export const isDataset = (object: StoredObject): boolean =>
  object.has(MESSAGE.dataspace) && object.has(MESSAGE.datatype) && object.has(MESSAGE.layout);

/** @throws ValueError where the dataset holds nothing */
export function readShape(dataset: StoredObject, path: string): readonly number[] {
  const { shape } = readDataspace(dataset.get(MESSAGE.dataspace, 'a shape'));
  if (shape) return shape;
  throw new ValueError(`The HDF5 file has nothing at ${show(path)}: an empty dataset. Save the model anew.`);
}

/** A dataset of numbers, as float32. */
export function readNumbers(dataset: StoredObject, path: string): StoredArray {
  const { storage } = dataset;
  const shape = readShape(dataset, path);
  const datatype = readDatatype(dataset.get(MESSAGE.datatype, 'a type'));
  if (datatype.kind !== 'numbers') {
    throw new ValueError(
      `The HDF5 file has no numbers at ${show(path)}, but ${datatype.kind === 'others' ? datatype.name : 'texts'}. ` +
        'Accepted are whole numbers of 8 to 64 bits, and floats of 16, 32 or 64.',
    );
  }
  const count = sizeOf(shape);
  if (count === 0) return { shape, values: new Float32Array(0) };
  const what = `${show(path)} of shape ${show(shape)}`;
  const { type, order, size } = datatype;
  const bytes = readBytes(dataset, { path, what, shape, byteLength: count * size, datatype });
  const values = decodeElements(bytes, type, order, what, storage.budget);
  if (values instanceof Float32Array) return { shape, values };
  storage.takeMemory(4 * count, what);
  const numbers = new Float32Array(allocate(4 * count, what).buffer);
  numbers.set(values);
  return { shape, values: numbers };
}

interface Wanted {
  readonly path: string;
  readonly what: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly datatype: Extract<Datatype, { kind: 'numbers' }>;
}

/** All bytes of a dataset, in the order of its elements. */
function readBytes(dataset: StoredObject, { path, what, shape, byteLength, datatype }: Wanted): Uint8Array {
  const { storage } = dataset;
  if (dataset.has(MESSAGE.externalFiles))
    throw unsupported(`numbers at ${show(path)} that lie in other files`);
  const layout = readLayout(dataset.get(MESSAGE.layout, 'a layout'), path);
  const tooFew = (there: number) =>
    damaged(
      `the numbers at ${show(path)} have ${there} bytes, and their shape ${show(shape)} takes ${byteLength}`,
    );
  if (layout.kind === 'compact') {
    if (layout.bytes.length < byteLength) throw tooFew(layout.bytes.length);
    return layout.bytes.subarray(0, byteLength);
  }
  if (layout.kind === 'contiguous' && layout.address !== null) {
    const there = layout.byteLength ?? byteLength;
    if (there < byteLength) throw tooFew(there);
    return storage.cursor(layout.address, `the numbers at ${show(path)}`, byteLength).bytes(byteLength);
  }
  storage.takeMemory(byteLength, what);
  const target = allocate(byteLength, what);
  const fillValue = readFillValue(dataset, datatype.size);
  if (fillValue) fill(target, fillValue);
  if (layout.kind === 'chunked') {
    const message = dataset.find(MESSAGE.filters, 'the filters of chunks');
    const filters = message ? readFilters(message, path) : [];
    const { largest } = readDataspace(dataset.get(MESSAGE.dataspace, 'a shape'));
    const chunked = { storage, what, shape, largest, elementSize: datatype.size, filters, layout };
    if (readChunks(chunked, target)) return target;
  }
  if (fillValue) return target;
  throw new ValueError(
    `The numbers at ${show(path)} were never written, or not all of them. Save the model anew.`,
  );
}

/** What stands where nothing was written; null where the file does not say it. */
function readFillValue(dataset: StoredObject, size: number): Uint8Array | null {
  const what = 'a fill value';
  const cursor = dataset.find(MESSAGE.fillValue, what);
  const old = cursor ? null : dataset.find(MESSAGE.oldFillValue, what);
  const length = cursor ? lengthOfFillValue(cursor) : (old?.u32() ?? 0);
  const source = cursor ?? old;
  if (!source || length === 0) return null;
  if (length !== size) source.fail(`has ${length} bytes, and an element ${size}`);
  return source.bytes(length);
}

const IS_DEFINED = 0x20;

function lengthOfFillValue(cursor: Cursor): number {
  const version = cursor.expectVersion(1, 2, 3);
  if (version === 3) return cursor.u8() & IS_DEFINED ? cursor.u32() : 0;
  // When space is allocated, and when it is filled.
  cursor.skip(2);
  const isDefined = cursor.u8() === 1;
  return version === 1 || isDefined ? cursor.u32() : 0;
}

function fill(target: Uint8Array, value: Uint8Array): void {
  if (value.every((byte) => byte === 0)) return;
  target.set(value);
  // What is filled is doubled.
  for (let end = value.length; end < target.length; end *= 2) target.copyWithin(end, 0, end);
}
