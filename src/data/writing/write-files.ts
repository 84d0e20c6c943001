/** @file The one way to write in Node: a file and the parts that it names, whole or not at all, at every moment. */
import { reasonOf } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { newDraft, removeDeadDrafts, removeDraft, writeDraft } from './drafts.js';
import { describeHolder, lockOf, removeDeadLocks, tryLock } from './folder-lock.js';
import { type OutputOptions, type Place, checkOutput } from './output-path.js';
import { hasPart, partsNamedBy, removeUnnamedParts } from './parts.js';
import { STATUS, writingModules } from './writing-modules.js';

export interface WriteOptions extends Pick<OutputOptions, 'inputs'> {
  /** Files beside it that it names, by their names, which `nameParts` made. */
  readonly parts?: ReadonlyMap<string, Uint8Array>;
  /** Ends the writing, and leaves what was there; once the files are complete, they are renamed first. */
  readonly signal?: AbortSignal;
}

/**
 * Writes a file. It is written beside its place first, synced, and renamed, so that a reader, or who cuts the power, finds
 * the old file or the new one. With parts the same holds of all of them: they get names of their own, the file that names
 * them is renamed last, and then parts that no file names any more are removed. What a killed process left in the folder
 * is removed, too.
 *
 * @throws ValueError where it cannot be written; what was there before is still there
 * @throws the signal's reason
 */
export async function writeOutput(
  path: string,
  bytes: Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const { inputs = [], parts = new Map<string, Uint8Array>(), signal } = options;
  const hasParts = parts.size > 0;
  const drafts: string[] = [];
  const draw = async (content: Uint8Array, { folder, replaced }: Place): Promise<string> => {
    signal?.throwIfAborted();
    const draft = await writeDraft(folder, content, replaced, signal);
    drafts.push(draft);
    return draft;
  };
  try {
    const place = checkOutput(path, { inputs, hasParts });
    removeDeadDrafts(place.folder);
    const partDrafts = new Map<string, string>();
    for (const [name, content] of parts) partDrafts.set(name, await draw(content, place));
    const draft = await draw(bytes, place);
    if (hasParts) await waitForLock(lockOf(place.folder), signal);
    // From here on nothing else has its turn in this process before all is renamed, not even a signal.
    try {
      // Once more, since others may have changed what is there.
      const { folder, path: target } = checkOutput(path, { inputs, hasParts });
      if (hasParts) replaceWithParts(folder, target, draft, partDrafts, inputs);
      else replace(folder, target, draft);
    } finally {
      if (hasParts) writingModules(path).fs.rmSync(lockOf(place.folder), { force: true });
    }
  } catch (error) {
    if (error instanceof ValueError) throw error;
    signal?.throwIfAborted();
    throw new ValueError(`Cannot write '${path}': ${reasonOf(error)}`, { cause: error });
  } finally {
    for (const draft of drafts) removeDraft(draft);
  }
}

/** The lock is had for milliseconds. */
const LONGEST_WAIT_MS = 30_000;
const LONGEST_PAUSE_MS = 20;

/** @throws ValueError where another process has the lock for too long */
async function waitForLock(lock: string, signal: AbortSignal | undefined): Promise<void> {
  const started = performance.now();
  while (!tryLock(lock)) {
    signal?.throwIfAborted();
    if (performance.now() - started > LONGEST_WAIT_MS) {
      throw new ValueError(
        `Cannot write beside '${lock}': by that file, ${describeHolder(lock)} is writing in its folder. Wait for it; ` +
          'if it runs no more, remove that file.',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LONGEST_PAUSE_MS * Math.random()));
  }
}

function replace(folder: string, target: string, draft: string): void {
  const { fs } = writingModules(target);
  fs.renameSync(draft, target);
  syncFolder(folder);
}

/**
 * Renames the parts, then the file that names them. A journal has the parts that may be left over, of the old file or of
 * the new one, before anything is renamed, so that the next process finds them where this one is killed.
 */
function replaceWithParts(
  folder: string,
  target: string,
  draft: string,
  parts: ReadonlyMap<string, string>,
  inputs: readonly string[],
): void {
  const { fs, paths } = writingModules(target);
  finishJournal(target, inputs);
  removeDeadLocks(folder);
  const added = [...parts].filter(([name]) => !hasPart(paths.join(folder, name)));
  const names = [...partsNamedBy(target), ...added.map(([name]) => name)];
  writeJournal(folder, [...readJournal(folder), ...names]);
  try {
    for (const [name, partDraft] of added) fs.renameSync(partDraft, paths.join(folder, name));
    syncFolder(folder);
    replace(folder, target, draft);
  } finally {
    finishJournal(target, inputs);
  }
}

const journalOf = (folder: string) => writingModules(folder).paths.join(folder, '.evenkeel.journal');

function writeJournal(folder: string, names: readonly string[]): void {
  const { fs } = writingModules(folder);
  const draft = newDraft(folder);
  try {
    fs.writeFileSync(draft, JSON.stringify(names), { flag: 'wx' });
    fs.renameSync(draft, journalOf(folder));
  } finally {
    removeDraft(draft);
  }
}

/** Removes the parts of the folder's journal that are left over, and the journal. */
function finishJournal(target: string, inputs: readonly string[]): void {
  const { fs, paths } = writingModules(target);
  const folder = paths.dirname(target);
  const journal = journalOf(folder);
  try {
    if (fs.lstatSync(journal, STATUS) === undefined) return;
    removeUnnamedParts(target, readJournal(folder), inputs);
    fs.rmSync(journal, { force: true });
  } catch {
    // What is written is whole. The journal stays, so that the next process that writes here tries again.
  }
}

/** The parts that may be left over in a folder; none by a journal that cannot be understood. */
function readJournal(folder: string): string[] {
  try {
    const names: unknown = JSON.parse(writingModules(folder).fs.readFileSync(journalOf(folder), 'utf8'));
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

/** Where the platform has that. */
function syncFolder(folder: string): void {
  const { fs } = writingModules(folder);
  try {
    const file = fs.openSync(folder, 'r');
    try {
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
  } catch {
    // Windows opens no folders.
  }
}
