/** @file The jobs that `recalibrate.ts` adds and `work.ts` does, and the Redis that they meet at. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The moments of one shard. The model and the shard are paths that every worker can read. */
export interface CollectData {
  readonly model: string;
  readonly shard: string;
  /** Of `evenkeel moments`, such as `--divide-by 255`. */
  readonly options: readonly string[];
  /** The job that merged the round before. */
  readonly given?: string;
}

/** Merges the moments of its children, which must be of so many shards. */
export interface MergeData {
  readonly shards: number;
  readonly given?: string;
}

export const QUEUE = 'evenkeel';

export const connection = { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' };

/** What the command prints. */
export async function evenkeel(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('evenkeel', args, { maxBuffer: Infinity });
  return stdout;
}

/** Calls `use` with a file that holds `text`, while there is one. */
export async function withFile(text: string, use: (path: string) => Promise<string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-'));
  try {
    const path = join(folder, 'moments.jsonl');
    await writeFile(path, text);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
