/** @file JSON and lists, as the command prints them. */
import type { InspectReport } from 'evenkeel/tools';
import { describeUntold } from '../../shared/findings.js';
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

/** What an inspection could not look for, and how to look for that; '' where it has looked for all. */
export function adviseOnUntold(report: InspectReport): string {
  const untold = describeUntold(report);
  return untold && `${untold} To look for these too, give samples: --data <file>.`;
}

/** Names that are listed where there are many. */
const MOST_NAMES = 8;

/** The names, or the first of many. */
export function listNames(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).map(escapeControls).join(', ')}${more}`;
}
