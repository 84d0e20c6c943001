/**
 * @file Modules of Node, asked for at run time, so that a bundle for a page has no trace of them. This package does not
 * depend on Node's types: whoever asks says what it uses.
 */

interface Process {
  getBuiltinModule?(name: string): unknown;
}

/** A module of Node; undefined where there is no Node. */
export function builtinModule(name: string): unknown {
  const { process } = globalThis as { process?: Process };
  return process?.getBuiltinModule?.(name);
}
