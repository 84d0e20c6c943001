/** @file Writes files in Node, whole or not at all. */
import { reasonOf } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';
import { beside } from './node-files.js';
import { nodeModule } from './node-modules.js';

interface Handle {
  writeFile(data: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface FileSystem {
  promises: {
    open(path: string, flags: 'wx'): Promise<Handle>;
    rename(from: string, to: string): Promise<void>;
    rm(path: string, options: { force: true }): Promise<void>;
    access(path: string, mode: number): Promise<void>;
    stat(path: string): Promise<{ isDirectory(): boolean }>;
  };
  constants: { W_OK: number };
}

const fileSystem = (path: string) => nodeModule('node:fs', path) as FileSystem;

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
