/** @file Options that several commands have, and how their values are read. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BatchOptions, FitOptions } from 'evenkeel/data';
import type { Dialect, Limits } from 'evenkeel/keras';
import type { RecalibrateOptions } from 'evenkeel/tools';
import { UsageError } from '../../shared/usage-error.js';

const BACKENDS = ['wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

const DIALECTS: readonly Dialect[] = ['tf-keras', 'keras3'];

export interface BackendSettings {
  readonly backend: BackendName;
  /** Modules that register classes of layers. */
  readonly import?: readonly string[];
  /** What reading files and running models may cost. */
  readonly limit?: Partial<Limits>;
}

export interface DataSettings extends FitOptions {
  readonly data?: string;
}

/** Moments of data, in place of it. */
export interface MomentsFileSettings {
  readonly moments?: string;
  readonly shards?: number;
}

export interface StatisticsSettings {
  readonly statistics: NonNullable<RecalibrateOptions['statistics']>;
  readonly onePass?: true;
}

export interface OutputSettings {
  readonly json?: true;
  readonly quiet?: true;
}

export interface TargetSettings {
  readonly for?: Dialect;
}

/** What can be limited, and whether it is counted in bytes. */
const LIMITS: Readonly<Record<keyof Limits, boolean>> = {
  size: true,
  memory: true,
  entries: false,
  depth: false,
  steps: false,
};

const BYTES = {
  '': 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
} as const;

/** Adds a limit such as `memory=8GB` to those before it. */
function addLimit(text: string, before: Partial<Limits> = {}): Partial<Limits> {
  const [, name = '', number = '', unit = ''] =
    /^(\w+)=(\d+(?:\.\d+)?|Infinity)([A-Za-z]*)$/.exec(text) ?? [];
  if (
    !Object.hasOwn(LIMITS, name) ||
    !Object.hasOwn(BYTES, unit) ||
    (unit !== '' && !LIMITS[name as keyof Limits])
  ) {
    throw new InvalidArgumentError(
      `It must be one of ${Object.keys(LIMITS).join(', ')} with a number, such as depth=500; bytes may have a unit, ` +
        `such as memory=8GB (${Object.keys(BYTES).filter(Boolean).join(', ')}).`,
    );
  }
  return { ...before, [name]: Number(number) * BYTES[unit as keyof typeof BYTES] };
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number, at least 1.');
}

function nonzeroNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value !== 0) return value;
  throw new InvalidArgumentError('It must be a number other than 0, such as 255.');
}

export function numberFromZero(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number of at least 0, such as 0.01.');
}

/** For every command that prints. */
export const addOutputOptions = (command: Command): Command =>
  command.option('--json', 'print one JSON document instead of text').option('--quiet', 'show no progress');

/** For every command that loads a model. */
export const addCommonOptions = (command: Command): Command =>
  addOutputOptions(
    command
      .addOption(
        new Option('--backend <name>', 'which TensorFlow.js backend computes')
          .choices(BACKENDS)
          .default('wasm'),
      )
      .option(
        '--import <file>',
        'a module of yours that registers layers of your own, before the model is loaded; may be given again',
        (file: string, before: readonly string[] | undefined) => [...(before ?? []), file],
      )
      .option(
        '--limit <name=number>',
        'how much reading files and running the model may cost: memory=8GB, depth=500; may be given again ' +
          '(default: size=4GiB; memory=64MiB and a hundredfold of the file, to run a model 4GiB; entries=10000 and one ' +
          'per 256 bytes; depth=200; steps=1048576 and one per byte, to run a model 4194304)',
        addLimit,
      ),
  );

export const DATA_FILES = 'samples as .npy, .npz or IDX, gzipped or not; the first dimension counts them';

export const addDataOptions = (command: Command): Command =>
  addPreparationOptions(command.option('--data <file>', DATA_FILES));

/** How data becomes a model's inputs. */
export const addPreparationOptions = (command: Command): Command =>
  command
    .option(
      '--array <name>',
      'which array of an .npz, such as x_train; several inputs find theirs by their names',
    )
    .option('--divide-by <number>', 'divide the data by this number: 255 makes pixels 0 to 1', nonzeroNumber);

export const addBatchSizeOption = (command: Command): Command =>
  command.option('--batch-size <number>', 'samples per batch (default: 32)', positiveInteger);

export const addBatchOptions = (command: Command): Command =>
  addBatchSizeOption(command).option(
    '--batches <number>',
    'look at so many batches at most',
    positiveInteger,
  );

export const addTargetOption = (command: Command): Command =>
  command.addOption(
    new Option(
      '--for <keras>',
      'which Keras the .keras file is for (default: keras3 if the model came in a .keras of Keras 3, else tf-keras)',
    ).choices(DIALECTS),
  );

/** Of what new statistics are made, and how. */
export const addStatisticsOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--statistics <kind>',
        "of all samples together, or the mean over batches, as training's averages",
      )
        .choices(['population', 'batches'])
        .default('population'),
    )
    .option('--one-pass', 'go through the data once instead of once for each layer: faster, less exact');

export const orderOf = ({ onePass }: StatisticsSettings): NonNullable<RecalibrateOptions['order']> =>
  onePass ? 'one pass' : 'layer by layer';

export const addMomentsOption = (command: Command): Command =>
  command.option(
    '--moments <file>',
    'instead of data: what evenkeel moments gave for all shards, merged or not',
  );

/** How many shards moments must be of. */
export const addShardsOption = (command: Command): Command =>
  command.option(
    '--shards <number>',
    'how many shards there must be; where some are missing, or too many, nothing is done',
    positiveInteger,
  );

/**
 * @param flags the options that mean nothing here, as the command line has them
 * @param describe what to say of a flag
 * @throws UsageError for the first of them that is given
 */
export function refuseOptions<Name extends string>(
  settings: Readonly<Partial<Record<NoInfer<Name>, unknown>>>,
  flags: Readonly<Record<Name, string>>,
  describe: (flag: string) => string,
): void {
  for (const name of Object.keys(flags) as Name[]) {
    if (settings[name] !== undefined) throw new UsageError(describe(flags[name]));
  }
}

export const needsData = (flag: string): string => `${flag} needs --data.`;

/** @throws UsageError where options that say something of data come without it */
export function checkDataOptions({ data, ...others }: DataSettings & BatchOptions): void {
  if (data !== undefined) return;
  const flags = {
    array: '--array',
    divideBy: '--divide-by',
    batchSize: '--batch-size',
    batches: '--batches',
  };
  refuseOptions(others, flags, needsData);
}

/** @throws UsageError where it is said how many shards there must be, and there are no moments */
export function checkMomentsOptions({ moments, ...others }: MomentsFileSettings): void {
  if (moments !== undefined) return;
  refuseOptions(others, { shards: '--shards' }, (flag) => `${flag} needs --moments.`);
}

/** Examples for the end of a command's help. */
export const addExamples = (command: Command, ...examples: readonly string[]): Command =>
  command.addHelpText(
    'after',
    `\nExamples:\n${examples.map((example) => `  evenkeel ${example}\n`).join('')}`,
  );
