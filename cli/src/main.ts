#!/usr/bin/env node
/** @file The command's process: its streams, Ctrl-C, its exit code. */
import { Console } from 'node:console';
import { listenForCtrlC } from '../../shared/interrupt.js';
import { run } from './program.js';
import { standardTerminal } from './terminal.js';

// Standard output is for what was asked for. Whatever libraries have to say goes to the other.
globalThis.console = new Console(process.stderr, process.stderr);

// Whoever reads may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await run(process.argv.slice(2), standardTerminal(), listenForCtrlC());
