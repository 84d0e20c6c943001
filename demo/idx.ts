/**
 * @file Reads the files that MNIST is published in (IDX): big-endian numbers, first a magic number that says what
 * follows, then the size of each dimension, then the bytes. Gzipped files are told by their first bytes, not by their
 * names. A file that is not complete and well-formed is refused.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CLASSES, PIXELS, SIDE, type Digits } from './digits.js';
import { DataError, messageOf } from './errors.js';

/** Two zero bytes, the element's type (8: unsigned byte), the number of dimensions. */
const MAGIC = { images: 0x0803, labels: 0x0801 } as const;

type Content = keyof typeof MAGIC;

/** Both names are in use: MNIST's own, and the one that unpacking programs make of it. Each with or without `.gz`. */
function fileNames(set: string, content: Content): string[] {
  const dimensions = content === 'images' ? 3 : 1;
  return ['-', '.'].flatMap((dot) =>
    ['.gz', ''].map((ending) => `${set}-${content}${dot}idx${dimensions}-ubyte${ending}`),
  );
}

function findFile(directory: string, set: string, content: Content): string | undefined {
  return fileNames(set, content)
    .map((name) => join(directory, name))
    .find((path) => existsSync(path));
}

function unpack(path: string): Buffer {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${messageOf(error)}.`);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new DataError(
      `${path} cannot be unpacked (${messageOf(error)}): it is damaged or was not copied to its end.`,
    );
  }
}

const hexadecimal = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

/** The elements of the file at `path`, and how many there are along the first dimension. */
function readFile(path: string, content: Content): { count: number; elements: Uint8Array } {
  const bytes = unpack(path);
  const headerLength = content === 'images' ? 16 : 8;
  if (bytes.length < headerLength) {
    throw new DataError(
      `${path} holds ${bytes.length} bytes; the header of IDX ${content} alone takes ${headerLength}.`,
    );
  }
  const magic = bytes.readUInt32BE(0);
  if (magic !== MAGIC[content]) {
    throw new DataError(
      `${path} begins with ${hexadecimal(magic)}; IDX ${content} begin with ${hexadecimal(MAGIC[content])}.`,
    );
  }
  const count = bytes.readUInt32BE(4);
  if (content === 'images') {
    const [height, width] = [bytes.readUInt32BE(8), bytes.readUInt32BE(12)];
    if (height !== SIDE || width !== SIDE) {
      throw new DataError(
        `${path} holds images of ${height}×${width} pixels; digits of ${SIDE}×${SIDE} are expected.`,
      );
    }
  }
  const expected = headerLength + count * (content === 'images' ? PIXELS : 1);
  if (bytes.length !== expected) {
    throw new DataError(
      `${path} holds ${bytes.length} bytes; its header announces ${count} ${content}, which take ${expected}.`,
    );
  }
  return { count, elements: bytes.subarray(headerLength) };
}

/**
 * The digits of one set, `train` or `t10k`, in `directory`; undefined where neither of its files is there.
 *
 * @throws DataError for a file that is missing beside its counterpart, is damaged, or holds something else
 */
export function readIdx(directory: string, set: string): Digits | undefined {
  const [imagesPath, labelsPath] = [findFile(directory, set, 'images'), findFile(directory, set, 'labels')];
  if (imagesPath === undefined && labelsPath === undefined) return undefined;
  if (imagesPath === undefined) {
    throw new DataError(
      `${labelsPath} is there, but ${join(directory, `${set}-images-idx3-ubyte`)}(.gz) is missing.`,
    );
  }
  if (labelsPath === undefined) {
    throw new DataError(
      `${imagesPath} is there, but ${join(directory, `${set}-labels-idx1-ubyte`)}(.gz) is missing.`,
    );
  }
  const images = readFile(imagesPath, 'images');
  const labels = readFile(labelsPath, 'labels');
  if (images.count !== labels.count) {
    throw new DataError(
      `${imagesPath} holds ${images.count} images, but ${labelsPath} holds ${labels.count} labels.`,
    );
  }
  const foreign = labels.elements.findIndex((label) => label >= CLASSES);
  if (foreign >= 0) {
    throw new DataError(
      `${labelsPath} labels image ${foreign} as ${labels.elements[foreign]!}; 0 to 9 are expected.`,
    );
  }
  return { images: images.elements, labels: labels.elements };
}
