/** @file Arrays from a file, recognized by its content: .npy, .npz (a zip of .npy files) or IDX, each of them gzipped or not. */
import { messageOf } from '../text/refusal.js';
import { checkNames } from '../text/names.js';
import { shorten, show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { isZip, unpackArchive } from './archive.js';
import type { NumberArray } from './elements.js';
import { type NamedFile, bytesOf, isFile } from './files.js';
import { unpack } from './gzip.js';
import { isIdx, parseIdx } from './idx.js';
import { Budget, type Limits } from './limits.js';
import { readPath } from './node-files.js';
import { isNpy, parseNpy } from './npy.js';

/** A path (in Node), a file that was dropped on a page or chosen there, or a name and bytes. */
export type DataSource = string | File | NamedFile;

/** What a file of data holds. */
export interface DataFile {
  /** What messages call it. */
  readonly name: string;
  readonly format: 'npy' | 'npz' | 'idx';
  /** By their names in an .npz. In the other formats, which hold one array, its name is ''. */
  readonly arrays: ReadonlyMap<string, NumberArray>;
}

/**
 * Reads the arrays of a file.
 *
 * @param options `limits` of what reading may cost; a small file that unpacks to far more is refused without
 * @throws ValueError where the file cannot be read, is damaged, or is in another format
 * @throws TypeError for a source of another type
 */
export async function readArrays(
  source: DataSource,
  options: { readonly limits?: Partial<Limits> | undefined } = {},
): Promise<DataFile> {
  checkNames('option', 'readArrays', options, ['limits']);
  const budget = new Budget(options.limits);
  const { name, bytes: packed } = await open(source, budget);
  const bytes = await unpack(packed, name, budget);
  if (isNpy(bytes)) return { name, format: 'npy', arrays: new Map([['', parseNpy(bytes, name, budget)]]) };
  if (isIdx(bytes)) return { name, format: 'idx', arrays: new Map([['', parseIdx(bytes, name, budget)]]) };
  if (isZip(bytes)) return { name, format: 'npz', arrays: await parseNpz(bytes, name, budget) };
  throw new ValueError(
    `${name} ${bytes.length === 0 ? 'is empty' : 'is in no format known here'}. Accepted are .npy, .npz and IDX files, ` +
      `gzipped or not.`,
  );
}

async function open(source: unknown, budget: Budget): Promise<{ name: string; bytes: Uint8Array }> {
  if (typeof source === 'string') return { name: source, bytes: await readPath(source, { budget }) };
  if (isFile(source)) return { name: source.name, bytes: await bytesOf(source, { budget }) };
  throw new TypeError(`source: expected a path, a File, or { name, bytes }, received ${show(source)}.`);
}

/** Of a member, as messages show it. */
const LONGEST_NAME = 100;

async function parseNpz(
  bytes: Uint8Array,
  path: string,
  budget: Budget,
): Promise<ReadonlyMap<string, NumberArray>> {
  let files;
  try {
    files = await unpackArchive(bytes, { includes: (name) => name.endsWith('.npy') }, budget);
  } catch (error) {
    throw new ValueError(`${path}: ${messageOf(error)}`, { cause: error });
  }
  if (files.size === 0)
    throw new ValueError(`${path} is a zip archive without .npy files. Make it by numpy.savez.`);
  return new Map(
    [...files].map(([name, file]) => [
      name.slice(0, -'.npy'.length),
      parseNpy(file, `${path}/${shorten(name, LONGEST_NAME)}`, budget),
    ]),
  );
}
