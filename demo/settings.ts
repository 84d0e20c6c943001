/** @file The command line: its options, their defaults, and what is refused. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../shared/usage-error.js';
import type { LayerOptions } from './networks.js';

export const BACKENDS = ['wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Digits of a batch: the paper's. */
export const BATCH_SIZE = 60;

export interface Settings {
  /** Steps of gradient descent for each network. */
  readonly steps: number;
  readonly seed: number;
  readonly backend: BackendName;
  /** How many threads share each batch. */
  readonly threads: number;
  /** The folder of the MNIST files; undefined to draw digits. */
  readonly data: string | undefined;
  /** Arguments of the normalization layer. */
  readonly options: LayerOptions;
  /** The folder that the report goes to. */
  readonly out: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What is not asked for. Not given to Commander as defaults, which it would print in the help. */
const FLAGS = { json: false, quiet: false };

const LARGEST_SEED = 2 ** 32 - 1;

function parseSteps(text: string): number {
  const steps = Number(text);
  if (!/^\d+$/.test(text) || steps < 1 || !Number.isSafeInteger(steps)) {
    throw new InvalidArgumentError('It must be a whole number, at least 1.');
  }
  return steps;
}

function parseThreads(text: string): number {
  const threads = Number(text);
  if (!/^\d+$/.test(text) || threads < 1 || threads > BATCH_SIZE) {
    throw new InvalidArgumentError(
      `It must be a whole number from 1 to ${BATCH_SIZE}, since that many digits are a batch.`,
    );
  }
  return threads;
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > LARGEST_SEED) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${LARGEST_SEED}.`);
  }
  return seed;
}

function parseOptions(text: string): LayerOptions {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError(`It must be a JSON object, such as '{"renorm":true}'.`);
  }
  return value as LayerOptions;
}

const HELP = `
Examples:
  npm start
  npm start -- --data mnist --steps 10000
  npm start -- --options '{"renorm":true,"momentum":0.9}'
  npm start -- --threads 2

Ctrl-C stops early, with a report of what was done so far.
Exit codes: 0 done; 2 refused the command line; 3 refused a data file, or could not write the report or to standard
output; 130, 143, 129 stopped by Ctrl-C, SIGTERM, SIGHUP.`;

function makeCommand(): Command {
  return (
    new Command('npm start --')
      .description(
        'Trains a network with and without batch normalization, side by side, and draws how they fare: ' +
          'figure 1 of Ioffe and Szegedy (2015).',
      )
      .option('--steps <number>', 'how many steps to train', parseSteps, 5000)
      .option('--seed <number>', 'what all randomness comes from', parseSeed, 1)
      .addOption(
        new Option('--backend <name>', 'which TensorFlow.js backend').choices(BACKENDS).default('wasm'),
      )
      .option(
        '--threads <number>',
        'how many threads share each batch, with the same results',
        parseThreads,
        1,
      )
      .option('--data <folder>', 'MNIST files (IDX, gzipped or not); otherwise the digits are drawn')
      .option(
        '--options <json>',
        'arguments of the normalization layer, such as \'{"renorm":true}\'',
        parseOptions,
        {},
      )
      .option('--out <folder>', 'where report.html goes', 'out')
      .option('--json', 'print one JSON document instead of the table')
      .option('--quiet', 'show no progress')
      .addHelpText('after', HELP)
      .helpOption('--help', 'show this')
      // Refusals are thrown, and shown where they are caught.
      .configureOutput({ writeErr: () => undefined })
      .exitOverride()
  );
}

/**
 * What the command line asks for; undefined where it asks for help, which is then shown.
 *
 * @throws UsageError for an unknown option or a bad value
 */
export function parseCommandLine(args: readonly string[]): Settings | undefined {
  const command = makeCommand();
  try {
    return { ...FLAGS, ...command.parse(args, { from: 'user' }).opts<Settings>() };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new UsageError(error.message.replace(/^error: /, ''));
  }
}
