/**
 * @file A lock on a folder, for the moment in which files of several names become one model. It is a file that says whose
 * it is; a killed process' lock is taken over.
 */
import { isId, isOfDeadProcess, makeId, newDraft, removeDraft } from './drafts.js';
import { STATUS, writingModules } from './writing-modules.js';

export const lockOf = (folder: string): string => writingModules(folder).paths.join(folder, '.evenkeel.lock');

/** A lock that says nothing may be one that is being made, but not for so long. */
const LONGEST_UNREADABLE_MS = 5000;

/** Tries to make the lock. Whoever has it removes it. */
export function tryLock(lock: string): boolean {
  const { fs, paths, os } = writingModules(lock);
  const claim = newDraft(paths.dirname(lock));
  try {
    fs.writeFileSync(claim, `${makeId()} ${os.hostname()}\n`, { flag: 'wx' });
    claimLock(claim, lock);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
  } finally {
    removeDraft(claim);
  }
  return takeOver(lock) && tryLock(lock);
}

/** Both ways end with EEXIST where there is a lock; with the first, nobody ever sees a lock that says nothing yet. */
function claimLock(claim: string, lock: string): void {
  const { fs } = writingModules(lock);
  try {
    fs.linkSync(claim, lock);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') throw error;
    // The file system has no hard links.
    fs.copyFileSync(claim, lock, fs.constants.COPYFILE_EXCL);
  }
}

/**
 * Removes a dead process' lock. Of two that see it, the slower one must not remove the lock that the faster one has made
 * since: only who has the lock of that dead lock may, and only while it is still that one.
 */
function takeOver(lock: string): boolean {
  const { fs } = writingModules(lock);
  const holder = deadHolder(lock);
  if (holder === null) return false;
  const right = `${lock}.${holder}`;
  if (!tryLock(right)) return false;
  try {
    if (deadHolder(lock) === holder) fs.rmSync(lock, { force: true });
  } finally {
    fs.rmSync(right, { force: true });
  }
  return true;
}

/** The id of who has the lock, where that is a dead process; else null. */
function deadHolder(lock: string): string | null {
  const holder = readHolder(lock);
  if (holder === null) return null;
  if (isId(holder.id)) return isOfDeadProcess(holder.id) ? holder.id : null;
  const status = writingModules(lock).fs.lstatSync(lock, STATUS);
  return status && Date.now() - Number(status.mtimeMs) > LONGEST_UNREADABLE_MS ? 'unreadable' : null;
}

/** What a lock says; null where there is none. */
function readHolder(lock: string): { id: string; host: string } | null {
  try {
    const [id = '', host = ''] = writingModules(lock).fs.readFileSync(lock, 'utf8').trim().split(' ');
    return { id, host };
  } catch {
    return null;
  }
}

/** Who has the lock, for people. */
export function describeHolder(lock: string): string {
  const { id, host } = readHolder(lock) ?? {};
  return id !== undefined && isId(id) ? `process ${id.split('-')[1]!} on ${host!}` : 'another process';
}

/** Removes what takers of locks left that were killed. */
export function removeDeadLocks(folder: string): void {
  const { fs, paths } = writingModules(folder);
  for (const name of fs.readdirSync(folder)) {
    const lock = paths.join(folder, name);
    if (lock.startsWith(`${lockOf(folder)}.`) && deadHolder(lock) !== null) fs.rmSync(lock, { force: true });
  }
}
