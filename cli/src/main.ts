#!/usr/bin/env node
/** @file The command's process: its streams, signals, its exit code. */
import { Console } from 'node:console';
import { listenForSignals } from '../../shared/interrupt.js';
import { watchOutput } from '../../shared/output-streams.js';
import { EXIT_CODES } from './exit-codes.js';
import { describeFileLimit } from './open-files.js';
import { standardTerminal } from './terminal.js';

// Standard output is for what was asked for. Whatever libraries have to say goes to the other.
globalThis.console = new Console(process.stderr, process.stderr);

const exitCodeOf = watchOutput(EXIT_CODES.badInput);
const signal = listenForSignals();

async function runCommand(): Promise<number> {
  const terminal = standardTerminal();
  try {
    // Not imported above, where nobody could say why it cannot be read.
    const { run } = await import('./program.js');
    return await run(process.argv.slice(2), terminal, signal);
  } catch (error) {
    const reason = describeFileLimit(error);
    if (reason === undefined) throw error;
    terminal.note(`${reason}\n`);
    return EXIT_CODES.badInput;
  }
}

process.exitCode = exitCodeOf(await runCommand());
// Otherwise Node gives signals back to the system before it frees its memory, which takes long: one that comes then would
// say by its exit code that nothing was written.
process.once('beforeExit', () => process.exit());
