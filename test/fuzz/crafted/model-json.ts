/** @file Crafted `model.json` with its shards. */
import type { NamedFile } from 'evenkeel/keras';
import { hostileName, hostileNumber, hostilePath, hostileValue, toJson } from '../hostile.js';
import type { Random } from '../random.js';
import { type Topology, makeTopology, plainTopology } from './topology.js';

interface Crafted {
  readonly recipe: string;
  readonly files: NamedFile[];
}

type Spec = Topology['weights'][number];

/** More is not written: a file may say what it likes, and does not hold it. */
const MOST_NUMBERS = 50_000;

const sizeOf = (shape: unknown): number =>
  Array.isArray(shape) ? shape.reduce<number>((product, size) => product * Number(size), 1) : 0;

/** Numbers from 1 to 2, of which no model makes NaN by itself. */
function shardOf(weights: readonly Spec[]): Uint8Array {
  const count = weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const known = Number.isInteger(count) && count >= 0 ? Math.min(count, MOST_NUMBERS) : 4;
  return new Uint8Array(Float32Array.from({ length: known }, (_, i) => 1 + (i % 10) / 10).buffer);
}

function withShards({ recipe, model }: Topology, manifest: unknown, shards: readonly NamedFile[]): Crafted {
  const json = {
    format: 'layers-model',
    modelTopology: { keras_version: '2.15.0', backend: 'tensorflow', model_config: model },
    weightsManifest: manifest,
  };
  return {
    recipe,
    files: [{ name: 'model.json', bytes: new TextEncoder().encode(toJson(json)) }, ...shards],
  };
}

export function craftModelJson(random: Random): Crafted {
  if (random.once(3)) return craftManifest(random);
  const topology = makeTopology(random);
  const shard = { name: 'weights.bin', bytes: shardOf(topology.weights) };
  return withShards(topology, [{ paths: [shard.name], weights: topology.weights }], [shard]);
}

const TYPES = [
  'float32',
  'int32',
  'bool',
  'string',
  'complex64',
  'float16',
  'float64',
  'uint8',
  'uint16',
  'int64',
  '',
  5,
  null,
];

const quantization = (random: Random) => ({
  dtype: random.pick(['uint8', 'uint16', 'float16', 'float32', 'int8', hostileValue(random)]),
  scale: random.once(2) ? 0.1 : hostileNumber(random),
  min: random.once(2) ? -1 : hostileNumber(random),
  original_dtype: random.pick(['float32', 'int32', 'bool', undefined, hostileName(random)]),
});

/** A plain model whose list of weights is not. */
function craftManifest(random: Random): Crafted {
  const topology = plainTopology();
  const { weights } = topology;
  const shard = { name: 'weights.bin', bytes: shardOf(weights) };
  let paths: unknown = [shard.name];
  const [recipe, change] = random.pick<[string, () => void]>([
    ['a path', () => (paths = [hostilePath(random)])],
    ['paths', () => (paths = Array.from({ length: random.count(20) }, () => hostilePath(random)))],
    ['no paths', () => (paths = hostileValue(random))],
    [
      'a path again and again',
      () => (paths = Array.from({ length: random.count(20_000) }, () => shard.name)),
    ],
    ['a hostile name of the shard', () => (paths = [(shard.name = hostileName(random))])],
    ['types', () => (random.pick(weights).dtype = random.pick(TYPES))],
    ['quantization', () => (random.pick(weights).quantization = quantization(random))],
    [
      'quantization of all',
      () => {
        const one = { ...quantization(random), dtype: random.pick(['uint8', 'uint16', 'float16']) };
        for (const weight of weights) weight.quantization = one;
        shard.bytes = random.bytes(random.pick([14, 28, 56]));
      },
    ],
    [
      'shapes',
      () => (random.pick(weights).shape = random.once(2) ? [hostileNumber(random)] : hostileValue(random)),
    ],
    [
      'many dimensions',
      () => (random.pick(weights).shape = Array.from({ length: random.count(20_000) }, () => 1)),
    ],
    ['names', () => (random.pick(weights).name = hostileName(random))],
    ['a weight twice', () => weights.push({ ...random.pick(weights) })],
    [
      'many weights',
      () =>
        weights.push(
          ...Array.from({ length: random.count(20_000) }, (_, i) => ({
            name: `w${i}`,
            shape: [0],
            dtype: 'float32',
          })),
        ),
    ],
    ['a short shard', () => (shard.bytes = shard.bytes.slice(0, random.below(shard.bytes.length)))],
    ['a long shard', () => (shard.bytes = new Uint8Array(random.count(100_000)))],
  ]);
  change();
  const isRepeated = recipe === 'a path again and again' || recipe.startsWith('many');
  const groups = Array.from({ length: isRepeated || !random.once(10) ? 1 : random.count(1000) }, () => ({
    paths,
    weights,
  }));
  const manifest = random.once(20) ? hostileValue(random) : groups;
  return withShards({ ...topology, recipe: `a list of weights: ${recipe}` }, manifest, [shard]);
}
