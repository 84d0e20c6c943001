/** @file What keeps a file from loading is told all at once, without making the model. */
import * as tf from '@tensorflow/tfjs';
import { checkKerasModel, kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, expect, test } from 'vitest';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { Findings } from '../../src/keras/blockers.js';
import { modelNamed, readModel } from './golden.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Saved {
  config: { layers: { class_name: string; config: Record<string, unknown> }[] };
}

/** A golden archive of which two layers have become code of Python's, and one has a setting that nothing has. */
async function blockedModel(): Promise<Uint8Array> {
  const names = ['config.json', 'metadata.json', 'model.weights.h5'];
  const files = new Map(await readArchive(readModel(modelNamed('keras3-images.keras')), names));
  const model = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as Saved;
  const [, first, second, third] = model.config.layers;
  first!.class_name = second!.class_name = 'Lambda';
  third!.config.colour = 'red';
  return writeArchive(files.set('config.json', new TextEncoder().encode(JSON.stringify(model))));
}

test('a model that loads has no blockers, and its layers are counted', async () => {
  const before = tf.memory().numTensors;
  const check = await checkKerasModel(readModel(modelNamed('tf-keras-nested.h5')));
  expect(check).toEqual({
    format: 'h5',
    kerasVersion: '2.18.0',
    layers: { InputLayer: 3, Functional: 1, Sequential: 1, BatchNormalization: 3, Dense: 4, Multiply: 1 },
    blockers: [],
    notes: [],
  });
  expect(tf.memory().numTensors).toBe(before);
});

test('all blockers are told, those of one class and reason together', async () => {
  const { blockers } = await checkKerasModel(await blockedModel());
  expect(blockers.map(({ className, layers }) => [className, layers.length])).toEqual([
    ['Lambda', 2],
    [expect.any(String), 1],
  ]);
  expect(blockers[0]!.reason).toMatch(/code of Python.*Replace it/);
  expect(blockers[1]!.reason).toMatch(/colour/);
});

test('of many layers with one reason, the error names the first five', () => {
  const findings = new Findings();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) findings.block(name, 'Lambda', 'It is code.');
  expect(() => {
    findings.throwIfBlocked();
  }).toThrow("7 layers cannot be loaded:\n- 'a', 'b', 'c', 'd', 'e' and 2 more ('Lambda'): It is code.");
});

test('cells are counted, those within others too', async () => {
  const cells = [kerasLayers.gruCell({ units: 2 }), kerasLayers.lstmCell({ units: 3 })];
  const model = tf.sequential({ layers: [kerasLayers.rnn({ cell: cells, inputShape: [4, 3] })] });
  const { layers } = await checkKerasModel(await saveKerasModel(model, null, { for: 'keras3' }));
  expect(layers).toEqual({ InputLayer: 1, RNN: 1, StackedRNNCells: 1, GRUCell: 1, LSTMCell: 1 });
});

test('loading tells them all in one error, and leaves nothing', async () => {
  const before = tf.memory().numTensors;
  const source = await blockedModel();
  await expect(loadKerasModel(source)).rejects.toThrow(
    /^3 layers cannot be loaded:\n- .*\('Lambda'\).*\n- .*colour/,
  );
  expect(tf.memory().numTensors).toBe(before);
});

test('dropout of Keras 3, which says training=False of every call, gives no warning', async () => {
  expect((await checkKerasModel(readModel(modelNamed('keras3-graph-dropout.keras')))).notes).toEqual([]);
});
