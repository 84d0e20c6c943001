/** @file Files of data that were dropped, read one after the other, so that together they take no more than one may. */
import { type DataFile, readArrays } from 'evenkeel/data';
import { MOST_MEMORY, limitsFor } from './limits.js';

/** At most. */
const BYTES_PER_NUMBER = 8;

/**
 * What files of data hold.
 *
 * @throws ValueError for files that are damaged, hold something else, or unpack to more than the page can hold
 */
export async function readDropped(files: readonly File[], memory = MOST_MEMORY): Promise<DataFile[]> {
  const read: DataFile[] = [];
  let left = memory;
  for (const file of files) {
    const data = await readArrays(file, { limits: limitsFor([file], left) });
    for (const { values } of data.arrays.values()) {
      left = Math.max(0, left - BYTES_PER_NUMBER * values.length);
    }
    read.push(data);
  }
  return read;
}
