/** @file What others threw: as text that is short and harmless, and as a `ValueError`. */
import { shorten } from './show.js';
import { ValueError } from './value-error.js';

const LONGEST_REASON = 500;

/** What a thrown value says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first line of what was thrown, whatever was thrown: some libraries throw strings. */
export const reasonOf = (error: unknown): string =>
  shorten(messageOf(error).split('\n', 1)[0]!, LONGEST_REASON);

/** Runs `action`; what others throw becomes a `ValueError` that begins with `what`. */
export function refusing<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw new ValueError(`${what}: ${reasonOf(error)}`, { cause: error });
  }
}
