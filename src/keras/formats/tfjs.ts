/** @file Models in TF.js' `model.json`. */
import { io } from '@tensorflow/tfjs-core';
import { ValueError } from '../../text/value-error.js';
import { expectObject, isObject, parseJson } from '../json.js';
import { numbersIn } from '../hdf5-reader.js';
import { setWeight } from '../set-weights.js';
import { readShards } from '../shards.js';
import type { OpenedSource } from '../source.js';
import { treeOf, weightsByFolder } from '../weight-order.js';
import { type OpenedModel, decode, dialectOf, fileOrder, refuseRest, versionIn } from './opened-model.js';
import { show } from '../../text/show.js';

/** TF.js' `model.json`, of its own or of the converter, with its shards. */
export async function openTopology(source: OpenedSource): Promise<OpenedModel> {
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
  const version = versionIn(modelTopology.keras_version);
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  return {
    config: whole,
    dialect: dialectOf(version),
    version,
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
  throw new ValueError(`The files have no weight ${show(own)}.`);
}
