/** @file The files that a command reads, which it must not write over. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Options that name files. */
export interface InputSettings {
  readonly data?: string | readonly string[];
  readonly given?: string;
  readonly moments?: string;
  readonly import?: readonly string[];
}

/** The paths of a model, of its shards, and of all that options name. */
export async function inputsOf(
  model: string,
  { data, given, moments, import: modules }: InputSettings,
): Promise<string[]> {
  const path = pathOf(model);
  // A file may name another many times.
  return [
    ...new Set([
      path,
      ...(await shardsOf(path)),
      ...[data, given, moments, modules].flatMap((one) => one ?? []),
    ]),
  ];
}

/** The path of a model that may be given as a file: address. */
export function pathOf(model: string): string {
  try {
    return /^file:/i.test(model) ? fileURLToPath(model) : model;
  } catch {
    // No path, which whoever loads it says.
    return model;
  }
}

/** What a TF.js model.json names; none of another file, and of one that cannot be read, of which loading it tells more. */
async function shardsOf(path: string): Promise<string[]> {
  try {
    const bytes = await readIf(path, '{');
    if (!bytes) return [];
    const { shardNames } = await import('evenkeel/keras');
    return shardNames(bytes).map((name) => join(dirname(path), name));
  } catch {
    return [];
  }
}

/** The bytes of a file that begins so; undefined of another, and of what is no file. */
export const readIf = (path: string, beginning: string): Promise<Buffer | undefined> =>
  withFile(path, async (file) => {
    const start = Buffer.alloc(64);
    await file.read(start, 0, start.length, 0);
    return start.toString().trimStart().startsWith(beginning) ? await file.readFile() : undefined;
  });

/** Opens a file for as long as `use` takes; undefined of what is no file: pipes and devices may never end. */
export async function withFile<T>(
  path: string,
  use: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return (await file.stat()).isFile() ? await use(file) : undefined;
  } finally {
    await file.close();
  }
}
