/** @file How HDF5 files are read: each object once, and no number that is not in the file. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterEach, expect, test, vi } from 'vitest';
import { Storage } from '../../src/data/hdf5/storage.js';
import { signObject } from '../data/hdf5-patches.js';

afterEach(() => {
  vi.restoreAllMocks();
});

async function fileOfLayers(count: number): Promise<Uint8Array> {
  const model = tf.sequential();
  for (let i = 0; i < count; i++) layerBatchNormalization(model, i === 0 ? { inputShape: [2] } : {});
  return saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' });
}

/** How often an object of the file is read while a model of so many layers is loaded. */
async function readsFor(layers: number): Promise<number> {
  const bytes = await fileOfLayers(layers);
  const read = vi.spyOn(Storage.prototype, 'takeEntry');
  await loadKerasModel(bytes);
  return read.mock.calls.length;
}

test('reading a model of ten times the layers reads ten times the objects', async () => {
  const few = await readsFor(4);
  vi.restoreAllMocks();
  // Each layer has its group, one within, and four weights.
  expect(few).toBeLessThan(4 * 10);
  expect(await readsFor(40)).toBeLessThan(40 * 10);
});

test('a file within a larger buffer is read from its own beginning', async () => {
  const bytes = await fileOfLayers(1);
  const around = new Uint8Array(bytes.length + 24);
  around.set(bytes, 16);
  const model = await loadKerasModel(around.subarray(16, 16 + bytes.length));
  expect(model.layers.at(-1)?.weights).toHaveLength(4);
});

test('a model after a user block loads, whatever that holds', async () => {
  const bytes = await fileOfLayers(1);
  const before = new Uint8Array(1024);
  before.set(new TextEncoder().encode('{ "note": 1 }'));
  const model = await loadKerasModel(Uint8Array.from([...before, ...bytes]));
  expect(model.layers.at(-1)?.weights).toHaveLength(4);
});

test('HDF5 within an archive is no HDF5 after a user block', async () => {
  const bytes = new Uint8Array(4096);
  bytes.set([0x50, 0x4b, 3, 4]);
  bytes.set(await fileOfLayers(1).then((file) => file.subarray(0, 3000)), 512);
  await expect(loadKerasModel(bytes)).rejects.toThrow(/archive/);
});

test('weights that were never written are refused', async () => {
  const model = tf.sequential();
  layerBatchNormalization(model, {
    name: 'bn',
    inputShape: [2],
    weights: [
      [1.25, 7.5],
      [3, 4],
      [5, 6],
      [7, 8],
    ],
  });
  const bytes = await saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' });
  const gamma = Buffer.from(Float32Array.of(1.25, 7.5).buffer);
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const address = Buffer.alloc(8);
  address.writeBigUInt64LE(BigInt(stored.indexOf(gamma)));
  // HDF5's word for a place that does not exist.
  const at = stored.indexOf(address);
  stored.fill(0xff, at, at + 8);
  signObject(stored, at);
  await expect(loadKerasModel(stored)).rejects.toThrow(/^The numbers at '.*gamma.*' were never written/);
});
