/** @file Reads files by their paths, in Node. */
import { reasonOf, refusing } from '../text/refusal.js';
import { shorten, show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { allocate } from './bytes.js';
import type { ReadOptions } from './files.js';
import { partsOfName } from './names-beside.js';
import { nodeModule } from './node-modules.js';

interface Handle {
  stat(): Promise<{ readonly size: number; isFile(): boolean; isDirectory(): boolean }>;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

interface FileSystem {
  promises: {
    open(path: string, flags: number): Promise<Handle>;
    realpath(path: string): Promise<string>;
  };
  /** Windows lacks some. */
  constants: { O_RDONLY: number; O_NONBLOCK?: number; O_NOCTTY?: number; O_NOFOLLOW?: number };
}

interface Addresses {
  fileURLToPath(url: string): string;
}

interface Paths {
  readonly dirname: (path: string) => string;
  readonly join: (...parts: string[]) => string;
  readonly sep: string;
}

const fileSystem = (path: string) => nodeModule('node:fs', path) as FileSystem;

/** The path that a file: address means. */
export const pathOfAddress = (address: string): string =>
  refusing(`Cannot read '${address}'`, () =>
    (nodeModule('node:url', address) as Addresses).fileURLToPath(address),
  );

interface PathOptions extends ReadOptions {
  /** What to say besides, where there is a folder of that name. */
  readonly whenFolder?: string | undefined;
}

/** Read at once: the system reads at most 2 GiB, and a signal is looked at in between. */
const PIECE = 2 ** 26;
const LONGEST_PATH = 300;

/**
 * Reads a file of a known size. A pipe would hang, and a device never ends.
 *
 * @throws ValueError where it cannot be read, is no regular file, or has more bytes than the budget has left; the
 *   signal's reason where that is aborted
 */
export async function readPath(path: string, options: PathOptions): Promise<Uint8Array> {
  return reading(path, options, () => readFile(path, path, 0, options));
}

/**
 * Reads a file that a model at `path` names. Where symbolic links lead, it must lie below the folder of the model, or
 * below that in which the model itself lies, where its path is a link too: caches keep all files of a model in one folder,
 * and links to them in another.
 *
 * @throws ValueError as `readPath`, and for a name that leads out of these folders
 */
export async function readBeside(path: string, name: string, options: PathOptions): Promise<Uint8Array> {
  const { promises: files, constants } = fileSystem(path);
  const { dirname, join, sep } = nodeModule('node:path', path) as Paths;
  const named = join(dirname(path), ...partsOfName(name));
  return reading(named, options, async () => {
    const real = await files.realpath(named);
    const folders = [await files.realpath(dirname(path)), dirname(await files.realpath(path))];
    if (!folders.some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep))) {
      throw new ValueError(
        `The model names the file ${show(name)}, which a symbolic link puts outside its folder. Copy the file itself ` +
          `there ('cp -L'), or give the model and its files as a list.`,
      );
    }
    // No link is left in the path: one that is put there now is not followed.
    return readFile(real, named, constants.O_NOFOLLOW ?? 0, options);
  });
}

async function reading(
  path: string,
  { signal }: PathOptions,
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  try {
    return await read();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ValueError) throw error;
    throw new ValueError(`${cannotRead(path)}: ${reasonOf(error)}`, { cause: error });
  }
}

const cannotRead = (path: string) => `Cannot read '${shorten(path, LONGEST_PATH)}'`;

/**
 * @param name what messages call the file
 * @param flags for how it is opened, beside those for what may turn out to be a pipe or a terminal
 */
async function readFile(
  path: string,
  name: string,
  flags: number,
  { budget, signal, onBytes, whenFolder = '' }: PathOptions,
): Promise<Uint8Array> {
  const what = cannotRead(name);
  const { promises: files, constants } = fileSystem(path);
  const { O_RDONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;
  const handle = await files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);
  try {
    // Of what is open, and not of the name, which may mean another file by now.
    const entry = await handle.stat();
    if (entry.isDirectory()) throw new ValueError(`${what}: it is a folder${whenFolder}`);
    if (!entry.isFile()) {
      throw new ValueError(
        `${what}: it is a pipe or a device, and only regular files are read. Save what it gives to a file first.`,
      );
    }
    const { size } = entry;
    budget.take('size', size, what);
    const bytes = allocate(size, what);
    for (let done = 0; done < size;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(bytes, done, Math.min(PIECE, size - done), done);
      if (bytesRead === 0) throw new ValueError(`${what}: it became shorter while it was read. Try again.`);
      done += bytesRead;
      onBytes?.(done, size, name);
    }
    const { bytesRead: beyond } = await handle.read(new Uint8Array(1), 0, 1, size);
    if (beyond > 0)
      throw new ValueError(`${what}: it has more than the ${size} bytes that it should. Try again.`);
    return bytes;
  } finally {
    await handle.close();
  }
}
