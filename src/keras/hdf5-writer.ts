/** @file Writes HDF5, by h5wasm, which is loaded when a model is saved: it is the C library, of some megabytes. */
import type { Group } from 'h5wasm';
import { reasonOf } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';

/** What is written: groups by their names, with their attributes and datasets. */
export interface Hdf5Group {
  attributes?: Record<string, string | readonly string[]>;
  groups?: Record<string, Hdf5Group>;
  datasets?: Record<string, Hdf5Dataset>;
}

export interface Hdf5Dataset {
  shape: readonly number[];
  values: Float32Array;
}

/** HDF5 holds at most 64 KiB of attributes beside an object; a text in a list takes 16 bytes there. */
const TEXTS_PER_ATTRIBUTE = 4000;

export async function writeHdf5(root: Hdf5Group): Promise<Uint8Array> {
  const { File, ready } = await loadLibrary();
  const { FS } = await ready;
  // In h5wasm's own file system, in memory.
  const path = `/${crypto.randomUUID()}.h5`;
  try {
    const file = new File(path, 'w');
    try {
      writeGroup(file, root);
    } finally {
      file.close();
    }
    return FS.readFile(path).slice();
  } finally {
    if (FS.analyzePath(path, false).exists) FS.unlink(path);
  }
}

/** @throws ValueError where no such package is found, as in a page whose import map leaves it out */
async function loadLibrary() {
  try {
    return await import('h5wasm');
  } catch (error) {
    throw new ValueError(
      'Saving as .h5 or .keras takes the package h5wasm, which did not load: ' +
        `${reasonOf(error)}. Install it, or add it to the page or its import map.`,
      { cause: error },
    );
  }
}

function writeGroup(target: Group, { attributes = {}, groups = {}, datasets = {} }: Hdf5Group): void {
  for (const [name, value] of Object.entries(attributes)) writeAttribute(target, name, value);
  for (const [name, { shape, values }] of Object.entries(datasets)) {
    target.create_dataset({ name, data: values, shape: [...shape], dtype: '<f' });
  }
  for (const [name, group] of Object.entries(groups)) writeGroup(target.create_group(name), group);
}

/** Long lists are split over `name0`, `name1`, …, as Keras does and reads. */
function writeAttribute(target: Group, name: string, value: string | readonly string[]): void {
  if (typeof value === 'string') {
    target.create_attribute(name, value, [], 'S');
    return;
  }
  const parts = Math.ceil(value.length / TEXTS_PER_ATTRIBUTE);
  for (let i = 0; i < parts; i++) {
    const part = value.slice(i * TEXTS_PER_ATTRIBUTE, (i + 1) * TEXTS_PER_ATTRIBUTE);
    target.create_attribute(parts > 1 ? `${name}${i}` : name, part, [part.length], 'S');
  }
}
