/** @file Models in HDF5 (`.h5`), and weights in HDF5 alone. */
import { ValueError } from '../../text/value-error.js';
import { type Hdf5File, numbersIn, readHdf5 } from '../hdf5-reader.js';
import { expectObject, parseJson } from '../json.js';
import type { LayerConfig } from '../layer-config.js';
import { type LayerNode, type Placed, rowsOf, treeOf, weightsInRow } from '../weight-order.js';
import { hasFolders, weightsInFolders } from './archive.js';
import {
  type OpenedModel,
  type OpenedWeights,
  type StoredWeight,
  dialectOf,
  fileOrder,
  savedNameOf,
} from './opened-model.js';
import { show } from '../../text/show.js';

/** Legacy HDF5 of Keras 2 and 3: the configuration is an attribute, and weights lie by layers, in a row. */
export function openHdf5(bytes: Uint8Array): OpenedModel {
  const file = readHdf5(bytes);
  const text = file.text('', 'model_config');
  if (text === null) {
    throw new ValueError(
      'The HDF5 file has no model_config: it holds weights alone, or is of another program. Give it to a model by ' +
        'loadKerasWeights(model, source), give it beside the model.json of to_json, or save the whole model in Keras, ' +
        'with model.save.',
    );
  }
  const version = versionOf(file);
  const training = file.text('', 'training_config');
  return {
    ...openHdf5Weights(bytes, file),
    training: training === null ? null : readTraining(file, training),
    config: parseJson(text, 'The model_config'),
    dialect: dialectOf(version),
    version,
  };
}

function readTraining(file: Hdf5File, text: string): OpenedModel['training'] {
  const { optimizer_config: optimizer = null, ...config } = expectObject(
    parseJson(text, 'The training_config'),
    'The training_config',
  );
  const names = file.texts('optimizer_weights', 'weight_names') ?? [];
  return {
    config: { ...config, optimizer },
    optimizerWeights: () => names.map((name) => file.array(`optimizer_weights/${name}`)),
  };
}

const versionOf = (file: Hdf5File): string =>
  file.text('', 'keras_version') ?? file.text('model_weights', 'keras_version') ?? '';

/** The weights of a whole model, of `save_weights`, and of `.weights.h5`. */
export function openHdf5Weights(bytes: Uint8Array, file: Hdf5File = readHdf5(bytes)): OpenedWeights {
  const capacity = numbersIn(bytes.length);
  const root = file.has('model_weights') ? 'model_weights' : '';
  if (root === '' && file.texts('', 'layer_names') === null && hasFolders(file)) {
    return weightsInFolders(file, capacity, { withRest: true });
  }
  const version = versionOf(file);
  if (version.startsWith('1')) {
    throw new ValueError(`The file is of Keras ${show(version)}. Load it in Keras 2, and save it again.`);
  }
  const groups = readGroups(file, root);
  return {
    capacity,
    hasNames: true,
    shapeOf: (path) => shapeInHdf5(file, groups, path),
    *match(model, by) {
      const left = new Map(groups);
      const nodes = treeOf(model, fileOrder).children.filter((node) => weightsInRow(node).length > 0);
      for (const node of nodes) {
        const name = by === 'name' ? savedNameOf(node.layer) : (left.keys().next().value ?? '');
        const paths = left.get(name) ?? [];
        left.delete(name);
        const weights = inOrderOf(paths, node);
        yield { name, path: node.layer.name, weights, stored: paths.map(readerOf(file)) };
      }
      for (const [name, paths] of left)
        yield { name, path: '', weights: [], stored: paths.map(readerOf(file)) };
    },
  };
}

const readerOf =
  (file: Hdf5File) =>
  (path: string): StoredWeight =>
  () =>
    file.array(path);

const shortName = (path: string) => path.replace(/^.*\//, '').replace(/:\d+$/, '');

/**
 * The weights of a layer in the order of the file. Keras lists those first that are trained; which were, when the file
 * was written, the names in it tell.
 */
function inOrderOf(paths: readonly string[], node: LayerNode): readonly Placed[] {
  const names = paths.map(shortName).join();
  const rows = rowsOf(node);
  const found = rows.find(
    (row) => row.map(({ variable }) => shortName(variable.originalName)).join() === names,
  );
  return found ?? rows[0]!;
}

/** The paths of the weights of every layer that has any. */
function readGroups(file: Hdf5File, root: string): Map<string, string[]> {
  // Without weights, there may be no names.
  const names = file.texts(root, 'layer_names') ?? [];
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const paths = file.texts(`${root}/${name}`, 'weight_names')?.map((weight) => `${root}/${name}/${weight}`);
    if (paths && paths.length > 0) groups.set(name, paths);
  }
  return groups;
}
/** By its name: a layer within others shares a group with them. */
function shapeInHdf5(
  file: Hdf5File,
  groups: ReadonlyMap<string, readonly string[]>,
  [, top, ...inner]: readonly LayerConfig[],
): readonly number[] | null {
  const layer = inner.at(-1) ?? top;
  const paths = groups.get(top?.savedName ?? '')?.filter((path) => /\/moving_mean(:0)?$/.test(path)) ?? [];
  const own = paths.filter((path) => path.split('/').at(-2) === layer?.savedName);
  const path = own.length === 1 ? own[0] : paths.length === 1 ? paths[0] : undefined;
  return path === undefined ? null : file.array(path).shape;
}
