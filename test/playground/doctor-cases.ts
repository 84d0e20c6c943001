/** @file What the doctor does with a model: cases of page.test.ts, which brings the browser. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import type { Download } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { drawDigits } from '../../shared/digits.js';
import { Random } from '../../shared/random.js';
import { loadKerasModel } from '../../src/keras/index.js';
import { idxImages } from '../demo/files.js';
import { modelNamed, predictionError, readModel } from '../keras-files/golden.js';
import type { Playground } from './browser.js';

// Keeps TF.js from advising another backend.
tf.enableProdMode();

export const MODEL_ZONE = '.doctor section:first-child .drop';
export const DATA_ZONE = '.cures .drop';
const MARKUP = '<img src=x onerror=alert(1)>';

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export const modelFile = (name: string): NamedBytes => ({
  name,
  bytes: readModel(modelNamed(name)),
});

/** Numbers as NumPy saves them. */
export function npy(shape: readonly number[], values: Float32Array): Uint8Array {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = Buffer.from(`${dictionary.padEnd(117)}\n`, 'latin1');
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0]);
  return Buffer.concat([start, header, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]);
}

/** A model as TF.js saves it: model.json and a file of weights. */
export async function tfjsFiles(model: tf.LayersModel): Promise<NamedBytes[]> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
    }),
  );
  const { modelTopology, weightSpecs, weightData } = saved!;
  const weightsManifest = [{ paths: ['group1-shard1of1.bin'], weights: weightSpecs }];
  const json = JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest });
  return [
    { name: 'model.json', bytes: Buffer.from(json) },
    { name: 'group1-shard1of1.bin', bytes: new Uint8Array(weightData as ArrayBuffer) },
  ];
}

/** A model with something to find, something to fold and something that stays. */
export function unhealthyModel(): Promise<NamedBytes[]> {
  const input = tf.input({ shape: [4] });
  const first = layerBatchNormalization(input, { name: 'before', momentum: 0.1 });
  const dense = tf.layers.dense({ units: 6, activation: 'relu' }).apply(first) as tf.SymbolicTensor;
  const outputs = layerBatchNormalization(dense, { name: 'after' });
  return tfjsFiles(tf.model({ inputs: input, outputs }));
}

export async function bytesOf(download: Download): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Waits until nothing is being read or done any more. */
export const untilDone = (playground: Playground): Promise<void> =>
  playground.until(async () => (await playground.button('Stop').count()) === 0);

export async function openModel(playground: Playground, files: readonly NamedBytes[]): Promise<void> {
  await playground.drop(files, MODEL_ZONE);
  await playground.text('summary').waitFor();
}

async function download(
  playground: Playground,
  format: string,
): Promise<{ name: string; model: tf.LayersModel }> {
  await playground.page.getByLabel('as', { exact: true }).selectOption({ label: format });
  const started = playground.page.waitForEvent('download');
  await playground.press('Download');
  const file = await started;
  return { name: file.suggestedFilename(), model: await loadKerasModel(await bytesOf(file)) };
}

/** @param openPage opens the page, for training */
export function doctorCases(openPage: () => Promise<Playground>): void {
  const open = async (): Promise<Playground> => {
    const playground = await openPage();
    await playground.show('Doctor');
    await playground.page.locator(MODEL_ZONE).waitFor();
    return playground;
  };

  describe('the doctor', () => {
    test.each([
      ['tf-keras-conv.h5', '.h5 for tf-keras and R', 'tf-keras-conv-folded.h5'],
      ['keras3-conv.keras', '.keras for Keras 3', 'keras3-conv-folded.keras'],
    ])('folds %s, and what is downloaded predicts what Keras did', async (name, format, saved) => {
      const playground = await open();
      await openModel(playground, [modelFile(name)]);
      expect(await playground.text('summary').innerText()).toContain('1 batch normalization');
      await playground.press('Fold');
      await playground.text('folding').waitFor();
      expect(await playground.text('folding').innerText()).toContain('1 folded, 0 kept');
      expect(await playground.text('summary').innerText()).toContain('The model has no batch normalization');

      const { name: fileName, model } = await download(playground, format);
      expect(fileName).toBe(saved);
      expect(model.layers.map((layer) => layer.getClassName())).not.toContain('BatchNormalization');
      expect(predictionError(model, modelNamed(name))).toBeLessThan(1e-5);
    });

    test('finds what is wrong, recalibrates on dropped data, and holds no tensor more', async () => {
      const original = tf.sequential({
        layers: [
          tf.layers.dense({ units: 3, inputShape: [2], useBias: false, kernelInitializer: 'ones' }),
          layerBatchNormalization({ name: 'normalization', fused: false }),
          tf.layers.dense({ units: 1, name: 'answer' }),
        ],
      });
      const playground = await open();
      const files = await tfjsFiles(original);
      await openModel(playground, files);
      const finding = playground.page.locator('.finding code', { hasText: 'untrained-statistics' });
      await finding.waitFor();
      const tensors = await playground.number('doctor-tensors');

      // Values of mean 2 and variance 1 in both columns, which are summed.
      const values = Float32Array.from({ length: 400 }, (_, i) => (i % 4 < 2 ? 1 : 3));
      for (let i = 0; i < 2; i++) {
        await playground.drop([{ name: 'data.npy', bytes: npy([200, 2], values) }], DATA_ZONE);
        await playground.until(async () => (await playground.number('doctor-tensors')) === tensors + 1);
      }
      await playground.page.getByText('Looked at with data.npy: 200 samples').waitFor();
      await playground.press('Recalibrate');
      await finding.waitFor({ state: 'detached' });

      const { name, model } = await download(playground, '.keras for Keras 3');
      expect(name).toBe('model-repaired.keras');
      const [, , mean, variance] = model.getLayer('normalization').getWeights();
      for (const value of mean!.dataSync()) expect(value).toBeCloseTo(4, 5);
      for (const value of variance!.dataSync()) expect(value).toBeCloseTo(4, 4);

      await playground.drop(files, MODEL_ZONE);
      await finding.waitFor();
      expect(await playground.number('doctor-tensors')).toBe(tensors);
    });

    test('has a sample at hand, says what changed, takes it back, and prints every layer', async () => {
      const playground = await open();
      const { page } = playground;
      const lines = () => page.locator('.repairs p').allInnerTexts();
      await playground.press('Open the sample');
      await page.getByText(/^Looked at with digits\.npy/).waitFor();
      await untilDone(playground);
      expect(await playground.text('summary').innerText()).toBe('2 batch normalizations: 2 warnings.');
      await playground.press('Recalibrate');
      await playground.text('changes').waitFor();
      await untilDone(playground);
      const changes = await playground.text('changes').innerText();
      expect(changes).toMatch(/Findings\s+2 warnings\s+none/);
      const [before, after] = [...changes.matchAll(/the same answer for ([\d.]+) %/g)].map(([, share]) =>
        Number(share),
      );
      expect(after).toBeGreaterThan(before!);
      expect(await page.getByText(/^No longer found: /).innerText()).toContain(
        'Moving averages that are too young',
      );
      expect(await lines()).toContain('Recalibrate The statistics are those of this data.');
      expect(await playground.button('Recalibrate').isDisabled()).toBe(true);

      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      await playground.until(async () => (await page.locator('.channels:visible').count()) === 6);
      expect(await page.locator('.drop:visible').count()).toBe(0);
      await page.emulateMedia({ media: 'screen' });

      await playground.press('Undo');
      await untilDone(playground);
      expect(await playground.text('summary').innerText()).toBe('2 batch normalizations: 2 warnings.');
      expect(await playground.text('changes').count()).toBe(0);
      expect(await playground.button('Recalibrate').isDisabled()).toBe(false);

      await page.getByLabel('as', { exact: true }).selectOption('tfjs');
      const started = page.waitForEvent('download');
      await playground.press('Download');
      expect((await started).suggestedFilename()).toBe('digits.zip');
      expect(await playground.problems()).toEqual([]);
    });

    test('says what it cannot read, and keeps the model that it has', async () => {
      const playground = await open();
      await openModel(playground, [modelFile('tf-keras-conv.h5')]);
      const refused = async (zone: string, ...files: NamedBytes[]): Promise<string> => {
        await playground.drop(files, zone);
        await playground.until(async () => (await playground.problems()).length === 1);
        const [problem] = await playground.problems();
        await playground.dismiss();
        return problem!;
      };
      const whole = modelFile('keras3-conv.keras');
      expect(await refused(MODEL_ZONE, { name: MARKUP, bytes: Buffer.from('nothing') })).toContain(MARKUP);
      expect(await refused(MODEL_ZONE, { ...whole, bytes: whole.bytes.subarray(0, 2000) })).toContain(
        'The zip archive is damaged',
      );
      expect(
        await refused(MODEL_ZONE, { name: 'model.json', bytes: Buffer.from('{"modelTopology":1}') }),
      ).toContain('The JSON file has no layers');
      expect(await refused(DATA_ZONE, { name: 'a.npy', bytes: npy([2, 3], new Float32Array(6)) })).toContain(
        'a.npy has shape [2, 3]',
      );
      expect(await refused(DATA_ZONE, { name: 'a.npy', bytes: npy([2, 60], new Float32Array(6)) })).toContain(
        'a.npy holds 24 bytes of elements; its header announces the shape [2, 60], which takes 480.',
      );
      const images = idxImages(drawDigits(2, new Random(1, 'digits')));
      expect(await refused(DATA_ZONE, { name: 'images', bytes: images })).toContain(
        'images has shape [2, 28, 28]',
      );
      expect(await refused(DATA_ZONE, whole)).toContain('without .npy files');
      expect(await playground.text('summary').innerText()).toContain('1 batch normalization');
      await playground.press('Fold');
      await playground.text('folding').waitFor();
    });
  });
}
