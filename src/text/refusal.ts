/** @file How this folder refuses: names from files, shown without harm, and what others threw, as a `ValueError`. */
import { ValueError } from './value-error.js';

const LONGEST_VALUE = 80;
const LONGEST_REASON = 500;

/** Without what terminals obey, and cut where it is long: a file may hold anything. */
function harmless(text: string, longest: number): string {
  // eslint-disable-next-line no-control-regex
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, '?');
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown;
}

/** A name or value from a file. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return `'${harmless(value, LONGEST_VALUE)}'`;
  return harmless(value === undefined ? 'nothing' : JSON.stringify(value), LONGEST_VALUE);
}

/** What a thrown value says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first line of what was thrown, whatever was thrown: some libraries throw strings. */
export function reasonOf(error: unknown): string {
  return harmless(messageOf(error).split('\n', 1)[0]!, LONGEST_REASON);
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
