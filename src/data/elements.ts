/** @file Numbers as files store them: how many bytes each, in which order, and as which typed array. */
import { allocate } from './bytes.js';
import type { Budget } from './limits.js';

/** All numbers of a file, in the order of C: the last dimension runs fastest. */
export interface NumberArray {
  readonly shape: readonly number[];
  /** What the file calls the type of its elements. */
  readonly type: string;
  readonly values: ArrayLike<number> & { subarray(start: number, end: number): ArrayLike<number> };
}

/** How many elements a shape has; Infinity or NaN where a file says what nothing has. */
export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/** A weight as a file holds it. */
export interface StoredArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export type TypedNumbers =
  Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;

type Decode = (buffer: ArrayBuffer) => TypedNumbers;

/** Whole numbers beyond 2⁵³ lose their last digits, as they would on the way to float32. */
function fromBigInts(values: BigInt64Array | BigUint64Array): Float64Array {
  // Loops, since from() with a function first makes a list of all values, which takes several times their memory.
  const numbers = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) numbers[i] = Number(values[i]);
  return numbers;
}

export function fromHalves(values: Uint16Array): Float32Array {
  const numbers = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) numbers[i] = halfToNumber(values[i]!);
  return numbers;
}

/** Types by NumPy's names: the kind, and how many bytes. */
const DECODERS: Readonly<Record<string, Decode>> = {
  b1: (buffer) => new Uint8Array(buffer).map((byte) => (byte === 0 ? 0 : 1)),
  u1: (buffer) => new Uint8Array(buffer),
  u2: (buffer) => new Uint16Array(buffer),
  u4: (buffer) => new Uint32Array(buffer),
  u8: (buffer) => fromBigInts(new BigUint64Array(buffer)),
  i1: (buffer) => new Int8Array(buffer),
  i2: (buffer) => new Int16Array(buffer),
  i4: (buffer) => new Int32Array(buffer),
  i8: (buffer) => fromBigInts(new BigInt64Array(buffer)),
  f2: (buffer) => fromHalves(new Uint16Array(buffer)),
  f4: (buffer) => new Float32Array(buffer),
  f8: (buffer) => new Float64Array(buffer),
};

export const isElementType = (type: string): boolean => Object.hasOwn(DECODERS, type);

export const byteLengthOf = (type: string): number => Number(type.slice(1));

const NATIVE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little' : 'big';

/** Types whose numbers are turned into those of a longer or another one. */
const CONVERTED: Readonly<Record<string, number>> = { u8: 8, i8: 8, f2: 4 };

/**
 * The numbers in `bytes`, which must be as many as fit.
 *
 * @throws ValueError where they take more memory than the budget has left; the message begins with `what`
 */
export function decodeElements(
  bytes: Uint8Array,
  type: string,
  order: 'big' | 'little',
  what: string,
  budget: Budget,
): TypedNumbers {
  // A copy of its own: typed arrays want their elements at multiples of their size, and the order may have to change.
  const size = byteLengthOf(type);
  budget.take('memory', bytes.length + (CONVERTED[type] ?? 0) * (bytes.length / size), what);
  const copy = allocate(bytes.length, what);
  copy.set(bytes);
  if (order !== NATIVE && size > 1) reverseEach(copy, size);
  return DECODERS[type]!(copy.buffer);
}

/** Turns the bytes of each element round, in place. */
function reverseEach(bytes: Uint8Array, size: number): void {
  // By hand: subarray(…).reverse() takes eight times as long.
  for (let start = 0; start < bytes.length; start += size) {
    for (let a = start, b = start + size - 1; a < b; a++, b--) {
      [bytes[a], bytes[b]] = [bytes[b]!, bytes[a]!];
    }
  }
}

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
