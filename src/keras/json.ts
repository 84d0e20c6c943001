/** @file JSON as Python writes it, and its values looked at with care: a file may hold anything. */
import { ValueError } from '../text/value-error.js';
import { refusing } from '../text/refusal.js';
import { show } from '../text/show.js';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Python's `json` writes NaN and the infinities as bare words, which JSON has not; a string is left as it is. */
const BARE_WORDS: Record<string, string> = { NaN: 'null', Infinity: '1e999', '-Infinity': '-1e999' };

export function parseJson(text: string, what: string): Json {
  const standard = /NaN|Infinity/.test(text)
    ? text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) => BARE_WORDS[found] ?? found)
    : text;
  return refusing(`${what} is not JSON`, () => JSON.parse(standard) as Json);
}

/** Begins what stands for a number; no name of a layer has it. */
const FLOAT = '\uE000float:';

/** A number that Python is to take for a real one: infinite, or whole and yet with a point. */
export const pythonFloat = (value: number): string => `${FLOAT}${value}`;

/** JSON as Python reads it. */
export const writeJson = (value: Json): string =>
  JSON.stringify(value).replaceAll(
    new RegExp(`"${FLOAT}(-?[\\d.e+-]+|-?Infinity)"`, 'g'),
    (_, number: string) => (/[.eI]/.test(number) ? number : `${number}.0`),
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
  if (typeof value === 'string' && value !== '') return value;
  throw new ValueError(`${what}: expected a name, found ${show(value)}. The file is damaged.`);
}
