/** @file Programs that some tests start, where the machine has them. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The path of a program: that of the environment variable, or the first of the names on PATH; null if there is none.
 *
 * @throws if the variable names what cannot be executed: who asks for a program is not to be left without its tests
 */
export function findProgram(variable: string, ...names: readonly string[]): string | null {
  const { [variable]: named, PATH = '' } = process.env;
  if (named) {
    if (!isExecutable(named))
      throw new Error(`${variable} is ${named}, which cannot be executed. It is a path.`);
    return named;
  }
  const paths = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}
