/** @file Layers of a class of the user's own, which Keras and JavaScript both have; golden.ts registers it. */
import * as tf from '@tensorflow/tfjs';
import { checkKerasModel, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { readArchive } from '../../src/data/archive.js';
import { recordWarnings, takeWarnings } from '../warnings.js';
import { MODELS, readModel } from './golden.js';
import { Scaled } from './scaled.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterEach(() => {
  tf.serialization.registerClass(Scaled);
});

const FILES = MODELS.filter(({ file }) => file.includes('own-class'));

test.each(FILES)(
  '$file is refused by the name of the class where JavaScript does not have it',
  async (golden) => {
    delete tf.serialization.SerializationMap.getMap().classNameMap.Scaled;
    const { blockers } = await checkKerasModel(readModel(golden));
    expect(blockers.map(({ className }) => className)).toEqual([expect.stringMatching(/Scaled$/)]);
    expect(blockers[0]!.reason).toMatch(/registerClass/);
  },
);

test.each(FILES)('$file is saved with the class as it was registered, which is said', async (golden) => {
  const stop = recordWarnings();
  const model = await loadKerasModel(readModel(golden));
  takeWarnings();
  const saved = await saveKerasModel(model, null, { for: 'keras3' });
  expect(takeWarnings()).toEqual([expect.stringMatching(/class of your own.*'evenkeel>Scaled'/)]);
  stop();
  const files = await readArchive(saved, ['config.json']);
  const { config } = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as {
    config: { layers: Record<string, unknown>[] };
  };
  expect(config.layers[1]).toMatchObject({
    class_name: 'Scaled',
    registered_name: 'evenkeel>Scaled',
    config: { offset_by: 0.5 },
  });
});
