/** @file Saves a model as a file that Keras opens. */
import type { LayerVariable, LayersModel, layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { writeArchive } from '../data/archive.js';
import { makeBreather } from '../model/progress.js';
import { exportModel } from './export-config.js';
import { type Hdf5Dataset, type Hdf5Group, writeHdf5 } from './hdf5-writer.js';
import { type JsonObject, type Json, isObject, writeJson } from './json.js';
import { isExpanded } from './expanded-activations.js';
import {
  type Placed,
  asMade,
  folderInTfKeras,
  treeOf,
  weightsByFolder,
  weightsInRow,
} from './weight-order.js';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { normalizationsOf, checkUndisposedModel } from '../model/graph.js';
import { isTensor } from '../text/show.js';
import { checkOutput } from '../data/writing/output-path.js';
import { writeOutput } from '../data/writing/write-files.js';
import type { Dialect } from './setting-values.js';
import { checkNames } from '../text/names.js';
import { show } from '../text/show.js';

export interface SaveOptions {
  /** Which Keras the file is for: tf-keras, which is Keras 2 (and R's keras over it), or Keras 3. */
  for: Dialect;
  /** `h5` is HDF5, for tf-keras alone. Default: what the target's name ends in; `keras` without a target. */
  format?: 'h5' | 'keras';
}

/** Versions whose form the files have. */
const VERSIONS: Record<Dialect, string> = { 'tf-keras': '2.18.0', keras3: '3.15.1' };

/**
 * Saves a model for Keras: `.h5` and `.keras` for tf-keras, `.keras` for Keras 3. Predictions there are the same, renorm
 * and ghost batches included; optimizers are not saved, so compile it there before training.
 *
 * @param model any `tf.LayersModel`, with this library's layer or TF.js' own
 * @param target a path in Node, written under another name first and renamed; without one, the bytes are returned
 * @throws ValueError for a layer that Keras lacks or computes otherwise (it names the layer, and the fix), and where
 *   the file cannot be written; nothing is written then
 * @throws TypeError for something else than a model
 */
export async function saveKerasModel(
  model: LayersModel,
  target: string,
  options: SaveOptions,
): Promise<undefined>;
export async function saveKerasModel(
  model: LayersModel,
  target: null | undefined,
  options: SaveOptions,
): Promise<Uint8Array>;
export async function saveKerasModel(
  model: LayersModel,
  target: string | null | undefined,
  options: SaveOptions,
): Promise<Uint8Array | undefined>;
export async function saveKerasModel(
  model: LayersModel,
  target: string | null | undefined,
  options: SaveOptions,
): Promise<Uint8Array | undefined> {
  const { dialect, format } = checkArguments(model, target, options);
  checkUndisposedModel(model);
  if (target != null) checkOutput(target);
  const values = await readValues(model);
  const config = exportModel(model, dialect);
  const bytes =
    format === 'h5' ? await asHdf5(model, values, config) : await asArchive(model, values, config, dialect);
  if (target == null) return bytes;
  await writeOutput(target, bytes);
  return undefined;
}

function checkArguments(
  model: unknown,
  target: unknown,
  options: Partial<SaveOptions> | undefined,
): { dialect: Dialect; format: 'h5' | 'keras' } {
  if (typeof model !== 'object' || model === null || !('layers' in model) || !('outputs' in model)) {
    throw new TypeError(`model: expected a tf.LayersModel, received ${show(typeof model)}.`);
  }
  if ((model.outputs as unknown[] | undefined)?.length === undefined) {
    throw new ValueError('model: it has no layers yet. Add some, the first with an inputShape.');
  }
  if (target != null && typeof target !== 'string') {
    throw new TypeError(`target: expected a path, or null for the bytes, received ${show(typeof target)}.`);
  }
  checkNames('option', 'saveKerasModel', options, ['for', 'format']);
  const dialect = options?.for;
  if (dialect !== 'tf-keras' && dialect !== 'keras3') {
    throw new ValueError(`for: expected 'tf-keras' or 'keras3', received ${show(dialect)}.`);
  }
  const ending = /\.(h5|hdf5|keras)$/i.exec(target ?? '.keras')?.[1]?.toLowerCase();
  const format = options?.format ?? (ending === 'hdf5' ? 'h5' : ending);
  if (format !== 'h5' && format !== 'keras') {
    throw new ValueError(
      `format: expected a target that ends in .h5 or .keras, or format: 'h5' or 'keras', received ${show(target)}` +
        `${options?.format === undefined ? '' : ` and ${show(options.format)}`}.`,
    );
  }
  if (format === 'h5' && dialect === 'keras3') {
    throw new ValueError("format: for: 'keras3' takes .keras; .h5 is the format of tf-keras.");
  }
  return { dialect, format };
}

type Values = ReadonlyMap<LayerVariable, Float32Array>;

/** The weights of a model as they are now. TF.js' webgpu backend gives no values at once. */
async function readValues(model: LayersModel): Promise<Values> {
  // What `getConfig` reads: values that were waited for, a backend has at once.
  const limits = normalizationsOf(model).flatMap(({ layer }) =>
    layer instanceof BatchNormalization ? Object.values(layer.renormClipping).filter(isTensor) : [],
  );
  const weights = weightsByFolder(treeOf(model)).map(({ variable }) => variable);
  const [read] = await Promise.all([
    Promise.all(weights.map((variable) => variable.read().data())),
    ...limits.map((limit) => limit.data()),
  ]);
  return new Map(weights.map((variable, i) => [variable, Float32Array.from(read[i]!)]));
}

const datasetOf = ({ variable }: Placed, values: Values): Hdf5Dataset => ({
  shape: variable.shape as number[],
  values: values.get(variable)!,
});

/** An object for names from anywhere: without a prototype, none is there before. */
const dictionary = <T>() => Object.create(null) as Record<string, T>;

/** Below `root`, the group at a path, made where it is not there. */
function groupAt(root: Hdf5Group, path: readonly string[]): Hdf5Group {
  return path.reduce<Hdf5Group>((group, name) => {
    group.groups ??= dictionary();
    return (group.groups[name] ??= {});
  }, root);
}

/**
 * The parts of a layer's name, each of which is a group.
 *
 * @throws ValueError for a name that HDF5 takes for another, since it passes over some parts
 */
function groupsOf(name: string): string[] {
  const groups = name.split('/');
  if (!groups.some((part) => part === '' || part === '.')) return groups;
  throw new ValueError(
    `Layer ${show(name)} cannot be saved as .h5, where '.' and nothing are no parts of a name. Rename it, or save ` +
      `the model as .keras.`,
  );
}

async function asArchive(
  model: LayersModel,
  values: Values,
  config: JsonObject,
  dialect: Dialect,
): Promise<Uint8Array> {
  // tf-keras asks for this group even where it is empty.
  const root: Hdf5Group = { groups: { vars: {} } };
  const classNameOf = (layer: layers.Layer) =>
    isExpanded(layer, dialect) ? 'Functional' : layer.getClassName();
  for (const weight of weightsByFolder(treeOf(model, asMade, classNameOf))) {
    const folder = dialect === 'tf-keras' ? folderInTfKeras(weight.folder) : weight.folder;
    const vars = groupAt(root, [...folder.split('/'), 'vars']);
    vars.datasets ??= dictionary();
    vars.datasets[weight.index] = datasetOf(weight, values);
  }
  const text = new TextEncoder();
  const metadata = { keras_version: VERSIONS[dialect], date_saved: dateSaved(new Date()) };
  return writeArchive(
    new Map([
      ['metadata.json', text.encode(JSON.stringify(metadata))],
      ['config.json', text.encode(writeJson(config))],
      ['model.weights.h5', await writeHdf5(root)],
    ]),
    makeBreather(undefined),
  );
}

/** As Keras writes it: `2026-11-22@13:20:30`. */
const dateSaved = (date: Date) => date.toISOString().slice(0, 19).replace('T', '@');

/** HDF5 as Keras 2 writes it; a configuration there does not name modules. */
function asHdf5(model: LayersModel, values: Values, config: JsonObject): Promise<Uint8Array> {
  const version = { backend: 'tensorflow', keras_version: VERSIONS['tf-keras'] };
  const weights: Hdf5Group = {};
  const layerNames: string[] = [];
  for (const node of treeOf(model).children) {
    const own = weightsInRow(node);
    if (own.length === 0) continue;
    const { name } = node.layer;
    const group = groupAt(weights, name.split('/'));
    const weightNames = own.map((weight) => {
      const short = weight.variable.originalName.replace(/^.*\//, '');
      const path = [...weight.names.flatMap(groupsOf), `${short}:0`];
      const parent = groupAt(group, path.slice(0, -1));
      parent.datasets ??= dictionary();
      parent.datasets[path.at(-1)!] = datasetOf(weight, values);
      return path.join('/');
    });
    group.attributes = { weight_names: weightNames };
    layerNames.push(name);
  }
  weights.attributes = { ...version, layer_names: layerNames };
  return writeHdf5({
    attributes: { ...version, model_config: writeJson(withoutModules(config)) },
    groups: { model_weights: weights },
  });
}

function withoutModules(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutModules);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(
    ([key]) => !('class_name' in value && (key === 'module' || key === 'registered_name')),
  );
  const plain = Object.fromEntries(entries.map(([key, inner]) => [key, withoutModules(inner)]));
  // Classes of a user's own are found by the name that they are registered under.
  return typeof value.registered_name === 'string' ? { ...plain, class_name: value.registered_name } : plain;
}
