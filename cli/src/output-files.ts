/** @file Where outputs go, in folders that need not exist yet: they are made when there is something to write. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ValueError } from 'evenkeel/core';
import { type OutputOptions, type WriteOptions, checkOutput, writeOutput } from 'evenkeel/data';

/**
 * Says before the work, instead of after it, that a file could not be written. Makes nothing.
 *
 * @throws ValueError as `checkOutput` does; of a missing folder, where it could not be made
 */
export function checkOutputFile(path: string, options: OutputOptions): void {
  // The first missing folder takes the same as a file would: a folder that is there, and open.
  let made = path;
  while (!existsSync(dirname(made)) && dirname(made) !== made) made = dirname(made);
  checkOutput(made, options);
}

/**
 * Writes a file, and makes its folder before.
 *
 * @throws ValueError where it cannot be written
 * @throws the signal's reason
 */
export async function writeOutputFile(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  options.signal?.throwIfAborted();
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new ValueError(`Cannot write '${path}': ${(error as Error).message}`, { cause: error });
  }
  await writeOutput(path, bytes, options);
}
