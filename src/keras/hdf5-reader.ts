/**
 * @file Reads HDF5, by jsfive: h5wasm, by which we write, is the C library, which runs out of its memory or never ends on
 * one damaged file in fifty, and cannot be started anew. What is plain JavaScript throws.
 */
import { Dataset, File, Group } from 'jsfive';
import { ValueError } from '../text/value-error.js';
import { refusing } from '../text/refusal.js';
import { show } from '../text/show.js';

/** A weight as a file holds it. */
export interface StoredArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** How many numbers a file of weights may hold: gzip's best on what repeats is a hundredfold of its bytes. */
export const numbersIn = (byteLength: number): number => 2 ** 22 + 25 * byteLength;

export interface Hdf5File {
  /** Whether there is a group or a dataset at `path`. */
  has(path: string): boolean;
  /** Names in the group at `path`; none where there is no group. */
  keys(path: string): string[];
  /** A text attribute of a group; null where it has none of that name. */
  text(path: string, attribute: string): string | null;
  /**
   * A list of texts, which Keras splits over `name0`, `name1`, … where it is long; null where there is none.
   */
  texts(path: string, attribute: string): string[] | null;
  /** The numbers at `path`, as float32. */
  array(path: string): StoredArray;
}

export const isHdf5 = (bytes: Uint8Array): boolean =>
  [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, i) => bytes[i] === byte);

/** The length that the file says it has, in its first block; jsfive does not look. */
function statedLength(view: DataView): bigint {
  const version = view.getUint8(8);
  return view.getBigUint64(version < 2 ? 40 : 28, true);
}

/** @throws ValueError where the file is damaged; its methods throw it too */
export function readHdf5(bytes: Uint8Array): Hdf5File {
  const what = 'The HDF5 file is damaged';
  const isWhole = bytes.byteLength === bytes.buffer.byteLength;
  const buffer = (isWhole ? bytes : bytes.slice()).buffer as ArrayBuffer;
  const file = refusing(what, () => {
    if (statedLength(new DataView(buffer)) > BigInt(bytes.length)) {
      throw new ValueError('The HDF5 file is cut off: it says that it is longer. Fetch or save it anew.');
    }
    return new File(buffer, '');
  });
  // jsfive reads a group anew whenever it is asked for: 400 small layers take 20 s without these, and 0.5 s with them.
  const objects = new Map<string, Group | Dataset | null>([['', file]]);
  const names = new Map<Group, ReadonlySet<string>>();
  const namesIn = (group: Group): ReadonlySet<string> => {
    const listed = names.get(group) ?? new Set(group.keys);
    names.set(group, listed);
    return listed;
  };
  const findIn = (parent: Group | Dataset | null, name: string) =>
    parent instanceof Group && namesIn(parent).has(name) ? parent.get(name) : null;
  const find = (path: string): Group | Dataset | null => {
    let [at, object]: [string, Group | Dataset | null] = ['', file];
    for (const name of path.split('/').filter(Boolean)) {
      at += `/${name}`;
      const known = objects.get(at);
      object = known === undefined ? findIn(object, name) : known;
      objects.set(at, object);
    }
    return object;
  };
  const attributes = (path: string) => refusing(what, () => find(path)?.attrs ?? {});
  const asText = (value: unknown, attribute: string): string => {
    if (typeof value === 'string') return value;
    throw new ValueError(`${what}: its ${attribute} is not text.`);
  };
  return {
    has: (path) => refusing(what, () => find(path) !== null),
    keys: (path) =>
      refusing(what, () => {
        const member = find(path);
        return member instanceof Group ? member.keys : [];
      }),
    text(path, attribute) {
      const value = attributes(path)[attribute];
      return value === undefined ? null : asText(value, attribute);
    },
    texts(path, attribute) {
      const all = attributes(path);
      const parts: unknown[] = [];
      if (attribute in all) parts.push(all[attribute]);
      else for (let i = 0; `${attribute}${i}` in all; i++) parts.push(all[`${attribute}${i}`]);
      if (parts.length === 0) return null;
      return parts.flat().map((part) => asText(part, attribute).replace(/\0+$/, ''));
    },
    array: (path) => refusing(`${what} at ${show(path)}`, () => toArray(find(path), path, buffer)),
  };
}

function toArray(member: Group | Dataset | null, path: string, buffer: ArrayBuffer): StoredArray {
  if (!(member instanceof Dataset)) throw new ValueError(`The HDF5 file has no weight at ${show(path)}.`);
  const shape = [...member.shape].map(Number);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (!(size <= numbersIn(buffer.byteLength))) {
    throw new ValueError(
      `The weight at ${show(path)} says that its shape is ${show(shape)}, far more than the file holds. ` +
        `The file is damaged.`,
    );
  }
  if (typeof member.dtype !== 'string' || !/^[<>=|!]?[fiu]\d$/.test(member.dtype)) {
    throw new ValueError(`The weight at ${show(path)} does not hold numbers.`);
  }
  const direct = storedInRow(member, path, size, buffer);
  if (direct) return { shape, values: direct };
  const { value } = member;
  const numbers = ArrayBuffer.isView(value) || Array.isArray(value) ? value : [value];
  const values = Float32Array.from(numbers as ArrayLike<number>, Number);
  if (values.length !== size) {
    throw new ValueError(
      `The weight at ${show(path)} has ${values.length} numbers, its shape ${show(shape)} needs ${size}. ` +
        `The file is damaged.`,
    );
  }
  return { shape, values };
}

/** HDF5's number for the message that says where a dataset lies, and for the layout in one piece. */
const [DATA_LAYOUT, CONTIGUOUS] = [8, 1];

/**
 * float32 numbers that lie in the file in one piece, which is how Keras writes them; null for any others. jsfive reads
 * numbers one by one: 95 MB took it 4 s, which are 0.1 s here.
 *
 * @throws ValueError where they were never written, or lie beyond the file's end
 */
function storedInRow(
  { _dataobjects: parts, dtype }: Dataset,
  path: string,
  size: number,
  buffer: ArrayBuffer,
): Float32Array | null {
  const at = parts.find_msg_type(DATA_LAYOUT)[0]?.get('offset_to_message');
  if (at === undefined || dtype !== '<f4') return null;
  const [, , layout, properties] = parts._get_data_message_properties(at);
  if (layout !== CONTIGUOUS) return null;
  if (size === 0) return new Float32Array(0);
  const address = Number(new DataView(buffer).getBigUint64(properties, true));
  if (address + 4 * size > buffer.byteLength) {
    throw new ValueError(
      `The numbers at ${show(path)} were never written, or lie beyond the end of the file. Save the model anew.`,
    );
  }
  return new Float32Array(buffer.slice(address, address + 4 * size));
}
