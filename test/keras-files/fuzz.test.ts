/**
 * @file Mutated files of every golden model: each gives a clear error or a model, in time, and leaves nothing in memory.
 * EVENKEEL_FUZZ sets how many mutations there are of each file.
 */
import * as tf from '@tensorflow/tfjs';
import { ValueError } from 'evenkeel';
import { loadKerasModel } from 'evenkeel/keras';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { MODELS, readModel } from './golden.js';

/** Of each file. */
const MUTATIONS = Number(process.env.EVENKEEL_FUZZ ?? 3);
/** No mutation may take longer than a hundred times what a file takes. */
const SLOWEST_MS = 5000;

beforeAll(async () => {
  await tf.setBackend('cpu');
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

type Random = (below: number) => number;

const MUTATORS: Record<string, (bytes: Uint8Array, random: Random) => Uint8Array> = {
  'cut off': (bytes, random) => bytes.slice(0, random(bytes.length)),
  'with flipped bits': (bytes, random) => {
    for (let i = 0; i <= random(8); i++) bytes[random(bytes.length)]! ^= 1 << random(8);
    return bytes;
  },
  'with other bytes at its beginning': (bytes, random) => {
    for (let i = 0; i <= random(8); i++) bytes[random(Math.min(bytes.length, 3000))] = random(256);
    return bytes;
  },
  'with a piece over another': (bytes, random) => {
    const length = 8 * (1 + random(64));
    const [from, to] = [random(bytes.length - length), random(bytes.length - length)];
    return bytes.copyWithin(to, from, from + length);
  },
  'with huge numbers': (bytes, random) => {
    const at = 8 * random(Math.floor(bytes.length / 8) - 1);
    new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(at, 2n ** BigInt(random(64)), true);
    return bytes;
  },
  'with two halves swapped': (bytes, random) => {
    const middle = random(bytes.length);
    return Uint8Array.from([...bytes.subarray(middle), ...bytes.subarray(0, middle)]);
  },
};

const NAMES = ['config.json', 'metadata.json', 'model.weights.h5'];

/** A zip's checksum would catch everything: its files are mutated, and packed again. */
async function mutateInside(bytes: Uint8Array, mutate: (content: Uint8Array) => Uint8Array, random: Random) {
  const files = new Map(await readArchive(bytes, NAMES));
  const name = NAMES[random(NAMES.length)]!;
  files.set(name, mutate(files.get(name)!.slice()));
  return writeArchive(files);
}

/** Values of a configuration replaced by others. */
function mutateConfig(content: Uint8Array, random: Random): Uint8Array {
  const values = ['-1', '0', '1e9', '1e300', 'null', '[]', '{}', '""', '"<b>"', 'NaN', 'true', '[[[]]]'];
  const text = new TextDecoder().decode(content);
  const found = [...text.matchAll(/(?<=: )(?:"[^"]*"|[\d.]+|true|false|null|\[[^[\]]*\])/g)];
  const { index, 0: old } = found[random(found.length)]!;
  return new TextEncoder().encode(
    text.slice(0, index) + values[random(values.length)]! + text.slice(index + old.length),
  );
}

describe.each(MODELS.map((golden, i) => ({ ...golden, seed: i })))('$file', (golden) => {
  test('mutated, is refused or loads', async () => {
    const original = readModel(golden);
    const generator = xoroshiro128plus(golden.seed);
    const random: Random = (below) => uniformInt(generator, 0, Math.max(0, below - 1));
    const mutators = Object.entries(MUTATORS);
    for (let i = 0; i < MUTATIONS; i++) {
      const [name, mutate] = mutators[random(mutators.length)]!;
      let bytes: Uint8Array;
      if (golden.file.endsWith('.h5')) bytes = mutate(original.slice(), random);
      else if (random(2) === 0)
        bytes = await mutateInside(original, (content) => mutate(content, random), random);
      else {
        const files = new Map(await readArchive(original, NAMES));
        bytes = await writeArchive(files.set('config.json', mutateConfig(files.get('config.json')!, random)));
      }
      const before = tf.memory().numTensors;
      const start = performance.now();
      const outcome = await loadKerasModel(bytes).catch((error: unknown) => error);
      const what = `mutation ${i}, ${name}: ${outcome instanceof Error ? (outcome.stack ?? '') : ''}`;
      expect(performance.now() - start, what).toBeLessThan(SLOWEST_MS);
      if (outcome instanceof Error) {
        expect(outcome, what).toBeInstanceOf(ValueError);
        expect(outcome.message.length, what).toBeGreaterThan(20);
        expect(tf.memory().numTensors, what).toBe(before);
      } else {
        // What loads has weights, all of them.
        const model = outcome as tf.LayersModel;
        expect(model.weights.every((weight) => weight.read().size >= 0)).toBe(true);
        tf.dispose(model.weights.map((weight) => weight.read()));
      }
    }
  });
});

test('after all that, whole files load', async () => {
  for (const golden of MODELS.slice(0, 4)) {
    expect((await loadKerasModel(readModel(golden))).weights.length).toBeGreaterThan(0);
  }
});
