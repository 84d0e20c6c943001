/** @file What a user may hand over as a model, as files in memory. */
import {
  checkProtocol,
  chunksOf,
  isAddress,
  readAddress,
  readAddressBeside,
  readResponse,
  readStream,
} from '../data/addresses.js';
import { isZip } from '../data/archive.js';
import { type NamedFile, type ReadOptions, bytesOf, isFile, readEach } from '../data/files.js';
import { Budget, type Limits } from '../data/limits.js';
import { pathOfAddress, readBeside, readPath } from '../data/node-files.js';
import type { ToolOptions } from '../model/progress.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { isHdf5 } from '../data/hdf5/hdf5.js';

/** One file: a path (in Node), an address, or what holds the bytes. */
type OneFile = string | URL | File | NamedFile;

/**
 * A path (in Node) or an http(s) address; a `Response`, a file, its bytes, or a stream of them; or a list of files: a
 * TF.js `model.json` and its shards, as dropped on a page.
 */
export type KerasSource =
  | string
  | URL
  | Response
  | Blob
  | ArrayBuffer
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<OneFile>;

/** Which format the bytes are in, by their content. */
export type Format = 'hdf5' | 'zip' | 'json';

/** A model's main file, and how to get those that it names. */
export interface OpenedSource {
  readonly format: Format;
  readonly bytes: Uint8Array;
  /** Reads a file that the main one names, such as a shard. */
  readonly read: (name: string) => Promise<Uint8Array>;
  /** Opens what lies at the main file's path now; another process may have written it again. */
  readonly reopen?: () => Promise<OpenedSource>;
  /** HDF5 files that were given beside a `model.json`: weights of `save_weights`. */
  readonly weights: readonly Uint8Array[];
  /** What else the files may cost. */
  readonly budget: Budget;
}

export interface SourceOptions extends ToolOptions {
  /** How much reading the file may cost. Default: what honest files take, by their size. */
  readonly limits?: Partial<Limits> | undefined;
}

const ACCEPTED =
  'Accepted are HDF5 (.h5) and .keras files of tf-keras and Keras 3, and TF.js model.json with its shards.';

/** What is said of a folder. */
const SAVED_MODEL =
  '. A SavedModel is code, which is never run here: load it in Keras, and save it as .keras or .h5';

/** The first character that is no white space and no byte order mark. */
const firstCharacter = (bytes: Uint8Array) =>
  String.fromCharCode(
    bytes.subarray(0, 64).find((byte) => ![0x20, 9, 10, 13, 0xef, 0xbb, 0xbf].includes(byte)) ?? 0,
  );

function formatOf(bytes: Uint8Array): Format | null {
  // An archive may hold HDF5 where a user block would end.
  if (isZip(bytes)) return 'zip';
  if (isHdf5(bytes)) return 'hdf5';
  return firstCharacter(bytes) === '{' ? 'json' : null;
}

function expectFormat(bytes: Uint8Array): Format {
  const format = formatOf(bytes);
  if (format) return format;
  if (bytes.length === 0) throw new ValueError(`The file is empty. ${ACCEPTED}`);
  const hint =
    firstCharacter(bytes) === '<'
      ? ' (it begins as an HTML page does: is the address right?)'
      : [0xfe, 0xff].includes(bytes[0]!)
        ? ' (it begins as a text of UTF-16 does: save it as UTF-8)'
        : '';
  throw new ValueError(`The file is in no format known here${hint}. ${ACCEPTED}`);
}

/**
 * @throws ValueError where the source is in no known format, or a file cannot be read; TypeError for another type; the
 *   signal's reason where that is aborted
 */
export async function openSource(
  source: KerasSource,
  { limits, signal, onProgress }: SourceOptions = {},
): Promise<OpenedSource> {
  const budget = new Budget(limits);
  const options: ReadOptions = {
    budget,
    signal,
    onBytes:
      onProgress &&
      ((done, total, step) => {
        onProgress({ done, total, step });
      }),
  };
  const open = (bytes: Uint8Array, read: OpenedSource['read']): OpenedSource => ({
    format: expectFormat(bytes),
    bytes,
    read,
    weights: [],
    budget,
  });
  if (typeof source === 'string' || source instanceof URL) {
    const { name, bytes } = await readNamed(source, options);
    if (isAddress(name)) return open(bytes, (shard) => readAddressBeside(name, shard, options));
    return {
      ...open(bytes, (shard) => readBeside(name, shard, options)),
      reopen: () => openSource(name, { limits, signal, onProgress }),
    };
  }
  if (typeof Response !== 'undefined' && source instanceof Response) {
    const { url } = source;
    const bytes = await readResponse(source, url === '' ? 'the Response' : url, options);
    return open(bytes, url === '' ? askForList : (shard) => readAddressBeside(url, shard, options));
  }
  if (source instanceof Blob || source instanceof ArrayBuffer || source instanceof Uint8Array) {
    return open(await bytesOf(source, options), askForList);
  }
  const chunks = chunksIn(source);
  if (chunks) return open(await readStream(chunks, options), askForList);
  return openList(listOf(source), options);
}

const askForList = (name: string) =>
  Promise.reject(
    new ValueError(`The model's weights are in another file, ${show(name)}. Give both as a list of files.`),
  );

/** The chunks of a stream; null where the source is none. */
function chunksIn(source: unknown): AsyncIterable<unknown> | null {
  if (typeof source !== 'object' || source === null) return null;
  // Not every browser lets one iterate over a stream.
  if ('getReader' in source) return chunksOf(source as ReadableStream);
  return Symbol.asyncIterator in source ? (source as AsyncIterable<unknown>) : null;
}

/** Reads what lies at a path or an address. */
async function readNamed(source: string | URL, options: ReadOptions) {
  const given = String(source);
  checkProtocol(given);
  const name = /^file:/i.test(given) ? pathOfAddress(given) : given;
  const bytes = await (isAddress(name)
    ? readAddress(name, options)
    : readPath(name, { ...options, whenFolder: SAVED_MODEL }));
  options.signal?.throwIfAborted();
  return { name, bytes };
}

const isOneFile = (value: unknown): value is OneFile =>
  typeof value === 'string' || value instanceof URL || isFile(value);

function listOf(source: unknown): OneFile[] {
  const isIterable = typeof source === 'object' && source !== null && Symbol.iterator in source;
  const files = isIterable ? [...(source as Iterable<unknown>)] : [];
  if (isIterable && files.length > 0 && files.every(isOneFile)) return files;
  throw new TypeError(
    'source: expected a path, an http(s) address, a Response, a File or Blob, an ArrayBuffer or Uint8Array, a stream ' +
      'of bytes, or a list of Files, paths, addresses or { name, bytes }, received ' +
      `${isIterable ? `a list of ${files.length}` : typeof source}.`,
  );
}

async function readOne(file: OneFile, options: ReadOptions): Promise<{ name: string; bytes: Uint8Array }> {
  if (typeof file === 'string' || file instanceof URL) return readNamed(file, options);
  return { name: file.name, bytes: await bytesOf(file, options) };
}

/** How many files a message names. */
const MOST_NAMES = 20;

/** The last part of a path or an address. */
const lastPart = (path: string) => path.replace(/^(https?:[^?#]*).*$/i, '$1').replace(/^.*[/\\]/, '');

async function openList(list: readonly OneFile[], options: ReadOptions): Promise<OpenedSource> {
  const files = await readEach(list, (file) => readOne(file, options));
  // A shard may begin with any bytes: by content alone it may look like a model.
  const models = files.filter(({ bytes }) => formatOf(bytes) !== null);
  const named = models.filter(({ name }) => /\.(json|h5|hdf5|keras)$/i.test(lastPart(name)));
  const found = named.length > 0 ? named : models;
  const jsons = found.filter(({ bytes }) => formatOf(bytes) === 'json');
  // The architecture in one file, and weights in another.
  const weights = jsons.length === 1 ? found.filter(({ bytes }) => formatOf(bytes) === 'hdf5') : [];
  const [model, ...others] = found.filter((file) => !weights.includes(file));
  if (!model || others.length > 0) {
    const names = files.slice(0, MOST_NAMES).map(({ name }) => show(name));
    if (files.length > MOST_NAMES) names.push('…');
    throw new ValueError(
      `Expected one model among the files ${names.join(', ')}, found ${others.length + (model ? 1 : 0)}. ${ACCEPTED}`,
    );
  }
  const byName = new Map<string, Uint8Array[]>();
  for (const { name, bytes } of files) {
    const last = lastPart(name);
    const same = byName.get(last);
    if (same) same.push(bytes);
    else byName.set(last, [bytes]);
  }
  return {
    format: expectFormat(model.bytes),
    bytes: model.bytes,
    weights: weights.map(({ bytes }) => bytes),
    budget: options.budget,
    read(name) {
      const found = byName.get(lastPart(name)) ?? [];
      if (found.length === 1) return Promise.resolve(found[0]!);
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
