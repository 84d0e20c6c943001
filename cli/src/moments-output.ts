/** @file Where lines of moments go: to standard output, for other programs, or into a file. */
import type { Command } from 'commander';
import type { LayerMoments } from 'evenkeel/tools';
import type { Context } from './context.js';
import type { OutputSettings } from './options.js';
import { writeOutputFile } from './output-files.js';
import type { PrintedJson } from './printed-json.js';
import { formatTable } from './tables.js';
import { formatJson, formatJsonLine } from './text.js';
import { formatCount } from '../../shared/numbers.js';
import { escapeControls } from '../../src/text/show.js';

export interface LinesOutputSettings {
  readonly output?: string;
}

export const addLinesOutputOption = (command: Command): Command =>
  command.option(
    '--output <file>',
    'write the lines into this file, which appears whole or not at all, instead of printing them',
  );

/** The moments as lines. */
export const linesOf = (moments: readonly LayerMoments[]): string => moments.map(formatJsonLine).join('');

/** Prints moments as lines; or writes them into the file, and says so. */
export async function writeMoments(
  moments: readonly LayerMoments[],
  inputs: readonly string[],
  { output, json }: LinesOutputSettings & OutputSettings,
  { terminal, signal }: Pick<Context, 'terminal' | 'signal'>,
): Promise<void> {
  if (output === undefined) {
    terminal.out(linesOf(moments));
    return;
  }
  await writeOutputFile(output, new TextEncoder().encode(linesOf(moments)), { inputs, signal });
  const layers = moments.map(({ layer, shards, batches, count }) => ({ layer, shards, batches, count }));
  terminal.out(
    json
      ? formatJson({ layers, written: [output] } satisfies PrintedJson['moments --output --json'])
      : formatSummary(moments, output),
  );
}

function formatSummary(moments: readonly LayerMoments[], output: string): string {
  const rows = moments.map(({ layer, shards, batches, count }) => [
    layer,
    formatCount(shards.length),
    formatCount(batches),
    formatCount(Math.round(Math.max(...count))),
  ]);
  const head = ['layer', 'shards', 'batches', 'values per channel'];
  return `${formatTable(head, rows)}\n\nWritten: ${escapeControls(output)}\n`;
}
