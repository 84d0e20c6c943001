/** @file Models in HDF5 (`.h5`), and weights in HDF5 alone. */
import type { Budget } from '../../data/limits.js';
import { ValueError } from '../../text/value-error.js';
import { type Hdf5File, readHdf5 } from '../../data/hdf5/hdf5.js';
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
  numbersIn,
  savedNameOf,
} from './opened-model.js';
import { show } from '../../text/show.js';

/** Legacy HDF5 of Keras 2 and 3: the configuration is an attribute, and weights lie by layers, in a row. */
export function openHdf5(bytes: Uint8Array, budget: Budget): OpenedModel {
  const file = readHdf5(bytes, budget);
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
    ...openHdf5Weights(bytes, budget, file),
    training: training === null ? null : readTraining(file, training, budget),
    config: parseJson(text, 'The model_config', budget),
    dialect: dialectOf(version),
    version,
  };
}

function readTraining(file: Hdf5File, text: string, budget: Budget): OpenedModel['training'] {
  const { optimizer_config: optimizer = null, ...config } = expectObject(
    parseJson(text, 'The training_config', budget),
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
export function openHdf5Weights(
  bytes: Uint8Array,
  budget: Budget,
  file: Hdf5File = readHdf5(bytes, budget),
): OpenedWeights {
  const capacity = numbersIn(bytes.length);
  const root = file.has('model_weights') ? 'model_weights' : '';
  if (root === '' && file.texts('', 'layer_names') === null && hasFolders(file)) {
    return weightsInFolders(file, capacity, budget, { withRest: true });
  }
  const version = versionOf(file);
  if (version.startsWith('1')) {
    throw new ValueError(`The file is of Keras ${show(version)}. Load it in Keras 2, and save it again.`);
  }
  const pathsOf = groupsOf(file, root);
  return {
    capacity,
    hasNames: true,
    shapeOf: shapesIn(file, pathsOf),
    *match(model, by) {
      // Without weights, there may be no names.
      const left = new Set(file.texts(root, 'layer_names') ?? []);
      const takeFirst = (): string => {
        for (const name of left) {
          if (pathsOf(name).length > 0) return name;
          left.delete(name);
        }
        return '';
      };
      const nodes = treeOf(model, fileOrder).children.filter((node) => weightsInRow(node).length > 0);
      for (const node of nodes) {
        const name = by === 'name' ? savedNameOf(node.layer) : takeFirst();
        const paths = left.has(name) ? pathsOf(name) : [];
        left.delete(name);
        const weights = inOrderOf(paths, node);
        yield { name, path: node.layer.name, weights, stored: paths.map(readerOf(file)) };
      }
      for (let name = takeFirst(); name !== ''; name = takeFirst()) {
        yield { name, path: '', weights: [], stored: pathsOf(name).map(readerOf(file)) };
        left.delete(name);
      }
    },
  };
}

/** The paths of the weights of a layer, read once, when they are asked for: there are hundreds. */
function groupsOf(file: Hdf5File, root: string): (name: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (name) => {
    const paths =
      known.get(name) ??
      (file.texts(`${root}/${name}`, 'weight_names') ?? []).map((weight) => `${root}/${name}/${weight}`);
    known.set(name, paths);
    return paths;
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

/**
 * Finds the shape of the moving mean of a layer, by its name: a layer within others shares a group with them.
 *
 * @param pathsOf the weights in the group of a layer of the model
 */
function shapesIn(
  file: Hdf5File,
  pathsOf: (name: string) => readonly string[],
): (path: readonly LayerConfig[]) => readonly number[] | null {
  /** The moving means in a group: all, and by the layers that they are of. */
  const known = new Map<string, { all: readonly string[]; byLayer: Map<string, string[]> }>();
  const meansIn = (group: string) => {
    const found = known.get(group);
    if (found) return found;
    const all = pathsOf(group).filter((path) => /\/moving_mean(:0)?$/.test(path));
    const byLayer = new Map<string, string[]>();
    for (const path of all) {
      const layer = path.split('/').at(-2)!;
      const others = byLayer.get(layer);
      if (others) others.push(path);
      else byLayer.set(layer, [path]);
    }
    const made = { all, byLayer };
    known.set(group, made);
    return made;
  };
  return ([, top, ...inner]) => {
    const { all, byLayer } = meansIn(top?.savedName ?? '');
    const own = byLayer.get((inner.at(-1) ?? top)?.savedName ?? '') ?? [];
    const path = own.length === 1 ? own[0] : all.length === 1 ? all[0] : undefined;
    return path === undefined ? null : file.shape(path);
  };
}
