/** @file What is tried: files that a seed and a number decide, mutated from golden ones or crafted. */
import type { NamedFile } from 'evenkeel/keras';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { goldenModel } from './corpus.js';
import { craftArchive } from './crafted/archives.js';
import { craftData } from './crafted/data.js';
import { craftHdf5 } from './crafted/hdf5.js';
import { craftModelJson } from './crafted/model-json.js';
import { mutateBytes } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';
import { Random } from './random.js';

export const FORMATS = ['h5', 'keras', 'json', 'data'] as const;
export type Format = (typeof FORMATS)[number];

/** How the files are handed over: in memory, by their path, or to the command. */
type Way = 'memory' | 'path' | 'command';

export interface Case {
  readonly format: Format;
  /** What was done to make it. */
  readonly recipe: string;
  /** The first one is what is opened. */
  readonly files: readonly NamedFile[];
  readonly way: Way;
  /** Decides what is tried beyond loading. */
  readonly draw: number;
}

const ARCHIVED = ['config.json', 'metadata.json', 'model.weights.h5'];

/** A zip's checksum would catch everything: its files are mutated, and packed again. */
async function mutateInside(
  bytes: Uint8Array,
  random: Random,
): Promise<{ bytes: Uint8Array; recipe: string }> {
  const files = new Map(await readArchive(bytes, ARCHIVED));
  const name = random.pick(['config.json', 'config.json', 'model.weights.h5', 'metadata.json']);
  const content = files.get(name) ?? new Uint8Array(0);
  const mutated =
    name.endsWith('.json') && !random.once(4) ? mutateJson(content, random) : mutateBytes(content, random);
  return { bytes: await writeArchive(files.set(name, mutated.bytes)), recipe: `${name}: ${mutated.recipe}` };
}

async function makeModel(
  format: 'h5' | 'keras',
  random: Random,
): Promise<{ bytes: Uint8Array; recipe: string }> {
  if (random.once(3)) return format === 'h5' ? craftHdf5(random) : craftArchive(random);
  const { name, bytes } = goldenModel(`.${format}`, random);
  const mutated =
    format === 'keras' && !random.once(3) ? await mutateInside(bytes, random) : mutateBytes(bytes, random);
  return { bytes: mutated.bytes, recipe: `${name}, ${mutated.recipe}` };
}

async function makeFiles(format: Format, random: Random): Promise<{ files: NamedFile[]; recipe: string }> {
  if (format === 'data') {
    const { bytes, recipe } = craftData(random);
    return { files: [{ name: 'data.npy', bytes }], recipe };
  }
  if (format !== 'json') {
    const { bytes, recipe } = await makeModel(format, random);
    return { files: [{ name: `model.${format}`, bytes }], recipe };
  }
  const { files, recipe } = craftModelJson(random);
  if (!random.once(3)) return { files, recipe };
  const [main, ...shards] = files;
  const content = main!.bytes as Uint8Array;
  const mutated =
    content.length < 100_000 && !random.once(4) ? mutateJson(content, random) : mutateBytes(content, random);
  return {
    files: [{ name: main!.name, bytes: mutated.bytes }, ...shards],
    recipe: `${recipe}, ${mutated.recipe}`,
  };
}

/** Which format the case of this number has, without making it. */
export const formatOf = (seed: number, number: number): Format => new Random(seed, number).pick(FORMATS);

export async function makeCase(seed: number, number: number): Promise<Case> {
  const random = new Random(seed, number);
  const format = random.pick(FORMATS);
  const { files, recipe } = await makeFiles(format, random);
  const way = random.once(30) ? 'command' : random.once(3) ? 'path' : 'memory';
  return { format, recipe, files, way, draw: random.below(2 ** 31) };
}
