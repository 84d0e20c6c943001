/** @file Modules of Node, for those who were given a path. */
import { builtinModule } from '../node/builtin-module.js';
import { ValueError } from '../text/value-error.js';

/**
 * @param path what it is needed for
 * @throws ValueError where there is no Node
 */
export function nodeModule(name: string, path: string): unknown {
  const module = builtinModule(name);
  if (!module) {
    throw new ValueError(
      `A path ('${path}') needs Node. In a page, load a File, its bytes, or an address such as ` +
        `new URL('${path}', location.href); save without a target, which gives bytes.`,
    );
  }
  return module;
}
