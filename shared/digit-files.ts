/** @file Handwritten digits from files such as MNIST's: an array of images, and an array of their labels. */
import type { DataFile, NumberArray } from 'evenkeel/data';
import { show } from '../src/text/show.js';
import { ValueError } from '../src/text/value-error.js';
import { CLASSES, type Digits, PIXELS, SIDE } from './digits.js';

export type Content = 'images' | 'labels';

/** The array of a file that holds one. */
const arrayOf = ({ arrays }: DataFile): NumberArray | undefined =>
  arrays.size === 1 ? [...arrays.values()][0] : undefined;

/** What a file seems to hold; undefined where it is neither. */
export function contentOf(file: DataFile): Content | undefined {
  const rank = arrayOf(file)?.shape.length;
  return rank === 3 ? 'images' : rank === 1 ? 'labels' : undefined;
}

const EXPECTED = { images: `[n, ${SIDE}, ${SIDE}]`, labels: '[n]' };

function bytesIn(file: DataFile, content: Content): Uint8Array {
  const array = arrayOf(file);
  const isFitting =
    contentOf(file) === content &&
    (content === 'labels' || (array?.shape[1] === SIDE && array.shape[2] === SIDE));
  if (isFitting && array?.values instanceof Uint8Array) return array.values;
  const received = array ? `an array of type ${array.type} and shape ${show(array.shape)}` : 'several arrays';
  throw new ValueError(
    `${file.name} holds ${received}; expected are ${content} of digits: bytes (u1) of shape ${EXPECTED[content]}.`,
  );
}

/**
 * The digits that a file of images and its file of labels hold.
 *
 * @throws ValueError for a file that holds something else, or does not go with the other
 */
export function digitsFrom(imagesFile: DataFile, labelsFile: DataFile): Digits {
  const images = bytesIn(imagesFile, 'images');
  const labels = bytesIn(labelsFile, 'labels');
  const count = images.length / PIXELS;
  if (count !== labels.length) {
    throw new ValueError(
      `${imagesFile.name} holds ${count} images, but ${labelsFile.name} holds ${labels.length} labels.`,
    );
  }
  const foreign = labels.findIndex((label) => label >= CLASSES);
  if (foreign >= 0) {
    throw new ValueError(
      `${labelsFile.name} labels image ${foreign} as ${labels[foreign]!}; 0 to ${CLASSES - 1} are expected.`,
    );
  }
  return { images, labels };
}
