/**
 * @file The one way to put a value into a message: short however large the value is, safe with cycles, without what
 * terminals obey, and telling a number from a string of digits.
 */
import type { Tensor } from '@tensorflow/tfjs-core';

const LONGEST = 100;
const LONGEST_STRING = 80;

/** What terminals obey or hide: controls, format characters (among them those that turn the direction), line ends. */
export const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Text of one line, in which what cannot be seen is written as `\u{1b}`. */
export const escapeControls = (text: string): string =>
  text.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);

/** At most `longest` characters of a text from anywhere, and an ellipsis where there were more. */
export const shorten = (text: string, longest: number): string =>
  escapeControls(text.slice(0, longest)) + (text.length > longest ? '…' : '');

/** Whether a value is a TF.js tensor (or variable), of whichever copy of TF.js: what its own `instanceof` looks at. */
export const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'dataSync' in value && 'throwIfDisposed' in value;

/** `value` as a user would write it, cut where it is long. */
export function show(value: unknown): string {
  let text = '';
  for (const piece of piecesOf(value, [])) {
    text += piece.slice(0, LONGEST + 1);
    if (text.length > LONGEST) break;
  }
  return shorten(text, LONGEST);
}

/** The text bit by bit, so that nobody walks through more of a value than is shown. */
function* piecesOf(value: unknown, around: readonly object[]): Generator<string> {
  if (typeof value === 'string') {
    yield `'${shorten(value, LONGEST_STRING)}'`;
  } else if (typeof value === 'function') {
    yield value.name ? `the function ${value.name}` : 'a function';
  } else if (typeof value !== 'object' || value === null) {
    yield typeof value === 'bigint' ? `${value}n` : String(value);
  } else if (value instanceof RegExp) {
    yield String(value);
  } else if (around.includes(value)) {
    yield '(itself)';
  } else if (isTensor(value)) {
    yield 'a tensor of shape ';
    yield* piecesOf(value.shape, around);
  } else if (Array.isArray(value)) {
    yield '[';
    for (let i = 0; i < value.length; i++) {
      if (i > 0) yield ', ';
      yield* piecesOf(value[i], [...around, value]);
    }
    yield ']';
  } else {
    yield* piecesOfObject(value, around);
  }
}

function* piecesOfObject(value: object, around: readonly object[]): Generator<string> {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    yield `an object of class ${String(prototype.constructor?.name)}`;
    return;
  }
  let separator = '{ ';
  for (const key in value) {
    yield `${separator}${key}: `;
    yield* piecesOf(value[key as keyof typeof value], [...around, value]);
    separator = ', ';
  }
  yield separator === '{ ' ? '{}' : ' }';
}
