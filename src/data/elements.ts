/** @file Numbers as files store them: how many bytes each, in which order, and as which typed array. */
import { endianness } from 'node:os';

/** All numbers of a file, in the order of C: the last dimension runs fastest. */
export interface NumberArray {
  readonly shape: readonly number[];
  /** What the file calls the type of its elements. */
  readonly type: string;
  readonly values: ArrayLike<number> & { subarray(start: number, end: number): ArrayLike<number> };
}

type Decode = (buffer: ArrayBuffer) => NumberArray['values'];

/** Whole numbers beyond 2⁵³ lose their last digits, as they would on the way to float32. */
const fromBigInts = (values: BigInt64Array | BigUint64Array) => Float64Array.from(values, Number);

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
  f2: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToNumber),
  f4: (buffer) => new Float32Array(buffer),
  f8: (buffer) => new Float64Array(buffer),
};

export const isElementType = (type: string): boolean => Object.hasOwn(DECODERS, type);

export const byteLengthOf = (type: string): number => Number(type.slice(1));

const NATIVE = endianness() === 'BE' ? 'big' : 'little';

/** The numbers in `bytes`, which must be as many as fit. */
export function decodeElements(
  bytes: Uint8Array,
  type: string,
  order: 'big' | 'little',
): NumberArray['values'] {
  // A copy of its own: typed arrays want their elements at multiples of their size, and the swap is in place.
  const copy = Buffer.from(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  if (order !== NATIVE) {
    const size = byteLengthOf(type);
    if (size === 2) copy.swap16();
    if (size === 4) copy.swap32();
    if (size === 8) copy.swap64();
  }
  return DECODERS[type]!(copy.buffer);
}

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
