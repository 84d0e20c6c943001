/**
 * @file Runs `evenkeel fold` on files, in a process without the package that unites TF.js: what that registers beside its
 * parts is not there, as where the command is installed. Each `name` becomes `name.json`.
 *
 * usage: fold-all.ts IMPORT FILE… with the module that registers layers of a user's own
 */
import { run } from '../../cli/src/program.js';
import { standardTerminal } from '../../cli/src/terminal.js';

const terminal = { ...standardTerminal(), out: () => undefined, progress: null };
const [module, ...files] = process.argv.slice(2);
for (const file of files) {
  const code = await run(
    ['fold', file, `${file}.json`, '--import', module!],
    terminal,
    new AbortController().signal,
  );
  if (code !== 0) process.exitCode = code;
}
