/** @file Where the digits come from, and which of them train and which test. */
import { statSync } from 'node:fs';
import { drawDigits, PIXELS, type Digits } from '../shared/digits.js';
import { ValueError } from '../src/text/value-error.js';
import { readIdx } from './idx-folder.js';
import { Random } from '../shared/random.js';
import { BATCH_SIZE } from './settings.js';

/** As many as the published MNIST test set has, which `--data` is most often tried on. */
const DRAWN_COUNT = 10_000;

export interface Data {
  /** What the digits are, in words. */
  readonly source: string;
  readonly training: Digits;
  readonly test: Digits;
}

function pick({ images, labels }: Digits, order: Uint32Array): Digits {
  const picked = { images: new Uint8Array(order.length * PIXELS), labels: new Uint8Array(order.length) };
  order.forEach((from, to) => {
    picked.images.set(images.subarray(from * PIXELS, (from + 1) * PIXELS), to * PIXELS);
    picked.labels[to] = labels[from]!;
  });
  return picked;
}

/**
 * Four fifths to train, the rest to test. Shuffled first: MNIST's sets are in the order of their writers, and those
 * of the first half write more neatly.
 */
function split(source: string, digits: Digits, seed: number): Data {
  const order = new Random(seed, 'split').permutation(digits.labels.length);
  const trainingCount = Math.floor((digits.labels.length * 4) / 5);
  return {
    source,
    training: pick(digits, order.subarray(0, trainingCount)),
    test: pick(digits, order.subarray(trainingCount)),
  };
}

async function readData(directory: string, seed: number): Promise<Data> {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ValueError(`--data: there is no folder ${directory}.`);
  }
  const [training, test] = [await readIdx(directory, 'train'), await readIdx(directory, 't10k')];
  const either = training ?? test;
  if (either === undefined) {
    throw new ValueError(
      `${directory} holds no MNIST files. Expected are train-images-idx3-ubyte and train-labels-idx1-ubyte, ` +
        `t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, or all four; gzipped (.gz) or not.`,
    );
  }
  const data =
    training && test
      ? { source: `digits from ${directory}`, training, test }
      : split(`digits from ${directory}`, either, seed);
  const [trainingCount, testCount] = [data.training.labels.length, data.test.labels.length];
  if (trainingCount < BATCH_SIZE || testCount === 0) {
    throw new ValueError(
      `${directory} holds ${trainingCount} digits to train and ${testCount} to test; at least ${BATCH_SIZE} and 1 are needed.`,
    );
  }
  return data;
}

/** The digits in `directory`, or, where none is given, digits drawn for the occasion. */
export async function loadData(directory: string | undefined, seed: number): Promise<Data> {
  if (directory !== undefined) return readData(directory, seed);
  return split('digits drawn by the demo', drawDigits(DRAWN_COUNT, new Random(seed, 'digits')), seed);
}

/** Batches of training digits without end, every digit once before any comes again, but for an epoch's remainder. */
export function* batches({ images, labels }: Digits, random: Random): Generator<Digits, never> {
  for (;;) {
    const order = random.permutation(labels.length);
    for (let start = 0; start + BATCH_SIZE <= order.length; start += BATCH_SIZE) {
      yield pick({ images, labels }, order.subarray(start, start + BATCH_SIZE));
    }
  }
}
