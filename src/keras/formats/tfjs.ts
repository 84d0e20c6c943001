/** @file Models in TF.js' `model.json`. */
import { isContainer } from '../../model/graph.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type JsonObject, expectObject, isObject, readJson } from '../json.js';
import { type Shards, readShards } from '../shards.js';
import type { OpenedSource } from '../source.js';
import { type LayerNode, type Placed, treeOf, weightsByFolder } from '../weight-order.js';
import { openHdf5Weights } from './hdf5.js';
import { type OpenedModel, dialectOf, fileOrder, numbersIn, savedNameOf, versionIn } from './opened-model.js';

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
  let shards: Shards;
  try {
    shards = await readShards(weightsManifest ?? null, source);
  } catch (error) {
    // Whoever has written the model again meanwhile has removed the shards of the one before.
    const now = await source.reopen?.();
    if (now?.format !== 'json' || isSame(now.bytes, source.bytes)) throw error;
    return openTopology(now);
  }
  const { weights, byteLength } = shards;
  const version = versionIn(modelTopology.keras_version);
  const means = [...weights].filter(([name]) => name.endsWith('/moving_mean'));
  return {
    config: isObject(modelTopology.model_config) ? modelTopology.model_config : modelTopology,
    dialect: dialectOf(version),
    version,
    training: null,
    capacity: numbersIn(byteLength),
    hasNames: true,
    shapeOf(path) {
      const suffix = `/${path.at(-1)!.savedName}/moving_mean`;
      const found = means.filter(([name]) => `/${name}`.endsWith(suffix));
      return found.length === 1 ? found[0]![1].shape : null;
    },
    *match(model) {
      const names = new WeightNames(weights.keys());
      for (const { node, above } of membersOf(treeOf(model, fileOrder))) {
        for (const weight of weightsByFolder(node, '', above)) {
          const name = names.take(nameInFile(weight, node.layer), weight.names);
          const path = weight.names.slice(1).join('/');
          yield { name, path, weights: [weight], stored: [weights.get(name)!.read] };
        }
      }
      for (const name of names.left) {
        yield { name, path: '', weights: [], stored: [weights.get(name)!.read] };
      }
    },
  };
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, i) => byte === other[i]);

/** The layers of models that are no models themselves, with the names of those around them. */
function* membersOf(
  node: LayerNode,
  above: readonly string[] = [],
): Generator<{ node: LayerNode; above: readonly string[] }> {
  if (!isContainer(node.layer)) yield { node, above };
  else for (const child of node.children) yield* membersOf(child, [...above, node.layer.name]);
}

/** What TF.js calls a weight, with the file's name of the member of a model that it is in. */
function nameInFile({ variable: { originalName } }: Placed, member: LayerNode['layer']): string {
  const rest = originalName.slice(member.name.length);
  return originalName.startsWith(`${member.name}/`) ? savedNameOf(member) + rest : originalName;
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

/** The names of weights in a manifest, of which each is for one weight. */
class WeightNames {
  readonly left: Set<string>;
  /** Those with a name before the last, which is left out in the keys. */
  readonly #withCells = new Map<string, Set<string>>();

  constructor(names: Iterable<string>) {
    this.left = new Set(names);
    for (const name of this.left) {
      const end = name.lastIndexOf('/');
      const start = end > 0 ? name.lastIndexOf('/', end - 1) + 1 : 0;
      const key = name.slice(0, start) + name.slice(end < 0 ? 0 : end + 1);
      const others = this.#withCells.get(key);
      if (others) others.add(name);
      else this.#withCells.set(key, new Set([name]));
    }
  }

  /**
   * Takes the name of a weight: TF.js' own; or, since TF 2.2, with a cell's name in it; or, in a nested model, with the
   * names of the models around it.
   *
   * @throws ValueError where there is none
   */
  take(own: string, path: readonly string[]): string {
    const short = own.replace(/^.*\//, '');
    const found =
      (this.left.has(own) ? own : undefined) ??
      this.#takeWithCell(own) ??
      [path.slice(1), path]
        .map((layers) => `${layers.join('/')}/${short}`)
        .find((name) => this.left.has(name));
    if (found === undefined) throw new ValueError(`The files have no weight ${show(own)}.`);
    this.left.delete(found);
    return found;
  }

  #takeWithCell(own: string): string | undefined {
    const names = this.#withCells.get(own) ?? new Set();
    for (const name of names) {
      names.delete(name);
      if (this.left.has(name)) return name;
    }
    return undefined;
  }
}
