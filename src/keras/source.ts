/** @file What a user may hand over as a model, as files in memory. */
import { ValueError } from '../text/value-error.js';
import { isHdf5 } from './hdf5-reader.js';
import { isZip } from '../data/archive.js';
import { type NamedFile, bytesOf, isFile } from '../data/files.js';
import { beside, readPath } from '../data/node-files.js';
import { show } from '../text/show.js';

/**
 * A path (in Node), a file, its bytes, or a list of files: a TF.js `model.json` and its shards, as dropped on a page.
 */
export type KerasSource = string | Blob | ArrayBuffer | Uint8Array | Iterable<File | NamedFile>;

/** Which format the bytes are in, by their content. */
export type Format = 'hdf5' | 'zip' | 'json';

/** A model's main file, and how to get those that it names. */
export interface OpenedSource {
  readonly format: Format;
  readonly bytes: Uint8Array;
  /** Reads a file that the main one names, such as a shard. */
  readonly read: (name: string) => Promise<Uint8Array>;
}

const ACCEPTED =
  'Accepted are HDF5 (.h5) and .keras files of tf-keras and Keras 3, and TF.js model.json with its shards.';

/** What is said of a folder. */
const SAVED_MODEL =
  '. A SavedModel is code, which is never run here: load it in Keras, and save it as .keras or .h5';

/** The first character that is no white space and no byte order mark. */
const isJson = (bytes: Uint8Array) =>
  String.fromCharCode(
    bytes.subarray(0, 64).find((byte) => ![0x20, 9, 10, 13, 0xef, 0xbb, 0xbf].includes(byte)) ?? 0,
  ) === '{';

function formatOf(bytes: Uint8Array): Format | null {
  if (isHdf5(bytes)) return 'hdf5';
  if (isZip(bytes)) return 'zip';
  return isJson(bytes) ? 'json' : null;
}

function expectFormat(bytes: Uint8Array): Format {
  const format = formatOf(bytes);
  if (format) return format;
  const found = bytes.length === 0 ? 'The file is empty' : 'The file is in no format known here';
  throw new ValueError(`${found}. ${ACCEPTED}`);
}

/** @throws ValueError where the source is in no known format, or a file cannot be read; TypeError for another type */
export async function openSource(source: KerasSource): Promise<OpenedSource> {
  if (typeof source === 'string') {
    const bytes = await readPath(source, SAVED_MODEL);
    return { format: expectFormat(bytes), bytes, read: (name) => readPath(beside(source, name)) };
  }
  if (source instanceof Blob || source instanceof ArrayBuffer || source instanceof Uint8Array) {
    const bytes = await bytesOf(source);
    const read = (name: string) =>
      Promise.reject(
        new ValueError(
          `The model's weights are in another file, ${show(name)}. Give both as a list of files.`,
        ),
      );
    return { format: expectFormat(bytes), bytes, read };
  }
  return openList(listOf(source));
}

function listOf(source: unknown): (File | NamedFile)[] {
  const isIterable = typeof source === 'object' && source !== null && Symbol.iterator in source;
  const files = isIterable ? [...(source as Iterable<unknown>)] : [];
  if (isIterable && files.length > 0 && files.every(isFile)) return files;
  throw new TypeError(
    'source: expected a path, a File or Blob, an ArrayBuffer or Uint8Array, or a list of Files or ' +
      `{ name, bytes }, received ${isIterable ? `a list of ${files.length}` : typeof source}.`,
  );
}

async function openList(list: readonly (File | NamedFile)[]): Promise<OpenedSource> {
  const files = await Promise.all(
    list.map(async (file) => ({
      name: file.name,
      bytes: await bytesOf(file),
    })),
  );
  // A shard may begin with any bytes: by content alone it may look like a model.
  const models = files.filter(({ bytes }) => formatOf(bytes) !== null);
  const named = models.filter(({ name }) => /\.(json|h5|hdf5|keras)$/i.test(name));
  const [model, ...others] = named.length > 0 ? named : models;
  if (!model || others.length > 0) {
    const names = list.map(({ name }) => show(name)).join(', ');
    throw new ValueError(
      `Expected one model among the files ${names}, found ${others.length + (model ? 1 : 0)}. ${ACCEPTED}`,
    );
  }
  const lastPart = (path: string) => path.replace(/^.*[/\\]/, '');
  return {
    format: expectFormat(model.bytes),
    bytes: model.bytes,
    read(name) {
      const found = files.filter((file) => lastPart(file.name) === lastPart(name));
      if (found.length === 1) return Promise.resolve(found[0]!.bytes);
      return Promise.reject(
        new ValueError(
          `The model names the file ${show(name)}, which is ` +
            (found.length === 0
              ? 'not among the files given. Add it.'
              : `given ${found.length} times. Give it once.`),
        ),
      );
    },
  };
}
