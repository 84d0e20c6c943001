/** @file Tables for terminals. */
import Table from 'cli-table3';
import { Help } from 'commander';
import { escapeControls } from '../../src/text/show.js';

/** No colours of the library's own: whoever wants some paints the cells. */
const STYLE = { head: [], border: [] };

/** @param rows the first column is text, the others are numbers */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { ...STYLE, compact: true },
  });
  table.push(...rows.map((row) => row.map(escapeControls)));
  return table.toString();
}

const NO_LINES = [
  ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
] as const;

const NARROWEST_TEXT = 30;

/** Text in lines of a width. It is not escaped here. */
export const wrap = (text: string, width: number): string => new Help().boxWrap(text, width);

/** A narrow column of labels, and beside it text that is wrapped to the width. Neither is escaped here. */
export function formatEntries(
  entries: readonly (readonly [string, string])[],
  labelWidth: number,
  width: number,
): string {
  const table = new Table({
    chars: { ...Object.fromEntries(NO_LINES.map((name) => [name, ''])), middle: ' ' },
    colWidths: [labelWidth, Math.max(NARROWEST_TEXT, width - labelWidth - 1)],
    wordWrap: true,
    style: { ...STYLE, 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...entries.map((entry) => [...entry]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
