/** @file Finds and reads MNIST's files (IDX) in a folder, gzipped or not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readArrays } from 'evenkeel/data';
import { type Content, digitsFrom } from '../shared/digit-files.js';
import type { Digits } from '../shared/digits.js';
import { ValueError } from '../src/text/value-error.js';

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

/**
 * The digits of one set, `train` or `t10k`, in `directory`; undefined where neither of its files is there.
 *
 * @throws ValueError for a file that is missing beside its counterpart, is damaged, or holds something else
 */
export async function readIdx(directory: string, set: string): Promise<Digits | undefined> {
  const [images, labels] = [findFile(directory, set, 'images'), findFile(directory, set, 'labels')];
  if (images === undefined && labels === undefined) return undefined;
  if (images === undefined) {
    throw new ValueError(
      `${labels} is there, but ${join(directory, `${set}-images-idx3-ubyte`)}(.gz) is missing.`,
    );
  }
  if (labels === undefined) {
    throw new ValueError(
      `${images} is there, but ${join(directory, `${set}-labels-idx1-ubyte`)}(.gz) is missing.`,
    );
  }
  return digitsFrom(await readArrays(images), await readArrays(labels));
}
