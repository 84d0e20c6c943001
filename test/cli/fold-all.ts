/**
 * @file Runs `evenkeel fold` on files, in a process without the package that unites TF.js: what that registers beside its
 * parts is not there, as where the command is installed. Each `name` becomes `name.json`.
 */
import { run } from '../../cli/src/program.js';
import { standardTerminal } from '../../cli/src/terminal.js';

const terminal = { ...standardTerminal(), out: () => undefined, progress: null };
for (const file of process.argv.slice(2)) {
  const code = await run(['fold', file, `${file}.json`], terminal, new AbortController().signal);
  if (code !== 0) process.exitCode = code;
}
