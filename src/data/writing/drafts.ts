/**
 * @file Files that are being written: drafts, which become what they are for by being renamed. Their names say which
 * process they are of, so that what a killed process left can be told from what a living one writes.
 */
import { type Status, writingModules } from './writing-modules.js';

/** Of this machine, and of the processes that see each other's numbers here; containers have their own. */
function hostId(): string {
  const { fs, os, crypto } = writingModules('.');
  const names = [os.hostname()];
  try {
    names.push(fs.readlinkSync('/proc/self/ns/pid'));
    names.push(fs.readFileSync('/etc/machine-id', 'latin1'));
  } catch {
    // Not every system has these.
  }
  const name = new TextEncoder().encode(names.join('\n'));
  return crypto.createHash('sha256').update(name).digest('hex').slice(0, 8);
}

/** How a process is, and when it started; null where the system does not say. A number alone may be a later process'. */
function processStatus(pid: number): { isOver: boolean; started: string } | null {
  try {
    // The name in parentheses may hold anything. After it come the state, and as the 20th, the start.
    const fields = writingModules('.')
      .fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { isOver: fields[0] === 'Z' || fields[0] === 'X', started: fields[19]! };
  } catch {
    return null;
  }
}

/** Names this process, and one thing that it does. */
export function makeId(): string {
  const { pid } = writingModules('.').process;
  return [hostId(), pid, processStatus(pid)?.started ?? '0', crypto.randomUUID().slice(0, 8)].join('-');
}

const ID = /^([0-9a-f]{8})-(\d{1,10})-(\d{1,20})-[0-9a-f]{8}$/;

export const isId = (text: string): boolean => ID.test(text);

/** Whether an id is of a process of this machine that is no more. Of other machines nothing is known. */
export function isOfDeadProcess(id: string): boolean {
  const [, host, pid, started] = ID.exec(id) ?? [];
  if (host !== hostId()) return false;
  try {
    writingModules('.').process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ESRCH') return true;
  }
  const status = processStatus(Number(pid));
  return status !== null && (status.isOver || (started !== '0' && status.started !== started));
}

const DRAFT = /^\.evenkeel-(.*)\.draft$/;

export const isDraftName = (name: string): boolean => DRAFT.test(name);

/** Drafts of this process, which go with it however it ends, unless it is killed. */
const drafts = new Set<string>();

export function removeDraft(draft: string): void {
  const { fs, process } = writingModules(draft);
  try {
    fs.rmSync(draft, { force: true });
  } catch {
    // Its folder is gone, or is closed now.
  }
  drafts.delete(draft);
  if (drafts.size === 0) process.off('exit', removeDrafts);
}

function removeDrafts(): void {
  for (const draft of drafts) removeDraft(draft);
}

/** The path of a new draft. Whoever asks removes it, where it is not renamed. */
export function newDraft(folder: string): string {
  const { paths, process } = writingModules(folder);
  const draft = paths.join(folder, `.evenkeel-${makeId()}.draft`);
  if (drafts.size === 0) process.on('exit', removeDrafts);
  drafts.add(draft);
  return draft;
}

/** Removes the drafts of killed processes. */
export function removeDeadDrafts(folder: string): void {
  const { fs, paths } = writingModules(folder);
  for (const name of fs.readdirSync(folder)) {
    const [, id] = DRAFT.exec(name) ?? [];
    if (id !== undefined && isOfDeadProcess(id)) removeDraft(paths.join(folder, name));
  }
}

/** The bytes, as a draft that is on the disk, with the permissions of the file that it will replace. */
export async function writeDraft(
  folder: string,
  bytes: Uint8Array,
  replaced: Status | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { fs } = writingModules(folder);
  const draft = newDraft(folder);
  const mode = replaced ? Number(replaced.mode) & 0o7777 : 0o666;
  try {
    // Made at once, since what is still being opened when the process ends cannot be removed.
    fs.writeFileSync(draft, '', { flag: 'wx', mode: (mode & 0o777) | 0o200 });
    const handle = await fs.promises.open(draft, 'r+');
    try {
      await handle.writeFile(bytes, { signal });
      if (replaced) keepPermissions(draft, replaced, mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    removeDraft(draft);
    throw error;
  }
  return draft;
}

function keepPermissions(draft: string, { uid, gid }: Status, mode: number): void {
  const { fs } = writingModules(draft);
  try {
    fs.chownSync(draft, Number(uid), Number(gid));
  } catch {
    // Only the superuser gives files away.
  }
  // Afterwards, since a file that is given away loses bits.
  fs.chmodSync(draft, mode);
}
