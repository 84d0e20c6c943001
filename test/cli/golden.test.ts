/** @file Every model that Keras wrote goes through the command, and predicts what it predicted in Keras. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { loadKerasModel } from 'evenkeel/keras';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../docs/blocks.js';
import { MODELS, foldedTolerance, predictionError, readModel } from '../keras-files/golden.js';
import { SCALED, makeFolder } from './files.js';

const folder = makeFolder(afterAll);

/** A minute, and more on a machine that does much else. */
const LONGEST_MS = 300_000;

beforeAll(async () => {
  await tf.ready();
  const files = MODELS.map((model) => {
    const path = join(folder, model.file);
    writeFileSync(path, readModel(model));
    return path;
  });
  const ownLayer = join(folder, 'scaled.mjs');
  writeFileSync(ownLayer, SCALED);
  const program = ['--import', 'tsx', 'test/cli/fold-all.ts', ownLayer, ...files];
  const { status, stderr } = spawnSync(process.execPath, program, { cwd: ROOT, encoding: 'utf8' });
  // TF.js' own warnings are not for users of the command.
  const others = stderr.split('\n').filter((line) => line !== '' && !/^Layer .* is named .* here/.test(line));
  expect([others, status]).toEqual([[], 0]);
}, LONGEST_MS);

it.each(MODELS)('$file', async (golden) => {
  const model = await loadKerasModel(join(folder, `${golden.file}.json`));
  expect(predictionError(model, golden)).toBeLessThan(foldedTolerance(golden));
  model.dispose();
});
