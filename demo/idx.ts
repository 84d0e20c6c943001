/**
 * @file Reads the format that MNIST is published in (IDX): big-endian numbers, first a magic number that says what
 * follows, then the size of each dimension, then the bytes. A file that is not complete and well-formed is refused.
 * Where the bytes come from is the caller's affair, so that a page can read them too.
 */
import { CLASSES, PIXELS, SIDE, type Digits } from '../shared/digits.js';
import { DataError } from './errors.js';

/** A file's bytes, unpacked, and what messages call it. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Two zero bytes, the element's type (8: unsigned byte), the number of dimensions. */
const MAGIC = { images: 0x0803, labels: 0x0801 } as const;

export type Content = keyof typeof MAGIC;

const uint32At = (bytes: Uint8Array, offset: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset);

/** What an unpacked file says that it holds; undefined where it is neither. */
export function contentOf({ bytes }: NamedBytes): Content | undefined {
  if (bytes.length < 4) return undefined;
  const magic = uint32At(bytes, 0);
  return (['images', 'labels'] as const).find((content) => magic === MAGIC[content]);
}

/** Whether bytes are gzipped, which their beginning tells, and not a file's name. */
export const isGzipped = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** What is said of a file that cannot be unpacked. */
export const damaged = (name: string, reason: string): DataError =>
  new DataError(`${name} cannot be unpacked (${reason}): it is damaged or was not copied to its end.`);

const hexadecimal = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

/**
 * The elements of a file, and how many there are along the first dimension.
 *
 * @throws DataError for a file that is damaged or holds something else
 */
export function parseIdx(
  { name, bytes }: NamedBytes,
  content: Content,
): { count: number; elements: Uint8Array } {
  const headerLength = content === 'images' ? 16 : 8;
  if (bytes.length < headerLength) {
    throw new DataError(
      `${name} holds ${bytes.length} bytes; the header of IDX ${content} alone takes ${headerLength}.`,
    );
  }
  const magic = uint32At(bytes, 0);
  if (magic !== MAGIC[content]) {
    throw new DataError(
      `${name} begins with ${hexadecimal(magic)}; IDX ${content} begin with ${hexadecimal(MAGIC[content])}.`,
    );
  }
  const count = uint32At(bytes, 4);
  if (content === 'images') {
    const [height, width] = [uint32At(bytes, 8), uint32At(bytes, 12)];
    if (height !== SIDE || width !== SIDE) {
      throw new DataError(
        `${name} holds images of ${height}×${width} pixels; digits of ${SIDE}×${SIDE} are expected.`,
      );
    }
  }
  const expected = headerLength + count * (content === 'images' ? PIXELS : 1);
  if (bytes.length !== expected) {
    throw new DataError(
      `${name} holds ${bytes.length} bytes; its header announces ${count} ${content}, which take ${expected}.`,
    );
  }
  return { count, elements: bytes.subarray(headerLength) };
}

/**
 * The digits that a file of images and its file of labels hold.
 *
 * @throws DataError for a file that is damaged, holds something else, or does not go with the other
 */
export function parseDigits(imagesFile: NamedBytes, labelsFile: NamedBytes): Digits {
  const images = parseIdx(imagesFile, 'images');
  const labels = parseIdx(labelsFile, 'labels');
  if (images.count !== labels.count) {
    throw new DataError(
      `${imagesFile.name} holds ${images.count} images, but ${labelsFile.name} holds ${labels.count} labels.`,
    );
  }
  const foreign = labels.elements.findIndex((label) => label >= CLASSES);
  if (foreign >= 0) {
    throw new DataError(
      `${labelsFile.name} labels image ${foreign} as ${labels.elements[foreign]!}; 0 to 9 are expected.`,
    );
  }
  return { images: images.elements, labels: labels.elements };
}
