/**
 * @file Parts of a model: files beside the one that names them, as shards are beside a model.json. A part is named by its
 * content, so that new parts lie beside the old ones until the file that names them is renamed.
 */
import { ValueError } from '../../text/value-error.js';
import { isDraftName } from './drafts.js';
import { isSameFile, statusOf } from './output-path.js';
import { STATUS, writingModules } from './writing-modules.js';

/** Bytes of the longest name that file systems take. */
const LONGEST_NAME = 255;

/** Digits of SHA-256 in a name. */
const DIGITS = 16;

/** What addresses or other systems take for something else than a character of a name. */
const UNSAFE = /[\\:*?"<>|#%\p{Cc}]/gu;

/** A name of a part: its stem, and what says which part of how many it is, of which content. */
const PART = /^.+-(shard\d+of\d+\.([0-9a-f]{16})\.bin)$/s;

/** Ends of such names in a text. Nothing in them could be escaped. */
const ENDS = /shard\d+of\d+\.[0-9a-f]{16}\.bin/g;

/** Names for the parts of the file at a path, by their order and their content: `model-shard1of8.3f2a9c0d51e8b7a4.bin`. */
export function nameParts(path: string, parts: readonly Uint8Array[]): Map<string, Uint8Array> {
  const { crypto, paths } = writingModules(path);
  const stem = paths.basename(path, paths.extname(path)).replaceAll(UNSAFE, '_');
  return new Map(
    parts.map((bytes, i) => {
      const digest = crypto.createHash('sha256').update(bytes).digest('hex').slice(0, DIGITS);
      const end = `-shard${i + 1}of${parts.length}.${digest}.bin`;
      return [`${shortened(stem, LONGEST_NAME - end.length)}${end}`, bytes];
    }),
  );
}

/** As many characters as fit into so many bytes. */
const shortened = (text: string, bytes: number): string =>
  text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read);

/** Whether a file is what its name says: a part that was written here, as it was written. */
function isPart(path: string): boolean {
  const { fs } = writingModules(path);
  const [, , digest] = PART.exec(path) ?? [];
  return digest !== undefined && fs.lstatSync(path, STATUS)?.isFile() === true && digestOf(path) === digest;
}

const CHUNK_BYTES = 2 ** 20;

function digestOf(path: string): string {
  const { fs, crypto } = writingModules(path);
  const hash = crypto.createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  const file = fs.openSync(path, 'r');
  try {
    for (let count = -1; count !== 0;) {
      count = fs.readSync(file, chunk);
      hash.update(chunk.subarray(0, count));
    }
  } finally {
    fs.closeSync(file);
  }
  return hash.digest('hex').slice(0, DIGITS);
}

/**
 * Whether a part is there already.
 *
 * @throws ValueError where something else has its name
 */
export function hasPart(path: string): boolean {
  if (writingModules(path).fs.lstatSync(path, STATUS) === undefined) return false;
  if (isPart(path)) return true;
  throw new ValueError(
    `Cannot write '${path}': something else is there, which may be another model's. Move it away, or give another name.`,
  );
}

/** The files that a model.json names; null where it is none. */
function filesNamedIn(json: string): string[] | null {
  try {
    const { weightsManifest } = JSON.parse(json) as {
      weightsManifest: readonly { readonly paths: readonly unknown[] }[];
    };
    return weightsManifest.flatMap(({ paths }) => paths).filter((name) => typeof name === 'string');
  } catch {
    return null;
  }
}

const isPartName = (name: string) => PART.test(name) && !/[/\\]/.test(name);

/** The parts that the file at a path names, of those that are named as parts are; none where it is no model.json to be read. */
export function partsNamedBy(path: string): string[] {
  try {
    return (filesNamedIn(readText(path)) ?? []).filter(isPartName);
  } catch {
    return [];
  }
}

/** Without a byte order mark. */
const readText = (path: string) =>
  writingModules(path)
    .fs.readFileSync(path, 'utf8')
    .replace(/^\ufeff/, '');

/**
 * Removes those of the parts that no file of the folder names any more. What is not surely a part stays: its content must
 * be what its name says.
 *
 * @param target the file that most likely names them
 * @param inputs files that are read, which stay
 * @throws whatever keeps from knowing
 */
export function removeUnnamedParts(
  target: string,
  names: readonly string[],
  inputs: readonly string[],
): void {
  const { fs, paths } = writingModules(target);
  const folder = paths.dirname(target);
  const named = new Set(partsNamedBy(target));
  const unnamed = new Set(names.filter((name) => isPartName(name) && !named.has(name)));
  if (unnamed.size === 0) return;
  for (const json of jsonIn(folder)) {
    const ends = new Set(json.match(ENDS));
    const found = [...unnamed].filter((name) => ends.has(PART.exec(name)![1]!));
    const files = found.length > 0 ? filesNamedIn(json) : null;
    for (const name of found) if (!isOfAnother(name, files, folder)) unnamed.delete(name);
  }
  const read = inputs.map(statusOf);
  for (const name of unnamed) {
    const path = paths.join(folder, name);
    const status = statusOf(path);
    const isInput = read.some((input) => isSameFile(input, status));
    if (!isInput && isPart(path)) fs.rmSync(path, { force: true });
  }
}

/**
 * Whether the end of a part's name stands in a model.json for the parts of that model, which has the same numbers and lies
 * there too. Else it may be the part itself, in whatever way its stem is written.
 */
function isOfAnother(name: string, files: readonly string[] | null, folder: string): boolean {
  const { paths } = writingModules(folder);
  const [, end] = PART.exec(name)!;
  const part = statusOf(paths.join(folder, name));
  const isThere = (file: string) => {
    const status = statusOf(paths.join(folder, file));
    return status !== undefined && !isSameFile(status, part);
  };
  return files?.every((file) => !file.endsWith(end!) || isThere(file)) === true;
}

/** What begins as JSON, whatever it is called: a copy of a model.json may be called anything. */
const BEGINNING = /^(\xef\xbb\xbf)?\s*\{/;

/** The texts of the files of a folder that are JSON. One that cannot be read, which may name anything, is an error. */
function* jsonIn(folder: string): Generator<string> {
  const { fs, paths } = writingModules(folder);
  for (const name of fs.readdirSync(folder)) {
    const path = paths.join(folder, name);
    // A draft names parts that it brings along.
    if (PART.test(name) || isDraftName(name) || fs.statSync(path, STATUS)?.isFile() !== true) continue;
    if (BEGINNING.test(beginningOf(path))) yield readText(path);
  }
}

function beginningOf(path: string): string {
  const { fs } = writingModules(path);
  const bytes = new Uint8Array(64);
  const file = fs.openSync(path, 'r');
  try {
    return String.fromCharCode(...bytes.subarray(0, fs.readSync(file, bytes)));
  } finally {
    fs.closeSync(file);
  }
}
