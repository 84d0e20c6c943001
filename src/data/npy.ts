/**
 * @file Reads .npy: a magic string, a version, the length of a header, the header as a Python dictionary, the elements.
 *
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { ValueError } from '../text/value-error.js';
import { show } from '../text/show.js';
import {
  type NumberArray,
  type TypedNumbers,
  byteLengthOf,
  decodeElements,
  isElementType,
  sizeOf,
} from './elements.js';
import type { Budget } from './limits.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte);

/** As many bytes as a header of version 1 can have, and as many dimensions as NumPy's arrays. */
const LONGEST_HEADER = 2 ** 16;
const MOST_DIMENSIONS = 64;

/**
 * @throws ValueError for a file that is damaged, holds no numbers, or more than the budget has left; the message begins
 *   with `path`
 */
export function parseNpy(bytes: Uint8Array, path: string, budget: Budget): NumberArray {
  const damaged = new ValueError(`${path} is no .npy file, or its header is damaged.`);
  if (!isNpy(bytes) || bytes.length < 12) throw damaged;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Version 1 counts the header's bytes in two bytes, later ones in four.
  const [start, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (start + length > bytes.length || length > LONGEST_HEADER) throw damaged;
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const [, description] = /'descr'\s*:\s*('[^']*'|\[)/.exec(header) ?? [];
  const [, fortran] = /'fortran_order'\s*:\s*(True|False)/.exec(header) ?? [];
  const [, sizes] = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header) ?? [];
  if (description === undefined || fortran === undefined || sizes === undefined) throw damaged;

  const [, mark, type] = /^'([<>|=])(\w+)'$/.exec(description) ?? [];
  if (mark === undefined || type === undefined || !isElementType(type)) {
    throw new ValueError(
      `${path} holds elements of type ${show(description.replaceAll("'", ''))}; accepted are booleans, whole numbers of 8 ` +
        `to 64 bits and floats of 16 to 64. Save array.astype('float32').`,
    );
  }
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter(Boolean)
    .map(Number);
  if (shape.length > MOST_DIMENSIONS || !shape.every(Number.isSafeInteger)) {
    throw new ValueError(
      `${path} has the shape ${show(shape)}; accepted are ${MOST_DIMENSIONS} dimensions of whole numbers.`,
    );
  }
  const content = bytes.subarray(start + length);
  const expected = byteLengthOf(type) * sizeOf(shape);
  if (content.length !== expected) {
    throw new ValueError(
      `${path} holds ${content.length} bytes of elements; its header announces the shape ${show(shape)}, which takes ` +
        `${expected}. It is damaged or was not copied to its end.`,
    );
  }
  const values = decodeElements(content, type, mark === '>' ? 'big' : 'little', path, budget);
  if (fortran === 'False' || shape.length < 2) return { shape, type, values };
  budget.take('memory', values.byteLength, path);
  return { shape, type, values: toRowMajor(values, shape) };
}

/** Values of which the first dimension runs fastest, in the order in which the last one does. */
function toRowMajor(values: TypedNumbers, shape: readonly number[]): TypedNumbers {
  const strides = shape.map((_, d) => sizeOf(shape.slice(0, d)));
  const ordered = values.slice();
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < ordered.length; to++) {
    ordered[to] = values[from]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d]! += 1;
      from += strides[d]!;
      if (index[d]! < shape[d]!) break;
      from -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return ordered;
}
