/** @file Finds and reads MNIST's files (IDX) in a folder, gzipped or not. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Digits } from '../shared/digits.js';
import { DataError } from './errors.js';
import { type Content, type NamedBytes, damaged, isGzipped, parseDigits } from './idx.js';
import { messageOf } from '../src/text/refusal.js';

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

function read(path: string): NamedBytes {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${messageOf(error)}.`);
  }
  if (!isGzipped(bytes)) return { name: path, bytes };
  try {
    return { name: path, bytes: gunzipSync(bytes) };
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

/**
 * The digits of one set, `train` or `t10k`, in `directory`; undefined where neither of its files is there.
 *
 * @throws DataError for a file that is missing beside its counterpart, is damaged, or holds something else
 */
export function readIdx(directory: string, set: string): Digits | undefined {
  const [images, labels] = [findFile(directory, set, 'images'), findFile(directory, set, 'labels')];
  if (images === undefined && labels === undefined) return undefined;
  if (images === undefined) {
    throw new DataError(
      `${labels} is there, but ${join(directory, `${set}-images-idx3-ubyte`)}(.gz) is missing.`,
    );
  }
  if (labels === undefined) {
    throw new DataError(
      `${images} is there, but ${join(directory, `${set}-labels-idx1-ubyte`)}(.gz) is missing.`,
    );
  }
  return parseDigits(read(images), read(labels));
}
