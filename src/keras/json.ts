/** @file JSON as Python writes it, and its values looked at with care: a file may hold anything. */
import { type Budget, LONGEST_NAME } from '../data/limits.js';
import { ValueError } from '../text/value-error.js';
import { refusing } from '../text/refusal.js';
import { show } from '../text/show.js';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** The longest text that every browser's strings hold. */
const LONGEST_TEXT = 2 ** 28;

/**
 * The text in a file.
 *
 * @throws ValueError where it is too long, or not UTF-8; the message begins with `what`
 */
export function decodeText(bytes: Uint8Array, what: string): string {
  if (bytes.length > LONGEST_TEXT) {
    throw new ValueError(`${what} has ${bytes.length} bytes. A text may have ${LONGEST_TEXT}.`);
  }
  // Such are the marks, or the first character, of UTF-16.
  const isUtf16 = [0xfe, 0xff].includes(bytes[0]!) || bytes[0] === 0 || bytes[1] === 0;
  const hint = isUtf16
    ? 'It seems to be UTF-16, as PowerShell writes it'
    : 'It is damaged, or of another encoding';
  try {
    if (isUtf16) throw new ValueError('a byte of UTF-16');
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ValueError(`${what} is not UTF-8. ${hint}: save it as UTF-8.`, { cause: error });
  }
}

/** Stands for NaN while a text is parsed; no name of a layer is this. */
const NAN = '\uE000NaN';

/** Python's `json` writes NaN and the infinities as bare words, which JSON has not. */
const BARE_WORDS = { NaN: `"${NAN}"`, Infinity: '1e999' } as const;

/** Null would be a setting's default. */
const reviveNaN = (_: string, value: Json): Json => (value === NAN ? NaN : value);

/**
 * @param budget of what the file may cost: its depth, and a step for each of its brackets, strings and commas
 * @throws ValueError for what is not JSON, or lies too deep; the message begins with `what`
 */
export function parseJson(text: string, what: string, budget: Budget): Json {
  const standard = toStandard(text, what, budget);
  const revive = standard.includes(BARE_WORDS.NaN) ? reviveNaN : undefined;
  return refusing(`${what} is not JSON`, () => JSON.parse(standard, revive) as Json);
}

/** @throws ValueError as `decodeText` and `parseJson` */
export const readJson = (bytes: Uint8Array, what: string, budget: Budget): Json =>
  parseJson(decodeText(bytes, what), what, budget);

/** The text with bare words as JSON has them; strings are left as they are. One walk, whatever the text. */
function toStandard(text: string, what: string, budget: Budget): string {
  const pieces: string[] = [];
  let kept = 0;
  let depth = 0;
  let steps = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '"') {
      const start = i;
      i = endOfString(text, start);
      steps++;
      if (i - start > LONGEST_NAME && isColonNext(text, i + 1)) {
        throw new ValueError(
          `${what} has a key of ${i - start} characters. Accepted are ${LONGEST_NAME}. The file is damaged.`,
        );
      }
    } else if (character === '[' || character === '{') {
      budget.checkDepth(++depth, what);
      steps++;
    } else if (character === ']' || character === '}') {
      depth--;
    } else if (character === ',') {
      steps++;
    } else if (character === 'N' || character === 'I') {
      const word = character === 'N' ? 'NaN' : 'Infinity';
      if (!isWordAt(text, i, word)) continue;
      pieces.push(text.slice(kept, i), BARE_WORDS[word]);
      kept = i + word.length;
      i = kept - 1;
    }
  }
  budget.take('steps', steps, what);
  return kept === 0 ? text : [...pieces, text.slice(kept)].join('');
}

/** The place of the quote that ends the string which begins at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

/** Whether the string before is a key. */
function isColonNext(text: string, start: number): boolean {
  let i = start;
  while (' \n\r\t'.includes(text[i] ?? 'end')) i++;
  return text[i] === ':';
}

/** Whether the word stands by itself: as a part of a number, what takes its place would make another number. */
const isWordAt = (text: string, start: number, word: string): boolean =>
  text.startsWith(word, start) &&
  !/[\w.]/.test(text[start - 1] ?? '') &&
  !/[\w.]/.test(text[start + word.length] ?? '');

/** Begins what stands for a number; no name of a layer has it. */
const FLOAT = '\uE000float:';

/** A number that Python is to take for a real one: infinite, or whole and yet with a point. */
export const pythonFloat = (value: number): string => `${FLOAT}${value}`;

/** JavaScript would write null. */
const keepNotFinite = (_: string, value: Json): Json =>
  typeof value === 'number' && !Number.isFinite(value) ? pythonFloat(value) : value;

/** JSON as Python reads it, which has bare words for NaN and the infinities. */
export const writeJson = (value: Json): string =>
  JSON.stringify(value, keepNotFinite).replaceAll(
    new RegExp(`"${FLOAT}(-?[\\d.e+-]+|-?Infinity|NaN)"`, 'g'),
    (_, number: string) => (/[.eIN]/.test(number) ? number : `${number}.0`),
  );

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function expectObject(value: Json | undefined, what: string): JsonObject {
  if (isObject(value)) return value;
  throw new ValueError(`${what}: expected an object, found ${show(value)}. The file is damaged.`);
}

export function expectArray(value: Json | undefined, what: string): Json[] {
  if (Array.isArray(value)) return value;
  throw new ValueError(`${what}: expected a list, found ${show(value)}. The file is damaged.`);
}

export function expectName(value: Json | undefined, what: string): string {
  if (typeof value === 'string' && value.length > LONGEST_NAME) {
    throw new ValueError(`${what} has ${value.length} characters. Accepted are ${LONGEST_NAME}.`);
  }
  if (typeof value === 'string' && value !== '') return value;
  throw new ValueError(`${what}: expected a name, found ${show(value)}. The file is damaged.`);
}
