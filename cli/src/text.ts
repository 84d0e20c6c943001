/** @file Numbers and JSON as the command prints them. */
import type { InspectReport } from 'evenkeel/tools';
import type { PrintedJson, PrintedLine } from './printed-json.js';
import { UNSEEN, escapeControls } from '../../src/text/show.js';

/** JSON for people and programs: indented, and harmless too, since its escapes mean the same to a parser. */
export const formatJson = (value: PrintedJson[keyof PrintedJson]): string =>
  `${escapeJson(JSON.stringify(value, null, 2))}\n`;

/** JSON on one line, as programs read one value after the other. */
export const formatJsonLine = (value: PrintedLine): string => `${escapeJson(JSON.stringify(value))}\n`;

function escapeJson(json: string): string {
  const escapeUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const escape = (character: string) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map((i) => escapeUnit(character[i]!)).join('');
  return json.replace(UNSEEN, escape);
}

/** A number with as many digits as a table has room for. */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return String(value ?? 'NaN');
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  return magnitude >= 1e5 || magnitude < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

export const formatCount = (value: number): string => value.toLocaleString('en');

/** `1 layer`, `2 layers`. */
export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

/** How much data an inspection has looked at. */
export function describeData(data: InspectReport['data']): string {
  if (!data) return 'no data';
  const batches = data.batches === 1 ? '1 batch' : `${data.batches} batches`;
  return data.samples === null ? `moments of ${batches}` : `${plural(data.samples, 'sample')} in ${batches}`;
}

/** What an inspection could not look for, and how to look for that; '' where it has looked for all. */
export function describeUntold({ data, layers, untold }: InspectReport): string {
  if (layers.length === 0 || untold.length === 0) return '';
  const source = data ? 'Moments do not tell' : 'Without data, nothing tells';
  return `${source} of ${untold.join(', ')}. To look for these too, give samples: --data <file>.`;
}

/** What to say where there is no finding: of what there is none. */
export function describeHealth({ data, layers, untold }: InspectReport): string {
  if (layers.length === 0) return 'The model has no batch normalization, so there was nothing to look at.';
  const what = data
    ? untold.length > 0
      ? 'weights, options and moments'
      : 'weights, options and data'
    : 'weights and options';
  return `Nothing is wrong, as far as ${what} tell.`;
}

/** Names that are listed where there are many. */
const MOST_NAMES = 8;

/** The names, or the first of many. */
export function listNames(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).map(escapeControls).join(', ')}${more}`;
}
