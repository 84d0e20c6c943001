/** @file `evenkeel merge`: merges the moments of shards, each shard once. */
import { Command } from 'commander';
import type { Context } from '../context.js';
import { mergeFiles } from '../moments-files.js';
import {
  type LinesOutputSettings,
  addLinesOutputOption,
  prepareOutput,
  writeMoments,
} from '../moments-output.js';
import { type OutputSettings, addExamples, addOutputOptions, addShardsOption } from '../options.js';

interface MergeSettings extends OutputSettings, LinesOutputSettings {
  readonly shards?: number;
}

export function mergeCommand(context: Context): Command {
  const command = new Command('merge')
    .description(
      'Merges moments of shards, as evenkeel moments writes them: a line for each layer. A shard that comes twice counts once.',
    )
    .argument('<files...>', 'files with a line of JSON for each shard and layer')
    .action((files: string[], settings: MergeSettings) => merge(files, settings, context));
  return addExamples(
    addOutputOptions(addLinesOutputOption(addShardsOption(command))),
    'merge round-1/*.jsonl --shards 8 >> state.jsonl',
    'merge part-1.jsonl part-2.jsonl --output merged.jsonl',
  );
}

async function merge(files: string[], settings: MergeSettings, context: Context): Promise<void> {
  const { shards, output } = settings;
  prepareOutput(output, files);
  const merged = await mergeFiles(files, { shards, signal: context.signal });
  await writeMoments(merged, files, settings, context);
}
