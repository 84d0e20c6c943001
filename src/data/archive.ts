/**
 * @file Zip archives, which `.keras` and `.npz` are, by zip.js: it compares checksums, so that a damaged file does not load as another model, and
 * is loaded when an archive is met. What it reads is counted here, since it trusts what an archive says of itself.
 */
import { reasonOf } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { joinParts } from './bytes.js';
import { Budget, LONGEST_NAME, type Limits } from './limits.js';

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

const STORED = 0;
const DEFLATED = 8;

/** zip.js takes a millisecond for the smallest file. */
const STEPS_PER_FILE = 2 ** 10;

/**
 * Those files of the archive that are wanted, by their names.
 *
 * @throws ValueError where the archive is damaged, holds a file twice, encrypted or otherwise compressed than by deflate,
 *   or would cost more than `limits`
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

/** What lets nobody else have their turn. */
const restless = () => Promise.resolve();

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
  breathe = restless,
): Promise<Files> {
  const { Uint8ArrayReader, ZipReader } = await import('@zip.js/zip.js');
  const reader = new ZipReader(new Uint8ArrayReader(bytes), {
    ...OPTIONS,
    checkSignature: true,
    checkOverlappingEntry: true,
  });
  const files = new Map<string, Uint8Array>();
  try {
    // One by one, so that an archive of endlessly many ends.
    for await (const entry of reader.getEntriesGenerator()) {
      budget.take('entries', 1, 'The archive');
      await breathe();
      const name = entry.filename.replaceAll('\\', '/');
      if (entry.directory && entry.uncompressedSize > 0) throw new Error('a folder has content');
      if (entry.directory || !names.includes(name)) continue;
      if (name.length > LONGEST_NAME) {
        throw new ValueError(
          `The archive has a file whose name has ${name.length} characters. Accepted are ${LONGEST_NAME}.`,
        );
      }
      const what = `The archive's ${show(name)}`;
      if (files.has(name)) throw new ValueError(`The archive holds ${show(name)} twice.`);
      if (entry.encrypted) {
        throw new ValueError(`${what} is encrypted. Accepted are archives without a password.`);
      }
      const { compressionMethod: method, uncompressedSize: size } = entry;
      // For others zip.js has programs of its own, which it fetches from data: addresses.
      if (method !== STORED && method !== DEFLATED) {
        throw new ValueError(
          `${what} is compressed by method ${method}. Accepted are 0, not at all, and 8, deflate: zip it so.`,
        );
      }
      // It unpacks no more than it says: zip.js compares that with each part.
      budget.take('memory', size, what);
      budget.take('steps', STEPS_PER_FILE, what);
      const parts: Uint8Array[] = [];
      const target = new WritableStream<Uint8Array>({
        async write(part) {
          parts.push(part);
          await breathe();
        },
      });
      await entry.getData(target, OPTIONS);
      files.set(name, joinParts(parts, what));
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

/** The first day that zip knows: the same files give the same bytes, whenever they are written. */
const FIRST_DAY = new Date(1980, 0, 1);

/**
 * An archive as Keras writes it: nothing is compressed.
 *
 * @param breathe as for `unpackArchive`
 */
export async function writeArchive(files: Files, breathe = restless): Promise<Uint8Array> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await import('@zip.js/zip.js');
  const writer = new ZipWriter(new Uint8ArrayWriter(), {
    ...OPTIONS,
    level: 0,
    extendedTimestamp: false,
    lastModDate: FIRST_DAY,
  });
  for (const [name, content] of files) {
    await writer.add(name, new Uint8ArrayReader(content));
    await breathe();
  }
  return writer.close();
}
