/** @file `synchronized` in files: under each name that versions of Keras have for it, both ways, and never where it is false. */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { checkKerasModel, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, describe, expect, test } from 'vitest';
import { readHdf5 } from '../../src/data/hdf5/hdf5.js';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { takeWarnings } from '../warnings.js';
import { MODELS, readModel } from './golden.js';
import { savedByTensorFlow } from './saved-by-tensorflow.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const isSynchronized = (model: tf.LayersModel): boolean[] =>
  model.layers.filter((layer) => layer instanceof BatchNormalization).map((layer) => layer.synchronized);

test.each(MODELS.filter(({ group }) => group === 'synchronized'))('$file loads so', async (golden) => {
  expect(isSynchronized(await loadKerasModel(readModel(golden)))).toEqual([true, false]);
  expect(takeWarnings()).toEqual([]);
});

const text = (bytes: AllowSharedBufferSource | undefined) => new TextDecoder().decode(bytes);

describe('a model made here', () => {
  const make = (): tf.LayersModel => {
    const model = tf.sequential();
    layerBatchNormalization(model, { synchronized: true, inputShape: [3] });
    layerBatchNormalization(model, { synchronized: false });
    layerBatchNormalization(model);
    return model;
  };

  test.each([
    { for: 'tf-keras', format: 'h5' },
    { for: 'tf-keras', format: 'keras' },
    { for: 'keras3', format: 'keras' },
  ] as const)('says it where it is true, and comes back: $for, $format', async (form) => {
    const bytes = await saveKerasModel(make(), null, form);
    const config =
      form.format === 'h5'
        ? readHdf5(bytes).text('/', 'model_config')!
        : text((await readArchive(bytes, ['config.json'])).get('config.json'));
    // Versions of tf-keras before 2.12 refuse the key, so that false would cost these files their readers.
    expect(config.match(/"synchronized": ?\w+/g)).toEqual(['"synchronized":true']);
    expect(isSynchronized(await loadKerasModel(bytes))).toEqual([true, false, false]);
  });

  test('keeps it in the format of TF.js', async () => {
    const files = await savedByTensorFlow(make());
    expect(text(files[0]!.bytes).match(/"synchronized":\w+/g)).toEqual(['"synchronized":true']);
    expect(isSynchronized(await loadKerasModel(files))).toEqual([true, false, false]);
  });
});

test.each([
  [{ fused: true }, /synchronized: true cannot be combined with fused: true/],
  [{ virtual_batch_size: 2 }, /synchronized: true cannot be combined with virtualBatchSize: 2/],
])('%o beside it keeps a file from loading, and is told with the rest', async (more, reason) => {
  const model = tf.sequential({
    layers: [layerBatchNormalization({ synchronized: true, inputShape: [3, 2, 2], name: 'bn' })],
  });
  const saved = await saveKerasModel(model, null, { for: 'tf-keras', format: 'keras' });
  const files = new Map(await readArchive(saved, ['config.json', 'metadata.json', 'model.weights.h5']));
  const config = text(files.get('config.json')).replace(
    /(?<="synchronized":true)/,
    `,${JSON.stringify(more).slice(1, -1)}`,
  );
  const bytes = await writeArchive(files.set('config.json', new TextEncoder().encode(config)));
  const { blockers } = await checkKerasModel(bytes);
  expect(blockers).toEqual([
    { className: 'BatchNormalization', layers: ['bn'], reason: expect.stringMatching(reason) as string },
  ]);
  await expect(loadKerasModel(bytes)).rejects.toThrow(reason);
});
