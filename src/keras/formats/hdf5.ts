/** @file Models in HDF5 (`.h5`). */
import { ValueError } from '../../text/value-error.js';
import { type Hdf5File, numbersIn, readHdf5 } from '../hdf5-reader.js';
import { parseJson } from '../json.js';
import type { LayerConfig } from '../layer-config.js';
import { setWeight } from '../set-weights.js';
import { treeOf, weightsInRow } from '../weight-order.js';
import { type OpenedModel, dialectOf, fileOrder, refuseRest } from './opened-model.js';
import { show } from '../../text/show.js';

/** Legacy HDF5 of Keras 2 and 3: the configuration is an attribute, and weights lie by layers, in a row. */
export function openHdf5(bytes: Uint8Array): OpenedModel {
  const file = readHdf5(bytes);
  const text = file.text('', 'model_config');
  if (text === null) {
    throw new ValueError(
      'The HDF5 file has no model_config: it holds weights alone, or is of another program. Save the whole model, ' +
        'with model.save in Keras.',
    );
  }
  const version = file.text('', 'keras_version') ?? file.text('model_weights', 'keras_version') ?? '';
  if (version.startsWith('1')) {
    throw new ValueError(`The file is of Keras ${show(version)}. Load it in Keras 2, and save it again.`);
  }
  const groups = readGroups(file);
  return {
    config: parseJson(text, 'The model_config'),
    dialect: dialectOf(version),
    version,
    capacity: numbersIn(bytes),
    shapeOf: (path) => shapeInHdf5(file, groups, path),
    fill(model, config) {
      const tree = treeOf(model, fileOrder(model, config));
      const saved = new Map(config.config.layers?.map((layer) => [layer.config.name, layer.savedName]));
      const left = new Map(groups);
      for (const node of tree.children) {
        const name = saved.get(node.layer.name) ?? node.layer.name;
        const weights = weightsInRow(node);
        const paths = left.get(name) ?? [];
        left.delete(name);
        if (paths.length !== weights.length) {
          throw new ValueError(
            `Layer ${show(name)} has ${weights.length} weights by the configuration, and ${paths.length} in the file.`,
          );
        }
        weights.forEach((weight, i) => {
          setWeight(weight, file.array(paths[i]!));
        });
      }
      refuseRest([...left.keys()]);
    },
  };
}

/** The paths of the weights of every layer that has any. */
function readGroups(file: Hdf5File): Map<string, string[]> {
  const root = file.has('model_weights') ? 'model_weights' : '';
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
