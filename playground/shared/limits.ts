/** @file What the page takes, and how much of it it shows: files, reports and addresses come from anywhere. */

import { formatCount } from '../../shared/numbers.js';
import { ValueError } from '../../src/text/value-error.js';

/** Files that are dropped together, and their bytes. */
const MOST_FILES = 1000;
const MOST_BYTES = 2 ** 30;
/** Bytes that they may unpack to, together. */
export const MOST_MEMORY = 2 ** 31;
/** Of a list, such as that of a model's layers. */
export const MOST_ITEMS = 500;
/** Numbers of one list, such as a value per channel; and channels of all layers together. */
export const MOST_NUMBERS = 4096;
export const MOST_CHANNELS = 2 ** 19;
/** Characters of a name or a message. */
export const LONGEST_TEXT = 1000;
/** Characters of an address after #. */
export const LONGEST_ADDRESS = 100_000;
/** Problems that stand in the page at once. */
export const MOST_PROBLEMS = 8;

const bytesOf = (files: readonly File[]): number => files.reduce((sum, { size }) => sum + size, 0);

/** @throws ValueError for more, or larger files than the page takes */
export function checkDropped(files: readonly File[]): void {
  const bytes = bytesOf(files);
  if (files.length > MOST_FILES || bytes > MOST_BYTES) {
    throw new ValueError(
      `The page takes at most ${formatCount(MOST_FILES)} files of ${formatCount(MOST_BYTES)} bytes together, received ` +
        `${formatCount(files.length)} of ${formatCount(bytes)}. Drop fewer, or use the command, evenkeel-cli, which has ` +
        'no such limits.',
    );
  }
}

/** Limits of reading these files: the usual ones, which follow from their size, but for more than a page can hold. */
export const limitsFor = (files: readonly File[], memory = MOST_MEMORY): { memory?: number } =>
  // The usual limit is about a hundredfold of the size.
  100 * bytesOf(files) > memory ? { memory } : {};
