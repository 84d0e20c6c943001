/**
 * @file Modules of Node, asked for at run time, so that a bundle for a page has no trace of them. This package does not
 * depend on Node's types: whoever asks says what it uses.
 */
import { ValueError } from '../text/value-error.js';

interface Process {
  getBuiltinModule?(name: string): unknown;
}

/**
 * @param path what it is needed for
 * @throws ValueError where there is no Node
 */
export function nodeModule(name: string, path: string): unknown {
  const { process } = globalThis as { process?: Process };
  const module = process?.getBuiltinModule?.(name);
  if (!module) {
    throw new ValueError(
      `A path ('${path}') needs Node. In a page, load a File, its bytes, or an address such as ` +
        `new URL('${path}', location.href); save without a target, which gives bytes.`,
    );
  }
  return module;
}
