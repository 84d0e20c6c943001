/** @file Crafted `.keras` archives. */
import { hostileName, hostilePath, toJson } from '../hostile.js';
import { mutateJson } from '../mutate-json.js';
import type { Random } from '../random.js';
import { type ZipEntry, writeZip } from './zip.js';
import { craftHdf5 } from './hdf5.js';
import { makeTopology } from './topology.js';

const encode = (text: string) => new TextEncoder().encode(text);

const METADATA = { keras_version: '3.15.1', date_saved: '2026-01-01@00:00:00' };

/** Zeros, which deflate packs a thousandfold. */
const zeros = (random: Random) => new Uint8Array(random.pick([1e5, 1e6, 1e7, 1.5e8]));

/** Entries of an archive that is like those of Keras. */
async function entriesOf(random: Random): Promise<{ entries: ZipEntry[]; recipe: string }> {
  const { model, recipe } = makeTopology(random);
  const config = encode(toJson(model));
  const weights = (await craftHdf5(random)).bytes;
  return {
    recipe,
    entries: [
      { name: 'metadata.json', content: encode(JSON.stringify(METADATA)) },
      { name: 'config.json', content: random.once(2) ? config : mutateJson(config, random).bytes },
      { name: 'model.weights.h5', content: weights },
    ].map((entry) => ({ ...entry, isDeflated: random.once(2) })),
  };
}

export async function craftArchive(random: Random): Promise<{ bytes: Uint8Array; recipe: string }> {
  const { entries, recipe } = await entriesOf(random);
  const at = random.below(entries.length);
  const entry = entries[at]!;
  const change = (changed: Partial<ZipEntry>) => entries.splice(at, 1, { ...entry, ...changed });
  let count: number | undefined;
  const [how, apply] = random.pick<[string, () => void]>([
    ['as it is', () => undefined],
    ['as it is', () => undefined],
    [
      'many entries',
      () => {
        for (let i = random.count(65_000); i > 0; i--)
          entries.push({ name: `e${i}`, content: new Uint8Array(0) });
      },
    ],
    ['an entry twice', () => entries.push({ ...entry })],
    ['an entry many times', () => entries.push(...Array.from({ length: random.count(300) }, () => entry))],
    ['a bomb', () => change({ content: zeros(random), isDeflated: true })],
    [
      'a bomb that says it is small',
      () => change({ content: zeros(random), isDeflated: true, says: { size: 100 } }),
    ],
    [
      'other sizes',
      () =>
        change({
          says: {
            size: random.pick([0, 1, 2 ** 31, 2 ** 32 - 1]),
            packedSize: random.pick([0, 1, 2 ** 31, entry.content.length]),
          },
        }),
    ],
    [
      'zip64',
      () =>
        change({
          size64: random.pick([0n, BigInt(entry.content.length), 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n]),
        }),
    ],
    ['another checksum', () => change({ says: { checksum: random.below(2 ** 31) } })],
    ['another method', () => change({ says: { method: random.pick([0, 1, 8, 9, 12, 14, 93, 99, 65_535]) } })],
    ['other flags', () => change({ says: { flags: random.pick([1, 8, 9, 0x40, 0x2000, 0xffff]) } })],
    [
      'entries at one place',
      () => entries.splice(0, entries.length, ...entries.map((one) => ({ ...one, says: { offset: 0 } }))),
    ],
    ['another name', () => change({ name: random.once(2) ? hostileName(random) : hostilePath(random) })],
    ['bytes as a name', () => change({ name: random.bytes(random.count(300)) })],
    ['hostile names besides', () => entries.unshift({ name: hostilePath(random), content: encode('x') })],
    ['another count', () => (count = random.pick([0, 1, 1000, 65_535]))],
    [
      'another version',
      () =>
        change({ name: 'metadata.json', content: encode(toJson({ keras_version: hostileName(random) })) }),
    ],
  ]);
  apply();
  return { bytes: writeZip(entries, count), recipe: `an archive, ${how}, of ${recipe}` };
}
