/** @file Mutations of bytes: of any, and of the fields of HDF5, zip, .npy and IDX, found by what marks them. */
import type { Random } from './random.js';

export interface Mutated {
  readonly bytes: Uint8Array;
  readonly recipe: string;
}

type Mutate = (bytes: Uint8Array, random: Random) => Uint8Array;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Writes a little-endian number as far as there is room for it. */
function writeNumber(bytes: Uint8Array, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size && at + i < bytes.length; i++)
    bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n);
}

const ANY: Record<string, Mutate> = {
  'cut off': (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  'flipped bits': (bytes, random) => {
    for (let i = 0; i <= random.below(8); i++) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    return bytes;
  },
  'other bytes at its beginning': (bytes, random) => {
    for (let i = 0; i <= random.below(8); i++) {
      bytes[random.below(Math.min(bytes.length, 3000))] = random.below(256);
    }
    return bytes;
  },
  'a piece over another': (bytes, random) => {
    const length = Math.min(bytes.length, 8 * (1 + random.below(64)));
    const [from, to] = [random.below(bytes.length - length), random.below(bytes.length - length)];
    return bytes.copyWithin(to, from, from + length);
  },
  'huge numbers': (bytes, random) => {
    writeNumber(bytes, 8 * random.below(Math.floor(bytes.length / 8)), 8, 1n << BigInt(random.below(64)));
    return bytes;
  },
  'two halves swapped': (bytes, random) => {
    const middle = random.below(bytes.length);
    return joinBytes([bytes.subarray(middle), bytes.subarray(0, middle)]);
  },
  'bytes put in': (bytes, random) => {
    const at = random.below(bytes.length);
    return joinBytes([bytes.subarray(0, at), random.bytes(random.count(600)), bytes.subarray(at)]);
  },
};

export const joinBytes = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Where a text of ASCII stands in the bytes. */
function placesOf(bytes: Uint8Array, text: string): number[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: number[] = [];
  for (let at = buffer.indexOf(text, 0, 'latin1'); at >= 0; at = buffer.indexOf(text, at + 1, 'latin1')) {
    places.push(at);
  }
  return places;
}

const SIGNATURES = [
  'TREE',
  'SNOD',
  'HEAP',
  'OHDR',
  'OCHK',
  'GCOL',
  'FRHP',
  'FHDB',
  'FHIB',
  'BTHD',
  'BTLF',
  'BTIN',
  'FSHD',
];

/** A number for a field: counts, sizes, and addresses of structures in the file, the field's own among them. */
const fieldValue = (bytes: Uint8Array, at: number, places: readonly number[], random: Random): bigint =>
  random.pick([
    0n,
    1n,
    BigInt(random.below(256)),
    BigInt(random.below(65_536)),
    BigInt(random.below(bytes.length)),
    BigInt(bytes.length),
    BigInt(at),
    BigInt(random.pick(places)),
    2n ** 31n,
    2n ** 32n,
    1n << BigInt(random.below(64)),
    2n ** 64n - 1n,
  ]);

/** Changes fields of HDF5's structures: those that have a signature, the superblock, and messages of headers. */
const hdf5Fields: Mutate = (bytes, random) => {
  const places = SIGNATURES.flatMap((signature) => placesOf(bytes, signature));
  places.push(0);
  for (let i = random.count(4); i > 0; i--) {
    const structure = random.pick(places);
    // Headers of version 1 have no signature; those that lie in the file are behind symbol tables and at multiples of 8.
    const at = random.once(3)
      ? 8 * random.below(Math.floor(bytes.length / 8))
      : structure + 4 + random.below(random.pick([4, 12, 44, 150]));
    writeNumber(bytes, at, random.pick([1, 2, 4, 8]), fieldValue(bytes, at, places, random));
  }
  return bytes;
};

/** Offsets and sizes of the fields behind each signature of a zip archive. */
const ZIP_FIELDS: Record<string, readonly (readonly [offset: number, size: number])[]> = {
  'PK\u0003\u0004': [
    [4, 2],
    [6, 2],
    [8, 2],
    [14, 4],
    [18, 4],
    [22, 4],
    [26, 2],
    [28, 2],
    [30, 4],
  ],
  'PK\u0001\u0002': [
    [6, 2],
    [8, 2],
    [10, 2],
    [16, 4],
    [20, 4],
    [24, 4],
    [28, 2],
    [30, 2],
    [32, 2],
    [38, 4],
    [42, 4],
    [46, 4],
  ],
  'PK\u0005\u0006': [
    [4, 2],
    [6, 2],
    [8, 2],
    [10, 2],
    [12, 4],
    [16, 4],
    [20, 2],
  ],
};

const zipFields: Mutate = (bytes, random) => {
  for (let i = random.count(3); i > 0; i--) {
    const [signature, fields] = random.pick(Object.entries(ZIP_FIELDS));
    const places = placesOf(bytes, signature);
    if (places.length === 0) continue;
    const [offset, size] = random.pick(fields);
    const at = random.pick(places) + offset;
    writeNumber(bytes, at, size, fieldValue(bytes, at, places, random));
  }
  return bytes;
};

/** The text of a header of .npy, and the numbers before it; of IDX, the type and the sizes. */
const headerFields: Mutate = (bytes, random) => {
  const end = Math.min(bytes.length, 128);
  for (let i = random.count(4); i > 0; i--) {
    const at = random.below(end);
    if (random.once(2)) bytes[at] = "0123456789()',: <>|=TFfiu\n".charCodeAt(random.below(26));
    else writeNumber(bytes, at, random.pick([1, 2, 4]), fieldValue(bytes, at, [0], random));
  }
  return bytes;
};

/** The header of gzip, and the length and checksum at its end. */
const gzipFields: Mutate = (bytes, random) => {
  const at = random.once(2) ? random.below(12) : Math.max(0, bytes.length - 1 - random.below(8));
  if (at < bytes.length) bytes[at] = random.below(256);
  return bytes;
};

function fieldsOf(bytes: Uint8Array): Record<string, Mutate> {
  if (bytes.length < 8) return {};
  const start = viewOf(bytes).getUint32(0);
  if (start === 0x89484446) return { 'other fields of HDF5': hdf5Fields };
  if (start === 0x504b0304) return { 'other fields of zip': zipFields };
  if (start === 0x934e554d || start >>> 16 === 0) return { 'another header': headerFields };
  if (start >>> 16 === 0x1f8b) return { 'other fields of gzip': gzipFields };
  return {};
}

/** Changes a copy of some bytes. Their fields are changed as often as all else together. */
export function mutateBytes(original: Uint8Array, random: Random): Mutated {
  if (original.length === 0) return { bytes: original, recipe: 'empty' };
  const bytes = original.slice();
  const fields = Object.entries(fieldsOf(bytes));
  const [recipe, mutate] =
    fields.length > 0 && random.once(2) ? random.pick(fields) : random.pick(Object.entries(ANY));
  return { bytes: mutate(bytes, random), recipe };
}
