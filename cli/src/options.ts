/** @file Options that several commands have, and how their values are read. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BatchOptions, FitOptions } from 'evenkeel/data';
import type { Dialect } from 'evenkeel/keras';
import { UsageError } from '../../shared/usage-error.js';

const BACKENDS = ['wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

const DIALECTS: readonly Dialect[] = ['tf-keras', 'keras3'];

export interface BackendSettings {
  readonly backend: BackendName;
  /** Modules that register classes of layers. */
  readonly import?: readonly string[];
}

export interface DataSettings extends FitOptions {
  readonly data?: string;
}

export interface OutputSettings {
  readonly json?: true;
  readonly quiet?: true;
}

export interface TargetSettings {
  readonly for?: Dialect;
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

/** For every command. */
export const addCommonOptions = (command: Command): Command =>
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
    .option('--json', 'print one JSON document instead of text')
    .option('--quiet', 'show no progress');

export const addDataOptions = (command: Command): Command =>
  command
    .option('--data <file>', 'samples as .npy, .npz or IDX, gzipped or not; the first dimension counts them')
    .option(
      '--array <name>',
      'which array of an .npz, such as x_train; several inputs find theirs by their names',
    )
    .option('--divide-by <number>', 'divide the data, as by 255 for pixels from 0 to 1', nonzeroNumber);

export const addBatchOptions = (command: Command): Command =>
  command
    .option('--batch-size <number>', 'samples per batch (default: 32)', positiveInteger)
    .option('--batches <number>', 'look at so many batches at most', positiveInteger);

export const addTargetOption = (command: Command): Command =>
  command.addOption(
    new Option(
      '--for <keras>',
      'which Keras the .keras file is for (default: keras3 if the model came in a .keras of Keras 3, else tf-keras)',
    ).choices(DIALECTS),
  );

/** @throws UsageError where options that say something of data come without it */
export function checkDataOptions({ data, ...others }: DataSettings & BatchOptions): void {
  const flags = {
    array: '--array',
    divideBy: '--divide-by',
    batchSize: '--batch-size',
    batches: '--batches',
  } as const;
  if (data !== undefined) return;
  for (const name of Object.keys(flags) as (keyof typeof flags)[]) {
    if (others[name] !== undefined) throw new UsageError(`${flags[name]} needs --data.`);
  }
}

/** Examples for the end of a command's help. */
export const addExamples = (command: Command, ...examples: readonly string[]): Command =>
  command.addHelpText(
    'after',
    `\nExamples:\n${examples.map((example) => `  evenkeel ${example}\n`).join('')}`,
  );
