/** @file Models that are a number: files like a TF.js model.json with eight shards, which say which number they are of. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nameParts, writeOutput } from 'evenkeel/data';

const SHARDS = 8;
const SHARD_BYTES = 2 ** 16;

const shard = (number: number, i: number) => new Uint8Array(SHARD_BYTES).fill((7 * number + i) % 251);

export async function writeNumbered(path: string, number: number, signal?: AbortSignal): Promise<void> {
  const parts = nameParts(
    path,
    Array.from({ length: SHARDS }, (_, i) => shard(number, i)),
  );
  const json = JSON.stringify({ number, weightsManifest: [{ paths: [...parts.keys()], weights: [] }] });
  await writeOutput(path, new TextEncoder().encode(json), { parts, signal });
}

function readModel(path: string): { number: number; paths: string[] } {
  const { number, weightsManifest } = JSON.parse(readFileSync(path, 'utf8')) as {
    number: number;
    weightsManifest: [{ paths: string[] }];
  };
  return { number, paths: weightsManifest[0].paths };
}

/**
 * The number of the model at a path, of which every shard must be there; an error where it is mixed. One that a process
 * has replaced meanwhile is read again.
 */
export function numberOf(path: string): number {
  const { number, paths } = readModel(path);
  let isWhole: boolean;
  try {
    isWhole = paths.every((name, i) => readFileSync(join(dirname(path), name)).equals(shard(number, i)));
  } catch (error) {
    if (readModel(path).number === number) throw error;
    return numberOf(path);
  }
  if (paths.length !== SHARDS || !isWhole) throw new Error(`The model ${number} is mixed.`);
  return number;
}

/** What lies in a model's folder beside its own files. */
export const leftIn = (path: string): string[] => {
  const own = [...readModel(path).paths, basename(path)];
  return readdirSync(dirname(path)).filter((name) => !own.includes(name));
};
