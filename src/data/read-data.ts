/** @file Data from a file, told by its content: .npy, .npz (a zip of .npy files) or IDX, each of them gzipped or not. */
import { ValueError } from '../text/value-error.js';
import type { NumberArray } from './elements.js';
import { isIdx, parseIdx } from './idx.js';
import { isNpy, parseNpy } from './npy.js';
import { readUnpacked } from './unpack.js';
import { messageOf } from '../text/refusal.js';

/** The arrays of a file. One that has no name in the file has the name ''. */
export type NamedArrays = ReadonlyMap<string, NumberArray>;

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** @throws ValueError where the file cannot be read, is damaged, or is in another format */
export async function readData(path: string): Promise<NamedArrays> {
  const bytes = readUnpacked(path);
  if (isNpy(bytes)) return new Map([['', parseNpy(bytes, path)]]);
  if (isIdx(bytes)) return new Map([['', parseIdx(bytes, path)]]);
  if (isZip(bytes)) return readNpz(bytes, path);
  throw new ValueError(
    `${path} ${bytes.length === 0 ? 'is empty' : 'is in no format known here'}. Accepted are .npy, .npz and IDX files, ` +
      `gzipped or not.`,
  );
}

async function readNpz(bytes: Uint8Array, path: string): Promise<NamedArrays> {
  const { readArchive } = await import('./archive.js');
  let files;
  try {
    files = await readArchive(bytes, { includes: (name) => name.endsWith('.npy') });
  } catch (error) {
    throw new ValueError(`${path}: ${messageOf(error)}`, { cause: error });
  }
  if (files.size === 0)
    throw new ValueError(`${path} is a zip archive without .npy files. Make it by numpy.savez.`);
  return new Map(
    [...files].map(([name, file]) => [name.slice(0, -'.npy'.length), parseNpy(file, `${path}/${name}`)]),
  );
}
