/** @file Vocabularies in files of their own, as archives of Keras have them: how much of them is read. */
import { deflateRawSync } from 'node:zlib';
import { ValueError } from 'evenkeel';
import { readArchive } from 'evenkeel/data';
import { checkKerasModel } from 'evenkeel/keras';
import { expect, test } from 'vitest';
import { checksumOf, zipOf } from '../data/zip.js';
import { modelNamed, readModel } from './golden.js';

const text = new TextEncoder();

const CONFIG = {
  class_name: 'Sequential',
  config: {
    name: 'm',
    build_input_shape: [null, 1],
    layers: [{ class_name: 'StringLookup', config: { name: 'words' } }],
  },
};

async function modelWith(vocabulary: Uint8Array): Promise<Uint8Array> {
  const golden = readModel(modelNamed('keras3-mlp.keras'));
  const weights = (await readArchive(golden, ['model.weights.h5'])).get('model.weights.h5')!;
  return zipOf([
    { name: 'config.json', stored: text.encode(JSON.stringify(CONFIG)) },
    { name: 'model.weights.h5', stored: weights },
    {
      name: 'assets/layers/string_lookup/vocabulary.txt',
      stored: deflateRawSync(vocabulary),
      says: { method: 8, size: vocabulary.length, checksum: checksumOf(vocabulary) },
    },
  ]);
}

test('one of very many words is refused, and read where the limits allow', { timeout: 20_000 }, async () => {
  const model = await modelWith(text.encode('a\n'.repeat(2_000_000)));
  const error: unknown = await checkKerasModel(model).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ValueError);
  expect((error as ValueError).message).toMatch(
    /^assets\/layers\/string_lookup\/vocabulary\.txt: takes 20\d+ steps, and at most \d+ are accepted.*limits: \{ steps: … \}/,
  );
  expect((await checkKerasModel(model, { limits: { steps: 3_000_000 } })).format).toBe('keras');
});

test('one that unpacks to far more than the archive is refused', async () => {
  await expect(checkKerasModel(await modelWith(new Uint8Array(2 ** 27)))).rejects.toThrow(
    // With the other files of the archive.
    /vocabulary\.txt': takes 1342\d{5} bytes of memory, and at most/,
  );
});

test('one that is not UTF-8 is refused', async () => {
  await expect(checkKerasModel(await modelWith(Uint8Array.of(0x61, 0xe9, 0x0a)))).rejects.toThrow(
    /vocabulary\.txt is not UTF-8/,
  );
});

test('empty lines take no time, in any number', { timeout: 5000 }, async () => {
  const model = await modelWith(text.encode(`a${'\n'.repeat(300_000)}b${'\n'.repeat(300_000)}`));
  expect((await checkKerasModel(model)).layers).toHaveProperty('StringLookup', 1);
});
