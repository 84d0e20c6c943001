/** @file Vitest takes no `afterAll` from within a hook. */
import { afterAll } from 'vitest';

/**
 * Called beside the tests of a file or a `describe`.
 *
 * @returns what hooks give a function to that is to be called when those tests are done
 */
export function collectUndos(): (undo: () => void | Promise<void>) => void {
  const undos: (() => void | Promise<void>)[] = [];
  afterAll(async () => {
    for (const undo of undos) await undo();
  });
  return (undo) => {
    undos.push(undo);
  };
}
