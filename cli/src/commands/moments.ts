/** @file `evenkeel moments`: the moments of shards of the data, which any engine has computed wherever it likes. */
import { basename, isAbsolute, relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { ValueError } from 'evenkeel/core';
import type { FitOptions } from 'evenkeel/data';
import type { LayerMoments } from 'evenkeel/tools';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UsageError } from '../../../shared/usage-error.js';
import { type Context, naming, withModel } from '../context.js';
import { inputsOf } from '../inputs.js';
import { readGiven } from '../moments-files.js';
import { type LinesOutputSettings, addLinesOutputOption, linesOf, writeMoments } from '../moments-output.js';
import {
  type BackendSettings,
  DATA_FILES,
  type OutputSettings,
  type StatisticsSettings,
  addBatchSizeOption,
  addCommonOptions,
  addExamples,
  addPreparationOptions,
  addStatisticsOptions,
  orderOf,
  refuseOptions,
} from '../options.js';
import { checkOutputFile } from '../output-files.js';
import type { PrintedJson } from '../printed-json.js';
import { withProgress } from '../progress.js';
import type { Terminal } from '../terminal.js';
import { formatJson } from '../text.js';

interface MomentsSettings
  extends BackendSettings, OutputSettings, LinesOutputSettings, FitOptions, StatisticsSettings {
  readonly data?: readonly string[];
  readonly root?: string;
  readonly given?: string;
  readonly batchSize?: number;
  readonly count?: true;
}

export function momentsCommand(context: Context): Command {
  const command = new Command('moments')
    .description(
      "Takes moments of parts of the data, shards, at a model's batch normalizations, for merge and recalibrate --moments: " +
        'so data that no machine holds gives new moving statistics. Prints a line of JSON for each shard and layer. Goes ' +
        'through the data once for each normalization, in rounds over all shards, or once with --one-pass.',
    )
    .argument('<model>', 'the model, the same for all shards and in all rounds')
    .option('--data <files...>', `shards: ${DATA_FILES} (default: names from standard input, one a line)`)
    .option(
      '--root <folder>',
      'name shards by their path from this folder, where files in different folders have the same name (default: by the ' +
        "file's name alone, wherever it lies)",
    )
    .option(
      '--given <file>',
      'the merged moments of the rounds before; a file that does not exist yet stands for none',
    )
    .option('--count', 'only print how many rounds there are to go');
  addPreparationOptions(command);
  addBatchSizeOption(command);
  addStatisticsOptions(command);
  return addExamples(
    addCommonOptions(addLinesOutputOption(command)).action((path: string, settings: MomentsSettings) =>
      takeMoments(path, settings, context),
    ),
    'moments model.h5 --data shards/*.npy --one-pass > moments.jsonl',
    'moments model.h5 --data shards/1.npy --given state.jsonl --output round-1/1.jsonl',
    'moments model.h5 --data shards/2.npy --given state.jsonl --output round-1/2.jsonl',
    'merge round-1/*.jsonl --shards 2 >> state.jsonl',
    'moments model.h5 --given state.jsonl --count',
  );
}

async function takeMoments(path: string, settings: MomentsSettings, context: Context): Promise<void> {
  const { terminal, signal } = context;
  if (settings.count) return countRounds(path, settings, context);
  if (settings.onePass && settings.given !== undefined) {
    throw new UsageError(
      '--one-pass takes the moments of all layers at once, so --given has nothing to say.',
    );
  }
  const files = settings.data ?? namesFrom(terminal, signal);
  const inputs = await inputsOf(path, settings);
  if (settings.output !== undefined) checkOutputFile(settings.output, { inputs });
  const given = await readGiven(settings.given);
  await withModel(path, settings, signal, async (model) => {
    const shards = new ShardNames(settings.root);
    const taken: LayerMoments[] = [];
    for await (const file of files) {
      const shard = shards.add(file);
      if (shard === null) continue;
      const moments = await naming(file, () => momentsOf(model, file, shard, given, settings, context));
      if (settings.output === undefined) terminal.out(linesOf(moments));
      else taken.push(...moments);
    }
    // Reading names ends quietly where it is stopped.
    signal.throwIfAborted();
    if (settings.output !== undefined) {
      if (taken.length === 0)
        throw new ValueError('Standard input names no shard, so there is nothing to write.');
      await writeMoments(taken, [...inputs, ...shards.files], settings, context);
    }
  });
}

/** The names that other programs write into the command, one a line. An engine may have none for a worker. */
function namesFrom({ input }: Terminal, signal: AbortSignal): AsyncIterable<string> {
  const stream = input();
  if (stream) return linesIn(stream, signal);
  throw new UsageError('Which shards? Give them as --data, or write their names to standard input.');
}

/** Asks for lines from the moment that somebody reads them: `readline` forgets those that come before. */
async function* linesIn(input: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<string> {
  yield* createInterface({ input, signal, crlfDelay: Infinity });
}

/** What shards are called, on whatever machine they are looked at. */
class ShardNames {
  readonly #names = new Map<string, string>();

  constructor(private readonly root: string | undefined) {}

  get files(): string[] {
    return [...this.#names.values()];
  }

  /**
   * The name of a file; null where it has come before, and of an empty line.
   *
   * @throws ValueError where another file has the same name, or the file lies outside of the folder
   */
  add(file: string): string | null {
    if (file === '') return null;
    const name = this.#nameOf(file);
    const known = this.#names.get(name);
    if (known === file) return null;
    if (known !== undefined) {
      throw new ValueError(
        `'${known}' and '${file}' would both be the shard '${name}'. Give --root <folder>, and shards are named by their ` +
          'path from there.',
      );
    }
    this.#names.set(name, file);
    return name;
  }

  #nameOf(file: string): string {
    if (this.root === undefined) return basename(file);
    const path = relative(this.root, file);
    if (path !== '' && !isAbsolute(path) && path.split(sep)[0] !== '..') return path.replaceAll(sep, '/');
    throw new ValueError(`'${file}' does not lie in '${this.root}', which --root names.`);
  }
}

async function momentsOf(
  model: LayersModel,
  file: string,
  shard: string,
  given: readonly LayerMoments[],
  settings: MomentsSettings,
  { terminal, signal }: Context,
): Promise<LayerMoments[]> {
  const { openData } = await import('../data.js');
  const { collectMoments } = await import('evenkeel/tools');
  const { array = null, divideBy = 1, statistics } = settings;
  const batches = (await openData(model, file, settings)).inBatches(settings);
  const moments = await withProgress(terminal, settings.quiet, (onProgress) =>
    collectMoments(model, batches, {
      shard,
      given,
      statistics,
      order: orderOf(settings),
      preparation: JSON.stringify({ array, divideBy }),
      limits: settings.limit,
      signal,
      onProgress: ({ step, ...rest }) => {
        onProgress({ ...rest, step: `${shard}, ${step}` });
      },
    }),
  );
  if (moments.length > 0) return moments;
  throw new ValueError(
    `${settings.given!} holds the moments of every normalization: there is no round left.`,
  );
}

/** Prints how many rounds are left. */
async function countRounds(path: string, settings: MomentsSettings, context: Context): Promise<void> {
  refuseOptions(
    settings,
    { data: '--data', output: '--output', root: '--root' },
    (flag) => `--count looks at no data, so ${flag} has nothing to say.`,
  );
  const given = await readGiven(settings.given);
  const rounds = await withModel(path, settings, context.signal, async (model) => {
    const { inspect } = await import('evenkeel/tools');
    const { layers } = await inspect(model);
    const left = layers.filter(({ layer }) => given.every((one) => one.layer !== layer));
    return settings.onePass ? Math.min(1, left.length) : left.length;
  });
  context.terminal.out(
    settings.json ? formatJson({ rounds } satisfies PrintedJson['moments --count --json']) : `${rounds}\n`,
  );
}
