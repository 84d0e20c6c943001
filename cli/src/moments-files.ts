/** @file Files of moments: a line of JSON for each shard, or merge of shards, and layer. */
import { ValueError } from 'evenkeel/core';
import type { LayerMoments } from 'evenkeel/tools';
import { withFile } from './inputs.js';

interface Line {
  readonly path: string;
  readonly number: number;
  readonly value: unknown;
}

/**
 * Merges what files hold, each shard once.
 *
 * @param shards how many there must be for each layer
 * @throws ValueError for a file that cannot be read or holds anything but whole lines of moments, and for moments that
 *   do not go together; the message begins with the file and the line; the signal's reason
 */
export async function mergeFiles(
  paths: readonly string[],
  { shards, signal }: { readonly shards?: number | undefined; readonly signal: AbortSignal },
): Promise<LayerMoments[]> {
  const lines: Line[] = [];
  for (const path of paths) {
    signal.throwIfAborted();
    const read = await readLines(path);
    if (read.length === 0) {
      throw new ValueError(
        `${path} is empty: who was to write moments into it has not. Run its shards again.`,
      );
    }
    lines.push(...read);
  }
  return mergeLines(lines, shards);
}

/**
 * The moments of the rounds so far; none before the first, when there is no such file yet.
 *
 * @throws ValueError as `mergeFiles` does
 */
export const readGiven = async (path: string | undefined): Promise<LayerMoments[]> =>
  path === undefined ? [] : mergeLines(await readLines(path, []));

async function mergeLines(lines: readonly Line[], shards?: number): Promise<LayerMoments[]> {
  const { mergeMoments } = await import('evenkeel/tools');
  let current: Line | null = null;
  /** Tells of each line when it is merged. */
  function* values() {
    for (const line of lines) {
      current = line;
      yield line.value as LayerMoments;
    }
    current = null;
  }
  try {
    return mergeMoments(values(), { shards });
  } catch (error) {
    const line = current as Line | null;
    if (!(error instanceof ValueError) || !line) throw error;
    throw new ValueError(`${line.path}, line ${line.number}: ${error.message}`, { cause: error });
  }
}

const NEWLINE = 10;

/** @param ifMissing what stands for a file that is not there */
async function readLines(path: string, ifMissing?: Line[]): Promise<Line[]> {
  let bytes: Buffer | undefined;
  try {
    bytes = await withFile(path, (file) => file.readFile());
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && ifMissing) return ifMissing;
    throw new ValueError(`Cannot read '${path}': ${message}`, { cause: error });
  }
  if (!bytes) {
    throw new ValueError(
      `Cannot read '${path}': it is a folder, a device or a pipe. Write into a file what comes from a pipe.`,
    );
  }
  const lines: Line[] = [];
  for (let start = 0, number = 1; start < bytes.length; number++) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    lines.push({ path, number, value: parseLine(bytes.subarray(start, end), `${path}, line ${number}`) });
    start = end + 1;
  }
  return lines;
}

function parseLine(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ValueError(
      `${what}: it is no JSON, or was cut off (${(error as Error).message}). Run its shard again, or take the line out.`,
      { cause: error },
    );
  }
}
