/**
 * @file Zip archives, which `.keras` and `.npz` are, by zip.js: it compares checksums, so that a damaged file does not load as another model, and
 * is loaded when an archive is met.
 */
import { ValueError } from '../text/value-error.js';
import { reasonOf } from '../text/refusal.js';
import { show } from '../text/show.js';
import { Budget, type Limits } from './limits.js';

/** Files of an archive by their names. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Which files are wanted: a list, or whatever can tell. */
export interface Names {
  includes(name: string): boolean;
}

/** Whether bytes begin as an archive does. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** zip.js' own workers need a script beside the page; everything is in memory already. */
const OPTIONS = { useWebWorkers: false } as const;

/**
 * Those files of the archive that are wanted, by their names.
 *
 * @throws ValueError where the archive is damaged, holds a file twice or encrypted, or would cost more than `limits`
 */
export function readArchive(
  bytes: Uint8Array,
  names: Names,
  { limits }: { readonly limits?: Partial<Limits> | undefined } = {},
): Promise<Files> {
  const budget = new Budget(limits);
  budget.take('size', bytes.length, 'The archive');
  return unpackArchive(bytes, names, budget);
}

/**
 * As `readArchive`.
 *
 * @param budget of what the archive may cost: an entry for each of its files, wanted or not, and the memory of those that are
 * @param breathe called between parts of a file, which others may have their turn in
 */
export async function unpackArchive(
  bytes: Uint8Array,
  names: Names,
  budget: Budget,
  breathe: () => Promise<void> = () => Promise.resolve(),
): Promise<Files> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } = await import('@zip.js/zip.js');
  const reader = new ZipReader(new Uint8ArrayReader(bytes), {
    ...OPTIONS,
    checkSignature: true,
    checkOverlappingEntry: true,
  });
  const files = new Map<string, Uint8Array>();
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      budget.take('entries', 1, 'The archive');
      const name = entry.filename.replaceAll('\\', '/');
      if (entry.directory || !names.includes(name)) continue;
      if (files.has(name)) throw new ValueError(`The archive holds ${show(name)} twice.`);
      if (entry.encrypted) {
        throw new ValueError(
          `The archive's ${show(name)} is encrypted. Accepted are archives without a password.`,
        );
      }
      budget.take('memory', entry.uncompressedSize, `The archive's ${show(name)}`);
      // zip.js waits for what this returns.
      const onprogress = async () => {
        await breathe();
        return undefined;
      };
      const content = await entry.getData(new Uint8ArrayWriter(), { ...OPTIONS, onprogress });
      if (content.length !== entry.uncompressedSize) {
        throw new ValueError(`The archive's ${show(name)} is not as long as the archive says.`);
      }
      files.set(name, content);
    }
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw new ValueError(`The zip archive is damaged: ${reasonOf(error)}. Fetch or save it anew.`, {
      cause: error,
    });
  } finally {
    await reader.close().catch(() => undefined);
  }
  return files;
}

/** An archive as Keras writes it: nothing is compressed. */
export async function writeArchive(files: Files): Promise<Uint8Array> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await import('@zip.js/zip.js');
  const writer = new ZipWriter(new Uint8ArrayWriter(), { ...OPTIONS, level: 0, extendedTimestamp: false });
  for (const [name, content] of files) await writer.add(name, new Uint8ArrayReader(content));
  return writer.close();
}
