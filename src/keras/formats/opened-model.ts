/** @file A model's file with its parts apart, whatever its format, and what the formats have in common. */
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { isContainer } from '../../model/graph.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import type { StoredArray } from '../../data/elements.js';
import type { Json, JsonObject } from '../json.js';
import type { LayerConfig } from '../layer-config.js';
import type { Dialect } from '../setting-values.js';
import { type Order, type Placed, asMade } from '../weight-order.js';
import { heldLayersOf } from '../../model/tensorflow-internals.js';

/** A weight of the file, read when it is asked for. */
export type StoredWeight = () => StoredArray;

/** A layer of the file and the weights of the model that it is for. */
export interface LayerMatch {
  /** What the file calls it. */
  readonly name: string;
  /** Of the model's layer, below the model; '' where it has no such layer. */
  readonly path: string;
  /** Of the model's layer, in the file's order; none where the model has no such layer. */
  readonly weights: readonly Placed[];
  /** As many as `weights`, or the two do not fit; none where the file has no such layer. */
  readonly stored: readonly StoredWeight[];
}

/** The weights of a file. */
export interface OpenedWeights {
  /** How many numbers it can hold. */
  readonly capacity: number;
  /** The shape of the moving mean of the layer at the end of a path of layers, where the file says it. */
  readonly shapeOf: (path: readonly LayerConfig[]) => readonly number[] | null;
  /** Whether it says the names of layers. */
  readonly hasNames: boolean;
  /** Puts the layers of the file and those of the model together, those of the file that are left over at last. */
  readonly match: (model: LayersModel, by: 'name' | 'order') => Iterable<LayerMatch>;
}

/** How a model was compiled, and how far it was trained. */
export interface Training {
  /** Keras' arguments of `compile`. */
  readonly config: JsonObject;
  /** What the optimizer has kept, in Keras' order. */
  readonly optimizerWeights: () => readonly StoredArray[];
}

/** A file with its parts apart: what to build, and how to fill it. */
export interface OpenedModel extends OpenedWeights {
  readonly config: Json;
  readonly dialect: Dialect;
  /** How it was compiled; null where it was not, or the file does not say. */
  readonly training: Training | null;
  /** The version of Keras that wrote it; '' where the file does not say. */
  readonly version: string;
}

/** How many numbers a file of weights may hold: gzip's best on what repeats is a hundredfold of its bytes. */
export const numbersIn = (byteLength: number): number => 2 ** 22 + 25 * byteLength;

export const dialectOf = (version: string): Dialect => (version.startsWith('3') ? 'keras3' : 'tf-keras');

/** What a file says of its version, whatever that is. */
export const versionIn = (saved: unknown): string => (typeof saved === 'string' ? saved : '');

/** The layers of loaded models as their files have them; TF.js sorts them anew. */
const orders = new WeakMap<LayersModel, readonly layers.Layer[]>();
/** What the files of loaded models call their layers, where TF.js takes other names. */
const savedNames = new WeakMap<layers.Layer, string>();
/** What they call their classes, where these were classes of their own. */
const savedClasses = new WeakMap<layers.Layer, string>();

export const fileOrder: Order = (container) => orders.get(container) ?? asMade(container);

export const savedNameOf = (layer: layers.Layer): string => savedNames.get(layer) ?? layer.name;

export const savedClassOf = (layer: layers.Layer): string => savedClasses.get(layer) ?? layer.getClassName();

/**
 * Keeps in mind how the file has the layers of every container of a built model.
 *
 * @throws ValueError where the model lacks one
 */
export function rememberFile(model: LayersModel, { config }: LayerConfig): void {
  const visit = (container: LayersModel, { layers: members = [] }: LayerConfig['config']) => {
    const byName = new Map(container.layers.map((layer) => [layer.name, layer]));
    const found = members.flatMap((member) => {
      const layer = byName.get(member.config.name);
      if (!layer) {
        // TF.js leaves an input out of the layers where no output uses it.
        if (member.className === 'InputLayer') return [];
        throw new ValueError(
          `Layer ${show(member.savedName)} does not lead to an output of its model. The file is damaged.`,
        );
      }
      return [{ member, layer }];
    });
    orders.set(
      container,
      found.map(({ layer }) => layer),
    );
    for (const { member, layer } of found) descend(member, layer);
  };
  const descend = ({ config: inner, savedName, savedClass }: LayerConfig, layer: layers.Layer) => {
    savedNames.set(layer, savedName);
    if (savedClass !== undefined) savedClasses.set(layer, savedClass);
    if (isContainer(layer)) {
      visit(layer, inner);
      return;
    }
    const { layer: held } = heldLayersOf(layer);
    if (inner.layer && held) descend(inner.layer, held);
  };
  visit(model, config);
}
