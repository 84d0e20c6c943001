/** @file How this folder refuses: names from files, shown without harm, and what others threw, as a `ValueError`. */
import { ValueError } from '../core/value-error.js';

const LONGEST = 80;

/** A name or value from a file, quoted, without control characters and cut where it is long. */
export function quote(value: unknown): string {
  // A file may hold anything; terminals obey control characters.
  // eslint-disable-next-line no-control-regex
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')).replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g,
    '?',
  );
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return typeof value === 'string' ? `'${short}'` : short;
}

/** The first line of what was thrown, whatever was thrown: some libraries throw strings. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return quote(text.split('\n', 1)[0]).slice(1, -1);
}

/** Runs `action`; what others throw becomes a `ValueError` that begins with `what`. */
export function refusing<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw new ValueError(`${what}: ${reasonOf(error)}`, { cause: error });
  }
}
