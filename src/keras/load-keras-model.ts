/** @file Loads a model from a file of Keras or TF.js. */
import { io } from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { readArchive } from '../data/archive.js';
import { buildModel } from './build-model.js';
import { mendGhostAxes } from './ghost-axis.js';
import { type Hdf5File, readHdf5 } from './hdf5-reader.js';
import { importModel } from './import-config.js';
import type { LayerConfig } from './layer-config.js';
import { type Json, expectObject, isObject, parseJson } from './json.js';
import { type Order, treeOf, weightsByFolder, weightsInRow } from './weight-order.js';
import { folderName } from './naming.js';
import { quote } from '../text/refusal.js';
import { readShards } from './shards.js';
import type { Dialect } from './setting-values.js';
import { type KerasSource, type OpenedSource, openSource } from './source.js';
import { setWeight } from './set-weights.js';
import { isContainer } from '../model/graph.js';

/** A file with its parts apart: what to build, and how to fill it. */
interface OpenedModel {
  readonly config: Json;
  readonly dialect: Dialect;
  /** How many numbers it can hold. */
  readonly capacity: number;
  /** The shape of the moving mean of the layer at the end of a path of layers, where the file says it. */
  readonly shapeOf: (path: readonly LayerConfig[]) => readonly number[] | null;
  readonly fill: (model: LayersModel, config: LayerConfig) => void;
}

/** Compressed weights are at most so much smaller; more, and they are no weights. */
const numbersIn = (bytes: Uint8Array) => 2 ** 22 + 25 * bytes.length;

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/**
 * Loads a model that tf-keras, R's keras, Keras 3 or TF.js saved: HDF5 (`.h5`), `.keras` archives, and `model.json` with
 * its shards. What the file is, its content says. The model has this library's layer wherever it says
 * `BatchNormalization`, and the same weights and predictions; it is not compiled. TF.js' own layer stays registered for
 * whatever else is loaded.
 *
 * Code in a file (Lambda, classes of your own) is never run. Axes that tf-keras saved one too high, with ghost batches
 * (keras-team/keras#16713), are set right by the shape of the weights.
 *
 * @param source a path in Node; a `File`, `Blob`, `ArrayBuffer` or `Uint8Array`; or a list of files, one of them
 *   `model.json`
 * @throws ValueError for a file that is damaged, or holds what TF.js lacks: it names the layer, and the way out. Nothing
 *   is left in memory then.
 * @throws TypeError for a source of another type
 * @example
 * ```ts
 * const bytes = await saveKerasModel(
 *   tf.sequential({ layers: [layerBatchNormalization({ renorm: true, inputShape: [4] })] }),
 *   null,
 *   { for: 'tf-keras' },
 * );
 * const model = await loadKerasModel(bytes);
 * console.log(model.layers.at(-1)?.weights.length); // 7
 * ```
 */
export async function loadKerasModel(source: KerasSource): Promise<LayersModel> {
  const opened = await openModel(await openSource(source));
  const config = importModel(opened.config, opened.dialect);
  mendGhostAxes(config, opened.shapeOf);
  const { model, discard } = buildModel(structuredClone(config), opened.capacity);
  try {
    opened.fill(model, config);
    return model;
  } catch (error) {
    discard();
    throw error;
  }
}

function openModel(source: OpenedSource): Promise<OpenedModel> {
  switch (source.format) {
    case 'hdf5':
      return Promise.resolve(openHdf5(source.bytes));
    case 'zip':
      return openArchive(source.bytes);
    case 'json':
      return openTopology(source);
  }
}

/** The layers of every container of a built model, as the file has them; TF.js sorts them anew. */
function fileOrder(model: LayersModel, config: LayerConfig): Order {
  const order = new Map<LayersModel, readonly layers.Layer[]>();
  const visit = (container: LayersModel, { layers: members = [] }: LayerConfig['config']) => {
    const byName = new Map(container.layers.map((layer) => [layer.name, layer]));
    const found = members.map((member) => {
      const layer = byName.get(member.config.name);
      if (!layer) {
        throw new ValueError(
          `Layer ${quote(member.savedName)} does not lead to an output of its model. The file is damaged.`,
        );
      }
      return { member, layer };
    });
    order.set(
      container,
      found.map(({ layer }) => layer),
    );
    for (const { member, layer } of found) descend(member, layer);
  };
  const descend = ({ config: inner }: LayerConfig, layer: layers.Layer) => {
    if (isContainer(layer)) visit(layer, inner);
    else if (inner.layer) descend(inner.layer, (layer as layers.Layer & { layer: layers.Layer }).layer);
  };
  visit(model, config.config);
  return (container) => order.get(container) ?? container.layers;
}

/** Legacy HDF5 of Keras 2 and 3: the configuration is an attribute, and weights lie by layers, in a row. */
function openHdf5(bytes: Uint8Array): OpenedModel {
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
    throw new ValueError(`The file is of Keras ${quote(version)}. Load it in Keras 2, and save it again.`);
  }
  const groups = readGroups(file);
  return {
    config: parseJson(text, 'The model_config'),
    dialect: dialectOf(version),
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
            `Layer ${quote(name)} has ${weights.length} weights by the configuration, and ${paths.length} in the file.`,
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

function refuseRest(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new ValueError(
    `The file has weights of ${names.map(quote).join(', ')}, which the model does not have.`,
  );
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

const dialectOf = (version: unknown): Dialect =>
  typeof version === 'string' && version.startsWith('3') ? 'keras3' : 'tf-keras';

/** `.keras`: a zip of the configuration and an HDF5 file, in which weights lie in folders named after classes. */
async function openArchive(bytes: Uint8Array): Promise<OpenedModel> {
  const names = ['config.json', 'metadata.json', 'model.weights.h5'] as const;
  const files = await readArchive(bytes, names);
  const [config, metadata, weights] = names.map((name) => files.get(name));
  if (!config || !weights) {
    throw new ValueError(
      `The zip archive has no ${config ? 'model.weights.h5' : 'config.json'}: it is no .keras file, or not a whole one. ` +
        `Save the model in Keras with model.save('model.keras').`,
    );
  }
  const { keras_version: version } = expectObject(
    metadata ? parseJson(decode(metadata), 'metadata.json') : {},
    'metadata.json',
  );
  const file = readHdf5(weights);
  // tf-keras up to 2.13 had another name for the folder of layers, and the separator of Windows.
  const written = (folder: string) =>
    file.has('layers') ? folder : folder.replaceAll(/(^|\/)layers\//g, '$1_layer_checkpoint_dependencies/');
  return {
    config: parseJson(decode(config), 'config.json'),
    dialect: dialectOf(version),
    capacity: numbersIn(weights),
    shapeOf(path) {
      const place = `${written(folderOf(path))}/vars/0`;
      return file.has(place) ? file.array(place).shape : null;
    },
    fill(model, imported) {
      const tree = treeOf(model, fileOrder(model, imported));
      for (const weight of weightsByFolder(tree)) {
        const place = `${written(weight.folder)}/vars/${weight.index}`;
        if (!file.has(place)) {
          throw new ValueError(
            `Layer ${quote(weight.layer.name)}: the file has no weight at ${quote(place)}.`,
          );
        }
        setWeight(weight, file.array(place));
      }
    },
  };
}

/** The folder of the last layer of a path, as `treeOf` names it. */
function folderOf(path: readonly LayerConfig[]): string {
  return path
    .slice(1)
    .map((layer, i) => {
      const siblings = path[i]!.config.layers;
      if (!siblings) return 'layer';
      const name = folderName(layer.className);
      const before = siblings.slice(0, siblings.indexOf(layer));
      const count = before.filter(({ className }) => folderName(className) === name).length;
      return `layers/${name}${count > 0 ? `_${count}` : ''}`;
    })
    .join('/');
}

/** TF.js' `model.json`, of its own or of the converter, with its shards. */
async function openTopology(source: OpenedSource): Promise<OpenedModel> {
  const { modelTopology, weightsManifest } = expectObject(
    parseJson(decode(source.bytes), 'The model file'),
    'The model file',
  );
  if (!isObject(modelTopology) || 'node' in modelTopology) {
    throw new ValueError(
      'The JSON file has no layers: it is a graph model of TF.js (load it with tf.loadGraphModel), or no model.',
    );
  }
  const { specs, data } = await readShards(weightsManifest ?? null, source.read);
  const whole = isObject(modelTopology.model_config) ? modelTopology.model_config : modelTopology;
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  return {
    config: whole,
    dialect: dialectOf(modelTopology.keras_version),
    capacity: numbersIn(data),
    shapeOf(path) {
      const suffix = `/${path.at(-1)!.savedName}/moving_mean`;
      const found = [...shapes].filter(([name]) => `/${name}`.endsWith(suffix));
      return found.length === 1 ? found[0]![1] : null;
    },
    fill(model, imported) {
      const tensors = io.decodeWeights(data.slice().buffer, specs);
      try {
        const weights = weightsByFolder(treeOf(model, fileOrder(model, imported)));
        const left = new Set(Object.keys(tensors));
        for (const weight of weights) {
          const { originalName } = weight.variable;
          const name = nameAmong(left, originalName, weight.names);
          left.delete(name);
          const stored = tensors[name]!;
          setWeight(weight, { shape: stored.shape, values: Float32Array.from(stored.dataSync()) });
        }
        refuseRest([...left]);
      } finally {
        for (const stored of Object.values(tensors)) stored.dispose();
      }
    },
  };
}

/**
 * The name of a weight in a manifest: TF.js' own; or, since TF 2.2, with a cell's name in it; or, in a nested model, with
 * the names of the models around it.
 */
function nameAmong(names: ReadonlySet<string>, own: string, path: readonly string[]): string {
  const short = own.replace(/^.*\//, '');
  const layer = own.slice(0, own.length - short.length);
  const found =
    (names.has(own) ? own : undefined) ??
    [...names].find((name) => name.startsWith(layer) && name.replace(/[^/]*\/([^/]*)$/, '$1') === own) ??
    [path.slice(1), path].map((layers) => `${layers.join('/')}/${short}`).find((name) => names.has(name));
  if (found !== undefined) return found;
  throw new ValueError(`The files have no weight ${quote(own)}.`);
}
