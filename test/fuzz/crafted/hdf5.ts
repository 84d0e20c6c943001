/** @file Crafted HDF5 files: written by h5wasm with hostile names, shapes and filters. */
import { ready, File, type Group } from 'h5wasm';
import { hostileName as anyName, toJson } from '../hostile.js';
import { mutateBytes } from '../mutate-bytes.js';
import type { Random } from '../random.js';
import { makeTopology, plainTopology } from './topology.js';

/** The C library never ends when it is given a name of 70,000 characters. */
const LONGEST_NAME = 1000;

const hostileName = (random: Random) => anyName(random).slice(0, LONGEST_NAME);

const PATH = '/crafted.h5';

/** What the C library refuses to write is left out. */
function attempt(write: () => unknown): void {
  try {
    write();
  } catch {
    // As above.
  }
}

async function write(fill: (file: Group) => void): Promise<Uint8Array> {
  const { FS } = await ready;
  const { now } = Date;
  // The library writes at what second each object was made, and a seed makes the same file always.
  Date.now = () => 0;
  try {
    const file = new File(PATH, 'w');
    try {
      fill(file);
    } finally {
      file.close();
    }
  } finally {
    Date.now = now;
  }
  const bytes = FS.readFile(PATH).slice();
  FS.unlink(PATH);
  return bytes;
}

const TYPES = ['<f4', '<f8', '<f2', '>f4', '<i4', '<i8', '<u1', '<b'];

function writeDataset(group: Group, name: string, shape: readonly number[], random: Random): void {
  const size = shape.reduce((product, one) => product * one, 1);
  const data = Float32Array.from({ length: size }, (_, i) => 1 + (i % 10) / 10);
  const chunks = shape.map((one) => Math.max(1, random.once(2) ? one : Math.ceil(one / 2)));
  attempt(() =>
    random.once(2)
      ? group.create_dataset({
          name,
          data,
          shape: [...shape],
          dtype: random.once(3) ? random.pick(TYPES) : '<f4',
        })
      : group.create_dataset({
          name,
          data,
          shape: [...shape],
          dtype: '<f4',
          chunks,
          maxshape: shape.map((one) => (random.once(3) ? null : one)),
          ...(random.once(2) ? { compression: 'gzip' as const, compression_opts: random.integer(0, 9) } : {}),
        }),
  );
}

/** A list of names, as texts of one length, of any length, or of numbers. */
function writeNames(group: Group, attribute: string, names: readonly string[], random: Random): void {
  attempt(() => {
    if (names.length === 0) group.create_attribute(attribute, new Float64Array(0), [0], '<f8');
    else
      group.create_attribute(
        attribute,
        [...names],
        [names.length],
        random.once(3) ? `S${random.count(100)}` : 'S',
      );
  });
}

/** As Keras 2 writes weights: a group for each layer, which lists its weights. */
function writeLayers(root: Group, random: Random): void {
  const weights: { name: string; shape: unknown }[] = random.once(3)
    ? Array.from({ length: random.count(30) }, () => ({
        name: `${hostileName(random)}/${hostileName(random)}`,
        shape: [2],
      }))
    : plainTopology().weights;
  const layers = new Map<string, typeof weights>();
  for (const weight of weights) {
    const layer = weight.name.split('/')[0]!;
    layers.set(layer, [...(layers.get(layer) ?? []), weight]);
  }
  const names = [...layers.keys()];
  writeNames(root, 'layer_names', random.once(5) ? [...names, hostileName(random)] : names, random);
  for (const [name, held] of layers) {
    attempt(() => {
      const group = root.create_group(name);
      const full = held.map((weight) => `${weight.name}:0`);
      writeNames(group, 'weight_names', full, random);
      for (const [i, weight] of held.entries()) {
        attempt(() => {
          // No link has these names.
          const parts = full[i]!.split('/', 30).map((part) => (/^\.{0,2}$/.test(part) ? `_${part}` : part));
          let inner = group;
          for (const part of parts.slice(0, -1))
            inner = (inner.get(part) as Group | null) ?? inner.create_group(part);
          const shape = weight.shape as number[];
          writeDataset(
            inner,
            parts.at(-1)!,
            random.once(6) ? [random.count(5000), random.below(4)] : shape,
            random,
          );
        });
      }
    });
  }
}

/** As Keras 3 does: groups by number, each with its variables. */
function writeVariables(root: Group, random: Random): void {
  const layers = root.create_group('layers');
  for (const [name, count] of [
    ['dense', 2],
    ['batch_normalization', 4],
  ] as const) {
    attempt(() => {
      const vars = layers.create_group(random.once(8) ? hostileName(random) : name).create_group('vars');
      for (let i = 0; i < count; i++) {
        writeDataset(vars, String(i), name === 'dense' && i === 0 ? [2, 2] : [2], random);
      }
    });
  }
}

/** Groups within groups, and links that lead back. */
function writeDepths(root: Group, random: Random): void {
  let group = root;
  // The C library goes each path from the root, which takes the cube of the depth.
  for (let depth = random.count(120); depth > 0; depth--) {
    const parent = group;
    attempt(() => {
      group = parent.create_group(random.once(20) ? hostileName(random).slice(0, 60) : 'g');
      if (random.once(10)) group.create_soft_link('/', 'again');
      if (random.once(20)) group.create_external_link('/etc/hostname', '/', 'outside');
    });
  }
  writeDataset(group, '0', [2], random);
}

export async function craftHdf5(random: Random): Promise<{ bytes: Uint8Array; recipe: string }> {
  const topology = random.once(2) ? plainTopology() : makeTopology(random);
  const written = await write((file) => {
    if (random.once(4)) {
      writeVariables(file, random);
      return;
    }
    const config = toJson(topology.model);
    attempt(() => {
      // Longer ones are written by Keras in another way, which the C library refuses here.
      file.create_attribute('model_config', config, [], 'S');
    });
    attempt(() => {
      file.create_attribute('keras_version', random.once(10) ? hostileName(random) : '2.15.0', [], 'S');
      file.create_attribute('backend', 'tensorflow', [], 'S');
    });
    for (let i = random.once(20) ? random.count(400) : 0; i > 0; i--) {
      attempt(() => {
        file.create_attribute(`a${i}`, 'x', [], 'S');
      });
    }
    if (random.once(10)) writeDepths(file, random);
    attempt(() => {
      writeLayers(random.once(8) ? file : file.create_group('model_weights'), random);
    });
  });
  const recipe = `HDF5 of ${topology.recipe}`;
  if (random.once(2)) return { bytes: written, recipe };
  const mutated = mutateBytes(written, random);
  return { bytes: mutated.bytes, recipe: `${recipe} with ${mutated.recipe}` };
}
