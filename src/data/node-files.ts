/**
 * @file Files by their paths, in Node. The modules are asked for at run time, so that a bundle for a page has no trace of
 * them.
 */
import { ValueError } from '../text/value-error.js';
import { reasonOf, refusing } from '../text/refusal.js';

interface Handle {
  writeFile(data: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What is used of `node:fs`; this package does not depend on Node's types. */
interface FileSystem {
  promises: {
    readFile(path: string): Promise<Uint8Array>;
    open(path: string, flags: 'wx'): Promise<Handle>;
    rename(from: string, to: string): Promise<void>;
    rm(path: string, options: { force: true }): Promise<void>;
    access(path: string, mode: number): Promise<void>;
    stat(path: string): Promise<{ isDirectory(): boolean }>;
  };
  constants: { W_OK: number };
}

interface Modules {
  'node:fs': FileSystem;
  'node:url': { fileURLToPath(url: string): string };
}

interface Process {
  getBuiltinModule?<Name extends keyof Modules>(name: Name): Modules[Name];
}

function nodeModule<Name extends keyof Modules>(name: Name, path: string): Modules[Name] {
  const { process } = globalThis as { process?: Process };
  const found = process?.getBuiltinModule?.(name);
  if (!found) {
    throw new ValueError(
      `A path ('${path}') needs Node. In a page, load a File, its bytes, or an address such as ` +
        `new URL('${path}', location.href); save without a target, which gives bytes.`,
    );
  }
  return found;
}

const fileSystem = (path: string): FileSystem => nodeModule('node:fs', path);

/** The path that a file: address means. */
export const pathOfAddress = (address: string): string =>
  refusing(`Cannot read '${address}'`, () => nodeModule('node:url', address).fileURLToPath(address));

/**
 * @param whenFolder what to say besides, where there is a folder of that name
 * @throws ValueError where the file cannot be read
 */
export async function readPath(path: string, whenFolder = ''): Promise<Uint8Array> {
  const files = fileSystem(path).promises;
  try {
    return await files.readFile(path);
  } catch (error) {
    const reason = reasonOf(error);
    const hint = reason.startsWith('EISDIR') ? whenFolder : '';
    throw new ValueError(`Cannot read '${path}': ${reason}${hint}`, { cause: error });
  }
}

/** The path of a file that lies beside another. */
export const beside = (path: string, name: string): string => path.replace(/[^/\\]*$/, () => name);

/**
 * Says before the work, instead of after it, that a file could not be written.
 *
 * @throws ValueError where its folder is missing or closed, or where there is a folder of its name
 */
export async function checkWritable(path: string): Promise<void> {
  const { promises: files, constants } = fileSystem(path);
  try {
    await files.access(beside(path, '') || '.', constants.W_OK);
  } catch (error) {
    throw new ValueError(`Cannot write '${path}': ${reasonOf(error)}`, { cause: error });
  }
  const isFolder = await files.stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (isFolder) throw new ValueError(`Cannot write '${path}': there is a folder of that name`);
}

/**
 * Writes files whole or not at all: under other names first, then renamed, in the order given.
 *
 * @throws ValueError where one cannot be written; what was there before is still there
 */
export async function writeFiles(contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const files = fileSystem([...contents.keys()].join(', ')).promises;
  const drafts = new Map<string, string>();
  let current = '';
  try {
    for (const [path, bytes] of contents) {
      current = path;
      const draft = `${path}.${crypto.randomUUID()}.tmp`;
      const handle = await files.open(draft, 'wx');
      drafts.set(path, draft);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    for (const [path, draft] of drafts) {
      current = path;
      await files.rename(draft, path);
    }
  } catch (error) {
    for (const draft of drafts.values()) await files.rm(draft, { force: true }).catch(() => undefined);
    throw new ValueError(`Cannot write '${current}': ${reasonOf(error)}`, { cause: error });
  }
}
