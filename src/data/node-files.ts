/** @file Reads files by their paths, in Node. */
import { ValueError } from '../text/value-error.js';
import { reasonOf, refusing } from '../text/refusal.js';
import { nodeModule } from './node-modules.js';

interface FileSystem {
  promises: { readFile(path: string): Promise<Uint8Array> };
}

interface Addresses {
  fileURLToPath(url: string): string;
}

/** The path that a file: address means. */
export const pathOfAddress = (address: string): string =>
  refusing(`Cannot read '${address}'`, () =>
    (nodeModule('node:url', address) as Addresses).fileURLToPath(address),
  );

/**
 * @param whenFolder what to say besides, where there is a folder of that name
 * @throws ValueError where the file cannot be read
 */
export async function readPath(path: string, whenFolder = ''): Promise<Uint8Array> {
  const { promises: files } = nodeModule('node:fs', path) as FileSystem;
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
