/**
 * @file Models saved for Keras: read back by us, and opened by real Keras, which predicts the same, trains a step, and
 * saves again what we read.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ROOT } from '../docs/blocks.js';
import type { Packed } from '../golden/index.js';
import { MODELS, TOLERANCE, modelNamed, predictionError, readModel } from './golden.js';

mkdirSync(`${ROOT}out`, { recursive: true });
const FOLDER = mkdtempSync(`${ROOT}out/keras-saved-`);

/** Names that TF.js does not take are changed, which is said. */
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterAll(() => {
  rmSync(FOLDER, { recursive: true });
});

const FORMS = [
  { for: 'tf-keras', format: 'h5' },
  { for: 'tf-keras', format: 'keras' },
  { for: 'keras3', format: 'keras' },
] as const;

/** Each model once, from the file of one library. */
const SOURCES = MODELS.filter(
  ({ file }) =>
    file.endsWith('.keras') &&
    (file.startsWith('tf-keras') ||
      !MODELS.some((other) => other.file === file.replace('keras3', 'tf-keras'))),
);

const CASES = SOURCES.flatMap((golden) =>
  FORMS.filter((form) => golden.savedFor.includes(form.for)).map((form) => ({
    golden,
    form,
    file: `${golden.file.replace('.', '-')}-for-${form.for}.${form.format}`,
  })),
);

test.each(CASES)('$file predicts the same when it is loaded here', async ({ golden, form, file }) => {
  const model = await loadKerasModel(readModel(golden));
  await saveKerasModel(model, join(FOLDER, file), form);
  const again = await loadKerasModel(join(FOLDER, file));
  expect(predictionError(again, golden)).toBeLessThanOrEqual(TOLERANCE);
  model.dispose();
  again.dispose();
});

/** A Python that has tf-keras and Keras 3; null where there is none. */
function findPython(): string | null {
  const candidates = [process.env.EVENKEEL_PYTHON, join(ROOT, 'out/keras/bin/python'), 'python3'];
  const works = (python: string) =>
    spawnSync(python, [
      '-c',
      'import importlib.util as u; assert u.find_spec("tf_keras") and u.find_spec("keras")',
    ]).status === 0;
  return candidates.find((python): python is string => Boolean(python) && works(python!)) ?? null;
}

interface Result {
  failed?: string;
  error: number;
  trained: { file: string; moved: number; outputs: Packed[] };
}

const python = findPython();

describe.skipIf(!python)('real Keras', { tags: ['keras'] }, () => {
  const results: Result[] = [];

  beforeAll(() => {
    const cases = CASES.map(({ golden, form, file }) => ({
      file,
      library: form.for,
      inputs: golden.inputs,
      outputs: golden.outputs,
    }));
    writeFileSync(join(FOLDER, 'cases.json'), JSON.stringify(cases));
    const { status, stderr } = spawnSync(python!, [join(ROOT, 'oracle/open_saved.py'), FOLDER], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(stderr.slice(-2000));
    results.push(...(JSON.parse(readFileSync(join(FOLDER, 'results.json'), 'utf8')) as Result[]));
  }, 600_000);

  test.each(CASES)(
    'opens $file, predicts the same, trains it, and we read what it saved',
    async ({ golden, file }) => {
      const { failed, error, trained } = results[CASES.findIndex((one) => one.file === file)]!;
      expect(failed).toBeUndefined();
      expect(error).toBeLessThanOrEqual(TOLERANCE);
      // Models without a weight that a loss reaches learn nothing.
      expect(trained.moved).toBeGreaterThan(0);
      const again = await loadKerasModel(join(FOLDER, trained.file));
      expect(predictionError(again, { inputs: golden.inputs, outputs: trained.outputs })).toBeLessThanOrEqual(
        TOLERANCE,
      );
      again.dispose();
    },
  );
});

describe('a model made here', () => {
  test('comes back with renorm, ghost batches and what is frozen', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [3] }));
    layerBatchNormalization(model, {
      virtualBatchSize: 2,
      renorm: true,
      renormClipping: { rmax: 3 },
      trainable: false,
    });
    const bytes = await saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' });
    const again = await loadKerasModel(bytes);
    expect(again.layers.at(-1)?.getConfig()).toMatchObject({
      virtualBatchSize: 2,
      renorm: true,
      renormClipping: { rmax: 3 },
      axis: [-1 + 2],
      trainable: false,
    });
  });

  test('is saved with the layers of a frozen container frozen', async () => {
    const inner = tf.sequential();
    inner.add(tf.layers.dense({ units: 4, inputShape: [3] }));
    layerBatchNormalization(inner);
    const model = tf.sequential({ layers: [inner, tf.layers.dense({ units: 1 })] });
    inner.trainable = false;
    const again = await loadKerasModel(await saveKerasModel(model, null, { for: 'keras3' }));
    expect(again.trainableWeights).toHaveLength(2);
  });

  test('is written whole or not at all', async () => {
    const model = await loadKerasModel(readModel(modelNamed('keras3-mlp.keras')));
    const folder = mkdtempSync(join(FOLDER, 'whole-'));
    const target = join(folder, 'model.keras');
    writeFileSync(target, 'what was there');
    const refused = tf.sequential({
      layers: [layerBatchNormalization({ virtualBatchSize: 2, inputShape: [4] })],
    });
    await expect(saveKerasModel(refused, target, { for: 'keras3' })).rejects.toThrow(/which Keras 3 lacks/);
    await expect(saveKerasModel(model, join(folder, 'no', 'model.h5'), { for: 'tf-keras' })).rejects.toThrow(
      /Cannot write/,
    );
    expect(readFileSync(target, 'utf8')).toBe('what was there');
    await saveKerasModel(model, target, { for: 'keras3' });
    expect(readdirSync(folder)).toEqual(['model.keras']);
    expect((await loadKerasModel(target)).layers).toHaveLength(model.layers.length);
  });
});
