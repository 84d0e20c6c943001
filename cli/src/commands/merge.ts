/** @file `evenkeel merge`: merges the moments of shards, each shard once. */
import { Command } from 'commander';
import type { Context } from '../context.js';
import { mergeFiles } from '../moments-files.js';
import { type LinesOutputSettings, addLinesOutputOption, writeMoments } from '../moments-output.js';
import { checkOutputFile } from '../output-files.js';
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
    'moments model.h5 --data shards/1.npy --one-pass --output parts/1.jsonl',
    'moments model.h5 --data shards/2.npy --one-pass --output parts/2.jsonl',
    'merge parts/*.jsonl --shards 2 --output moments.jsonl',
  );
}

async function merge(files: string[], settings: MergeSettings, context: Context): Promise<void> {
  const { shards, output } = settings;
  if (output !== undefined) checkOutputFile(output, { inputs: files });
  const merged = await mergeFiles(files, { shards, signal: context.signal });
  await writeMoments(merged, files, settings, context);
}
