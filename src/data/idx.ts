/**
 * @file Reads IDX, the format that MNIST is published in: two zero bytes, the elements' type, the number of dimensions,
 * the size of each as a big-endian number of 32 bits, then the elements, big-endian too.
 *
 * Source: http://yann.lecun.com/exdb/mnist, "The IDX file format"
 */
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type NumberArray, byteLengthOf, decodeElements, sizeOf } from './elements.js';
import type { Budget } from './limits.js';

/** The third byte of the file, and what NumPy calls the type. */
const TYPES: Readonly<Record<number, string>> = {
  0x08: 'u1',
  0x09: 'i1',
  0x0b: 'i2',
  0x0c: 'i4',
  0x0d: 'f4',
  0x0e: 'f8',
};

export const isIdx = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 && bytes[2]! in TYPES;

/**
 * @throws ValueError unless the file is IDX, and as long as its header says, or where its numbers are more than the
 *   budget has left; the message begins with `path`
 */
export function parseIdx(bytes: Uint8Array, path: string, budget: Budget): NumberArray {
  if (!isIdx(bytes))
    throw new ValueError(`${path} is no IDX file: it does not begin with the magic number of one.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = TYPES[bytes[2]!]!;
  const rank = bytes[3]!;
  const headerLength = 4 + 4 * rank;
  if (bytes.length < headerLength) {
    throw new ValueError(`${path} holds ${bytes.length} bytes; its header alone takes ${headerLength}.`);
  }
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = headerLength + byteLengthOf(type) * sizeOf(shape);
  if (bytes.length !== expected) {
    throw new ValueError(
      `${path} holds ${bytes.length} bytes; its header announces the shape ${show(shape)}, which takes ` +
        `${expected}. It is damaged or was not copied to its end.`,
    );
  }
  return { shape, type, values: decodeElements(bytes.subarray(headerLength), type, 'big', path, budget) };
}
