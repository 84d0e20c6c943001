/** @file How values are refused, in one form of message, and what others threw: as short text, as a `ValueError`. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { shorten, show } from './show.js';
import { ValueError } from './value-error.js';

/** The classes of error: for a wrong type, and for a value that cannot be. */
export type Refusal = ErrorConstructor | typeof ValueError;

/** Says what is accepted and what came. */
export function refuse(Refusal: Refusal, name: string, expected: string, value: unknown): never {
  throw new Refusal(`${name}: expected ${expected}, received ${show(value)}.`);
}

/**
 * @throws TypeError for what is no number
 * @throws ValueError for a number that is not accepted
 */
export function checkNumber(
  name: string,
  value: unknown,
  isAccepted: (value: number) => boolean,
  expected: string,
): asserts value is number {
  if (typeof value !== 'number') refuse(TypeError, name, expected, value);
  if (!isAccepted(value)) refuse(ValueError, name, expected, value);
}

/** @throws TypeError for anything but true and false */
export function checkBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') refuse(TypeError, name, 'true or false', value);
}

/**
 * @param what asked only where it is told
 * @throws ValueError for a tensor that is disposed, of which TF.js says that it cannot read its backend
 */
export function checkUndisposed(what: () => string, { isDisposed, shape }: Tensor): void {
  if (!isDisposed) return;
  throw new ValueError(
    `${what()}: received a tensor of shape ${show(shape)} that is disposed. Use it before it is disposed, or keep it by tf.keep.`,
  );
}

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
