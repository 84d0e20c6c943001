/** @file Files in memory: what a page is given, and what stands in for it elsewhere. */
import { reasonOf } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import type { Budget } from './limits.js';

/** How a file is read. */
export interface ReadOptions {
  /** What is left to be read. */
  readonly budget: Budget;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that are there, and those in all, or null where nobody says. */
  readonly onBytes?: ((done: number, total: number | null, name: string) => void) | undefined;
}

/** A file's name and content, where there is no `File`. */
export interface NamedFile {
  name: string;
  bytes: ArrayBuffer | Uint8Array;
}

const isBytes = (value: unknown): value is ArrayBuffer | Uint8Array =>
  value instanceof Uint8Array || value instanceof ArrayBuffer;

export const isFile = (value: unknown): value is File | NamedFile =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  (value instanceof Blob || ('bytes' in value && isBytes(value.bytes)));

/**
 * The bytes of a file, or of what is in one. Not copied where that can be avoided.
 *
 * @throws ValueError where they are more than the budget has left, or a file of a page cannot be read any more
 */
export async function bytesOf(
  content: Blob | NamedFile | ArrayBuffer | Uint8Array,
  { budget }: Pick<ReadOptions, 'budget'>,
): Promise<Uint8Array> {
  const what = 'name' in content && typeof content.name === 'string' ? show(content.name) : 'The file';
  if (content instanceof Blob) {
    budget.take('size', content.size, what);
    const buffer = await content.arrayBuffer().catch((error: unknown) => {
      throw new ValueError(`${what} cannot be read: ${reasonOf(error)}`, { cause: error });
    });
    return new Uint8Array(buffer);
  }
  const bytes = isBytes(content) ? content : content.bytes;
  budget.take('size', bytes.byteLength, what);
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
}

/** At most so many files are open, or asked for, at once. */
const AT_ONCE = 8;

/** What `read` makes of each item, in their order; a few are read at a time, whatever their number. */
export async function readEach<T, Result>(
  items: readonly T[],
  read: (item: T) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const readNext = async () => {
    // All share one iterator: each takes what none has taken.
    for (const [i, item] of left) results[i] = await read(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, readNext));
  return results;
}
