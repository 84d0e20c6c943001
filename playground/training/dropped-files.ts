/** @file Files that were dropped on the page: MNIST, in IDX, and sets that are published like it. */
import type { DataFile } from 'evenkeel/data';
import { contentOf, digitsFrom } from '../../shared/digit-files.js';
import type { Digits } from '../../shared/digits.js';
import type { Random } from '../../shared/random.js';
import { ValueError } from '../../src/text/value-error.js';
import { readDropped } from '../shared/dropped.js';
import { type Dataset, imageDataset } from './dataset.js';

const EXPECTED =
  'Drop a file of images and its file of labels (IDX, gzipped or not), such as MNIST’s ' +
  't10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz, or these and the two that begin with train.';

/** MNIST's names tell the two sets apart; with any other name it is the training set, to be split. */
const isTest = ({ name }: DataFile): boolean => /^(t10k|test)/i.test(name);

/** One file of images and one of labels; undefined where there is neither. */
function pair(files: readonly DataFile[]): Digits | undefined {
  if (files.length === 0) return undefined;
  const [images, labels] = (['images', 'labels'] as const).map((content) =>
    files.filter((file) => contentOf(file) === content),
  );
  if (images!.length !== 1 || labels!.length !== 1) {
    const names = files.map(({ name }) => name).join(', ');
    throw new ValueError(
      `Expected one file of images beside one of labels, received ${images!.length} and ${labels!.length} ` +
        `(${names}). ${EXPECTED}`,
    );
  }
  return digitsFrom(images![0]!, labels![0]!);
}

function join(first: Digits, second: Digits): Digits {
  const both = (a: Uint8Array, b: Uint8Array): Uint8Array => {
    const joined = new Uint8Array(a.length + b.length);
    joined.set(a);
    joined.set(b, a.length);
    return joined;
  };
  return { images: both(first.images, second.images), labels: both(first.labels, second.labels) };
}

/**
 * What dropped files hold. Where a training and a test set are there, they stay so; where there is one set, four fifths
 * of it train.
 *
 * @throws ValueError for files that are damaged, hold something else, or do not go together
 */
export async function droppedDataset(dropped: readonly File[], random: Random): Promise<Dataset> {
  if (dropped.length === 0) throw new ValueError(`No files were dropped yet. ${EXPECTED}`);
  const files = await readDropped(dropped);
  for (const file of files) {
    if (!contentOf(file)) throw new ValueError(`${file.name} holds neither images nor labels. ${EXPECTED}`);
  }
  const training = pair(files.filter((file) => !isTest(file)));
  const test = pair(files.filter(isTest));
  const digits = training && test ? join(training, test) : (training ?? test)!;
  const source = `images of ${files.map(({ name }) => name).join(', ')}`;
  return imageDataset(source, digits, training && test ? { trainingCount: training.labels.length } : random);
}
