/** @file The command `evenkeel`: its commands, and how each ends. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { ValueError } from 'evenkeel/core';
import { completionCommand } from './commands/completion.js';
import { convertCommand } from './commands/convert.js';
import { foldCommand } from './commands/fold.js';
import { freezeCommand, unfreezeCommand } from './commands/freeze.js';
import { helpCommand } from './commands/help.js';
import { inspectCommand } from './commands/inspect.js';
import { mergeCommand } from './commands/merge.js';
import { momentsCommand } from './commands/moments.js';
import { recalibrateCommand } from './commands/recalibrate.js';
import type { Context } from './context.js';
import { EXIT_CODES, EXIT_CODE_MEANINGS } from './exit-codes.js';
import { describeFileLimit } from './open-files.js';
import { Interruption } from '../../shared/interrupt.js';
import { UsageError } from '../../shared/usage-error.js';
import { formatEntries, wrap } from './tables.js';
import type { Terminal } from './terminal.js';
import { escapeControls } from '../../src/text/show.js';

const COMMANDS = [
  inspectCommand,
  recalibrateCommand,
  momentsCommand,
  mergeCommand,
  foldCommand,
  convertCommand,
  freezeCommand,
  unfreezeCommand,
  completionCommand,
  helpCommand,
];

const HELP = [
  "A model is an .h5 or .keras file of tf-keras, R's keras or Keras 3, or TensorFlow.js' model.json with its shards beside " +
    'it, or the http(s) address of one. What a file is, its content says; how an output is written, its name: .h5, .keras ' +
    'or .json. Missing folders of outputs are made.',
  "evenkeel help <command> shows a command's options and examples. Results go to standard output, and all else to standard " +
    'error; progress only where that is a terminal. NO_COLOR=1 turns colours off.',
];

const CODES_WIDTH = 16;

function formatHelp({ width }: Terminal): string {
  const codes = EXIT_CODE_MEANINGS.map(([codes, meaning]) => [`  ${codes}`, meaning] as const);
  const paragraphs = HELP.map((paragraph) => wrap(paragraph, width));
  return `\n${paragraphs.join('\n\n')}\n\nExit codes:\n${formatEntries(codes, CODES_WIDTH, width)}\n`;
}

/** The command, with all its commands. */
export function makeProgram(context: Context): Command {
  // By the package's name, since this file may run from its source or compiled.
  const { version } = createRequire(import.meta.url)('evenkeel-cli/package.json') as { version: string };
  const commands = COMMANDS.map((make) => make(context));
  const program = new Command('evenkeel')
    .description('Inspects, repairs and converts models with batch normalization in them.')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', () => formatHelp(context.terminal))
    // commander's own says '(outputHelp)' of a command that there is not.
    .helpCommand(false);
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands]) {
    command
      .helpOption('-h, --help', 'show this')
      .exitOverride()
      // Refusals are thrown, and shown where they are caught.
      .configureOutput({
        writeOut: context.terminal.out,
        writeErr: () => undefined,
        getOutHelpWidth: () => context.terminal.width,
      });
  }
  return program;
}

/** Kernels that TF.js' wasm backend lacks; the cpu backend has them all. */
const MISSING_KERNEL = /Kernel '(\w+)' not registered for backend 'wasm'/;

/**
 * Runs one command line.
 *
 * @param args what follows the program's name
 * @returns the exit code
 */
export async function run(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  let exitCode: number = EXIT_CODES.done;
  let hasPrinted = false as boolean;
  const context: Context = {
    terminal: {
      ...terminal,
      out(text) {
        hasPrinted = true;
        terminal.out(text);
      },
    },
    signal,
    setExitCode(code) {
      exitCode = code;
    },
  };
  try {
    if (args.length === 0) throw new UsageError('Which command?');
    await makeProgram(context).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) return refuse(error, args, context);
    terminal.note(hasPrinted ? 'Stopped. What was printed is not all.\n' : 'Stopped. Nothing was written.\n');
    return error instanceof Interruption ? error.exitCode : EXIT_CODES.interrupted;
  }
}

/** Says why a command ended. */
function refuse(error: unknown, args: readonly string[], context: Context): number {
  const { terminal } = context;
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT_CODES.done;
  if (error instanceof UsageError || error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '').replace(/\n(?=\(Did you mean)/, ' ');
    const command = COMMANDS.map((make) => make(context).name()).find(
      (name) => name === args[0] && name !== 'help',
    );
    terminal.note(
      `${escapeControls(message)}\nSee evenkeel ${command === undefined ? '' : `${command} `}--help.\n`,
    );
    return EXIT_CODES.usage;
  }
  const limit = describeFileLimit(error);
  if (limit !== undefined) {
    terminal.note(`${limit}\n`);
    return EXIT_CODES.badInput;
  }
  const [, kernel] = (error instanceof Error && MISSING_KERNEL.exec(error.message)) || [];
  if (kernel !== undefined) {
    terminal.note(`TensorFlow.js' wasm backend lacks the kernel ${kernel}. Use --backend cpu.\n`);
    return EXIT_CODES.badInput;
  }
  if (error instanceof ValueError) {
    terminal.note(`${escapeControls(error.message)}\n`);
    return EXIT_CODES.badInput;
  }
  terminal.note(`A fault of evenkeel's own, or of TensorFlow.js:\n${escapeLines(error)}\n`);
  return EXIT_CODES.fault;
}

const escapeLines = (error: unknown) =>
  (error instanceof Error ? (error.stack ?? error.message) : String(error))
    .split('\n')
    .map(escapeControls)
    .join('\n');
