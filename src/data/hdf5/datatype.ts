/** @file What the elements of a dataset or an attribute are, and how many there are. */
import type { Cursor } from './storage.js';

export type Datatype =
  | {
      readonly kind: 'numbers';
      /** NumPy's name of it, such as f4. */
      readonly type: string;
      readonly order: 'big' | 'little';
      readonly size: number;
    }
  | { readonly kind: 'texts'; readonly size: number; readonly padding: Padding }
  | { readonly kind: 'texts of any length'; readonly size: number }
  | { readonly kind: 'others'; readonly name: string; readonly size: number };

/** What comes after a text that is shorter than its place: a NUL and anything, NULs, or spaces. */
export type Padding = 'terminated' | 'nulls' | 'spaces';
const PADDINGS: readonly Padding[] = ['terminated', 'nulls', 'spaces'];

/** HDF5's classes of types. */
const CLASSES = [
  ...['whole numbers', 'floats', 'times', 'texts', 'bit fields', 'opaque bytes', 'compounds', 'references'],
  ...['enumerations', 'lists of any length', 'arrays', 'complex numbers'],
];
const [INTEGER, FLOAT, TEXT, ENUMERATION, VARIABLE] = [0, 1, 3, 8, 9];

const IS_SIGNED = 0x08;
const IS_BIG = 0x01;
/** Of VAX: neither order. */
const IS_MIXED = 0x40;
/** How the mantissa is normalized; that its first bit is not stored. */
const [NORMALIZATION, IS_IMPLIED] = [0x30, 0x20];

/** IEEE 754, by bytes: where sign and exponent are, and how long; the length of the mantissa; the exponent's bias. */
const IEEE: Readonly<Record<number, readonly number[]>> = {
  2: [15, 10, 5, 0, 10, 15],
  4: [31, 23, 8, 0, 23, 127],
  8: [63, 52, 11, 0, 52, 1023],
};

/** NumPy's booleans are an enumeration, as h5py writes them; which names its numbers have is no matter here. */
export function readDatatype(cursor: Cursor, isEnumerated = false): Datatype {
  const classAndVersion = cursor.u8();
  const [version, kind] = [classAndVersion >> 4, classAndVersion & 0x0f];
  if (version < 1 || version > 5) cursor.fail(`is of version ${version}, and 1 to 5 are known`);
  const [bits, moreBits] = [cursor.u8(), cursor.u8()];
  cursor.skip(1);
  const size = cursor.u32();
  if (size === 0) cursor.fail('has elements of no size');
  const others: Datatype = { kind: 'others', name: CLASSES[kind] ?? `type ${kind}`, size };
  const order = bits & IS_BIG ? 'big' : 'little';
  switch (kind) {
    case INTEGER: {
      const isWhole = cursor.u16() === 0 && cursor.u16() === 8 * size && [1, 2, 4, 8].includes(size);
      const type = `${bits & IS_SIGNED ? 'i' : 'u'}${size}`;
      return isWhole ? { kind: 'numbers', type, order, size } : others;
    }
    case FLOAT: {
      cursor.skip(2);
      const [precision, exponentAt, exponentLength] = [cursor.u16(), cursor.u8(), cursor.u8()];
      const layout = [moreBits, exponentAt, exponentLength, cursor.u8(), cursor.u8(), cursor.u32()];
      const isIeee =
        (bits & (IS_MIXED | NORMALIZATION)) === IS_IMPLIED &&
        precision === 8 * size &&
        IEEE[size]?.every((part, i) => part === layout[i]);
      return isIeee ? { kind: 'numbers', type: `f${size}`, order, size } : others;
    }
    case TEXT: {
      const padding = PADDINGS[bits & 0x0f];
      return padding ? { kind: 'texts', size, padding } : others;
    }
    case ENUMERATION: {
      const base = isEnumerated ? others : readDatatype(cursor, true);
      return base.size === size && base.kind === 'numbers' ? base : others;
    }
    case VARIABLE:
      return (bits & 0x0f) === 1 ? { kind: 'texts of any length', size } : others;
    default:
      return others;
  }
}

/** More than NumPy's and HDF5's own limit. */
const MOST_DIMENSIONS = 32;

export interface Dataspace {
  /** Null where there are no elements at all. */
  readonly shape: readonly number[] | null;
  /** What it may grow to; null where a dimension is not limited. */
  readonly largest: readonly (number | null)[];
}

const HAS_LARGEST = 0x01;
const NOTHING = 2;

export function readDataspace(cursor: Cursor): Dataspace {
  const version = cursor.expectVersion(1, 2);
  const [rank, flags, type] = [cursor.u8(), cursor.u8(), cursor.u8()];
  if (rank > MOST_DIMENSIONS) cursor.fail(`has ${rank} dimensions`);
  if (version === 1) cursor.skip(4);
  if (version === 2 && type === NOTHING) return { shape: null, largest: [] };
  const shape = Array.from({ length: rank }, () => cursor.length());
  const { lengthSize } = cursor.storage;
  const largest = flags & HAS_LARGEST ? shape.map(() => cursor.optional(lengthSize)) : shape;
  return { shape, largest };
}
