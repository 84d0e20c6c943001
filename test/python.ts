/** @file Where real Keras is. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './docs/blocks.js';

/** A Python that has tf-keras and Keras 3; null where there is none. */
export function findPython(): string | null {
  const candidates = [process.env.EVENKEEL_PYTHON, join(ROOT, 'out/keras/bin/python'), 'python3'];
  const works = (python: string) =>
    spawnSync(python, [
      '-c',
      'import importlib.util as u; assert u.find_spec("tf_keras") and u.find_spec("keras")',
    ]).status === 0;
  return candidates.find((python): python is string => Boolean(python) && works(python!)) ?? null;
}
