/** @file Models in TF.js' `model.json`. */
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type JsonObject, expectObject, isObject, readJson } from '../json.js';
import { readShards } from '../shards.js';
import type { OpenedSource } from '../source.js';
import { treeOf, weightsByFolder } from '../weight-order.js';
import { openHdf5Weights } from './hdf5.js';
import { type OpenedModel, dialectOf, fileOrder, numbersIn, versionIn } from './opened-model.js';

/** TF.js' `model.json`, of its own or of the converter, with its shards; or what `to_json` of Keras gave, with weights. */
export async function openTopology(source: OpenedSource): Promise<OpenedModel> {
  const json = expectObject(readJson(source.bytes, 'The model file', source.budget), 'The model file');
  const { modelTopology, weightsManifest } = json;
  if (modelTopology === undefined && isObject(json.config)) return openArchitecture(json, source);
  if (!isObject(modelTopology) || 'node' in modelTopology) {
    throw new ValueError(
      'The JSON file has no layers: it is a graph model of TF.js (load it with tf.loadGraphModel), or no model.',
    );
  }
  if (source.weights.length > 0) {
    throw new ValueError(
      'Expected one model, and found a model.json of TF.js, which has shards of its own, beside an HDF5 file.',
    );
  }
  const { weights, byteLength } = await readShards(weightsManifest ?? null, source);
  const version = versionIn(modelTopology.keras_version);
  return {
    config: isObject(modelTopology.model_config) ? modelTopology.model_config : modelTopology,
    dialect: dialectOf(version),
    version,
    training: null,
    capacity: numbersIn(byteLength),
    hasNames: true,
    shapeOf(path) {
      const suffix = `/${path.at(-1)!.savedName}/moving_mean`;
      const found = [...weights].filter(([name]) => `/${name}`.endsWith(suffix));
      return found.length === 1 ? found[0]![1].shape : null;
    },
    *match(model) {
      const left = new Set(weights.keys());
      for (const weight of weightsByFolder(treeOf(model, fileOrder))) {
        const name = nameAmong(left, weight.variable.originalName, weight.names);
        left.delete(name);
        const path = weight.names.slice(1).join('/');
        yield { name, path, weights: [weight], stored: [weights.get(name)!.read] };
      }
      for (const name of left) yield { name, path: '', weights: [], stored: [weights.get(name)!.read] };
    },
  };
}

/** What `model.to_json()` of Keras gives: a model without its weights, which may be given beside it. */
function openArchitecture(json: JsonObject, { weights, budget }: OpenedSource): OpenedModel {
  const [bytes, ...others] = weights;
  if (!bytes || others.length > 0) {
    throw new ValueError(
      'The JSON file is a model without weights, as model.to_json() of Keras gives. Load it with one file of its ' +
        "weights, as of model.save_weights('model.weights.h5'): " +
        "loadKerasModel(['model.json', 'model.weights.h5']), or two Files. " +
        `Found are ${weights.length} HDF5 files.`,
    );
  }
  // Keras 3 does not say its version there; its configurations name modules.
  const version = versionIn(json.keras_version ?? (json.module === undefined ? '' : '3'));
  return {
    ...openHdf5Weights(bytes, budget),
    config: json,
    dialect: dialectOf(version),
    version,
    training: null,
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
  throw new ValueError(`The files have no weight ${show(own)}.`);
}
