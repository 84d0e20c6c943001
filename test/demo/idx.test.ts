/** @file Reading MNIST's files: those that are as they should be, and those that are not. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadData } from '../../demo/data.js';
import { drawDigits } from '../../shared/digits.js';
import { ValueError } from '../../src/text/value-error.js';
import { readIdx } from '../../demo/idx-folder.js';
import { Random } from '../../shared/random.js';
import { idx, idxImages, idxLabels, makeFolder, writeSet } from './files.js';

const digits = drawDigits(100, new Random(1, 'digits'));
const others = drawDigits(80, new Random(2, 'digits'));

/** What is said about a folder in which the training set's files are these. */
async function refusal(files: { images?: Buffer; labels?: Buffer }): Promise<string> {
  const folder = makeFolder();
  if (files.images) writeFileSync(join(folder, 'train-images-idx3-ubyte'), files.images);
  if (files.labels) writeFileSync(join(folder, 'train-labels-idx1-ubyte'), files.labels);
  return (await refusalOf(readIdx(folder, 'train'))).replaceAll(`${folder}/`, '');
}

async function refusalOf(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError);
    return (error as ValueError).message;
  }
  throw new Error('Nothing was refused.');
}

describe('an IDX file', () => {
  it.each([true, false])('is read, gzipped: %s', async (isGzipped) => {
    const folder = makeFolder();
    writeSet(folder, 'train', digits, isGzipped);
    const read = (await readIdx(folder, 'train'))!;
    expect(Buffer.compare(read.images, digits.images)).toBe(0);
    expect(Buffer.compare(read.labels, digits.labels)).toBe(0);
  });

  it('is read though its name says gzipped and it is not, or has a dot for a hyphen', async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, 't10k-images.idx3-ubyte'), idxImages(digits));
    writeFileSync(join(folder, 't10k-labels-idx1-ubyte.gz'), idxLabels(digits));
    expect((await readIdx(folder, 't10k'))?.labels.length).toBe(100);
  });

  it('is not asked for where neither is there', async () => {
    expect(await readIdx(makeFolder(), 'train')).toBeUndefined();
  });

  it('is refused where it is truncated', async () => {
    expect(await refusal({ images: idxImages(digits).subarray(0, 5000), labels: idxLabels(digits) })).toBe(
      'train-images-idx3-ubyte holds 5000 bytes; its header announces the shape [100, 28, 28], which takes 78416. It is ' +
        'damaged or was not copied to its end.',
    );
    expect(await refusal({ images: idxImages(digits).subarray(0, 7), labels: idxLabels(digits) })).toBe(
      'train-images-idx3-ubyte holds 7 bytes; its header alone takes 16.',
    );
    expect(await refusal({ images: idxImages(digits), labels: Buffer.alloc(0) })).toBe(
      'train-labels-idx1-ubyte is empty. Accepted are .npy, .npz and IDX files, gzipped or not.',
    );
  });

  it('is refused where bytes follow its end', async () => {
    expect(
      await refusal({
        images: idxImages(digits),
        labels: Buffer.concat([idxLabels(digits), Buffer.alloc(2)]),
      }),
    ).toBe(
      'train-labels-idx1-ubyte holds 110 bytes; its header announces the shape [100], which takes 108. It is damaged or ' +
        'was not copied to its end.',
    );
  });

  it('is refused where its gzipped form is truncated', async () => {
    const gzipped = gzipSync(idxImages(digits));
    expect(await refusal({ images: gzipped.subarray(0, 2000), labels: idxLabels(digits) })).toBe(
      'train-images-idx3-ubyte cannot be unpacked (unexpected end of file): it is damaged or was not copied to its end.',
    );
  });

  it('is refused where it holds something else', async () => {
    expect(
      await refusal({ images: Buffer.from('<!doctype html><title>Not found'), labels: idxLabels(digits) }),
    ).toBe(
      'train-images-idx3-ubyte is in no format known here. Accepted are .npy, .npz and IDX files, gzipped or not.',
    );
    expect(await refusal({ images: idxLabels(digits), labels: idxLabels(digits) })).toBe(
      'train-images-idx3-ubyte holds an array of type u1 and shape [100]; expected are images of digits: bytes (u1) of ' +
        'shape [n, 28, 28].',
    );
    const small = idx([0x803, 4, 14, 14], new Uint8Array(784));
    expect(await refusal({ images: small, labels: idxLabels(digits) })).toBe(
      'train-images-idx3-ubyte holds an array of type u1 and shape [4, 14, 14]; expected are images of digits: bytes ' +
        '(u1) of shape [n, 28, 28].',
    );
  });

  it('is refused where images and labels do not match', async () => {
    expect(await refusal({ images: idxImages(digits), labels: idxLabels(others) })).toBe(
      'train-images-idx3-ubyte holds 100 images, but train-labels-idx1-ubyte holds 80 labels.',
    );
  });

  it('is refused where a label is not a digit', async () => {
    const labels = digits.labels.with(3, 12);
    expect(await refusal({ images: idxImages(digits), labels: idxLabels({ ...digits, labels }) })).toBe(
      'train-labels-idx1-ubyte labels image 3 as 12; 0 to 9 are expected.',
    );
  });

  it('is missed where only its counterpart is there', async () => {
    expect(await refusal({ images: idxImages(digits) })).toBe(
      'train-images-idx3-ubyte is there, but train-labels-idx1-ubyte(.gz) is missing.',
    );
    expect(await refusal({ labels: idxLabels(digits) })).toBe(
      'train-labels-idx1-ubyte is there, but train-images-idx3-ubyte(.gz) is missing.',
    );
  });
});

describe('the data', () => {
  it('trains on the training set and tests on the test set where both are there', async () => {
    const folder = makeFolder();
    writeSet(folder, 'train', digits, true);
    writeSet(folder, 't10k', others, false);
    const { training, test } = await loadData(folder, 1);
    expect(Buffer.compare(training.images, digits.images)).toBe(0);
    expect(Buffer.compare(test.images, others.images)).toBe(0);
  });

  it.each(['train', 't10k'])(
    'trains on four fifths where only %s is there, and tests on the rest',
    async (set) => {
      const folder = makeFolder();
      writeSet(folder, set, digits, true);
      const { training, test } = await loadData(folder, 1);
      expect([training.labels.length, test.labels.length]).toEqual([80, 20]);
      const labels = [...training.labels, ...test.labels];
      expect(labels.toSorted()).toEqual([...digits.labels].toSorted());
      expect(labels).not.toEqual([...digits.labels]);
    },
  );

  it('is refused where the folder is missing, is a file, or holds no such files', async () => {
    const folder = makeFolder();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await refusalOf(loadData(join(folder, 'none'), 1))).toBe(
      `--data: there is no folder ${folder}/none.`,
    );
    expect(await refusalOf(loadData(file, 1))).toBe(`--data: there is no folder ${file}.`);
    expect(await refusalOf(loadData(folder, 1))).toBe(
      `${folder} holds no MNIST files. Expected are train-images-idx3-ubyte and train-labels-idx1-ubyte, ` +
        't10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, or all four; gzipped (.gz) or not.',
    );
  });

  it('is refused where it is less than one batch', async () => {
    const folder = makeFolder();
    writeSet(folder, 'train', drawDigits(70, new Random(1, 'digits')), false);
    expect(await refusalOf(loadData(folder, 1))).toBe(
      `${folder} holds 56 digits to train and 14 to test; at least 60 and 1 are needed.`,
    );
  });
});
