/** @file A model's file with its parts apart, whatever its format, and what the formats have in common. */
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { isContainer } from '../../model/graph.js';
import { ValueError } from '../../text/value-error.js';
import type { Json } from '../json.js';
import type { LayerConfig } from '../layer-config.js';
import type { Dialect } from '../setting-values.js';
import type { Order } from '../weight-order.js';
import { show } from '../../text/show.js';

/** A file with its parts apart: what to build, and how to fill it. */
export interface OpenedModel {
  readonly config: Json;
  readonly dialect: Dialect;
  /** The version of Keras that wrote it; '' where the file does not say. */
  readonly version: string;
  /** How many numbers it can hold. */
  readonly capacity: number;
  /** The shape of the moving mean of the layer at the end of a path of layers, where the file says it. */
  readonly shapeOf: (path: readonly LayerConfig[]) => readonly number[] | null;
  readonly fill: (model: LayersModel, config: LayerConfig) => void;
}

export const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export const dialectOf = (version: string): Dialect => (version.startsWith('3') ? 'keras3' : 'tf-keras');

/** What a file says of its version, whatever that is. */
export const versionIn = (saved: unknown): string => (typeof saved === 'string' ? saved : '');

/** The layers of every container of a built model, as the file has them; TF.js sorts them anew. */
export function fileOrder(model: LayersModel, config: LayerConfig): Order {
  const order = new Map<LayersModel, readonly layers.Layer[]>();
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

export function refuseRest(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new ValueError(
    `The file has weights of ${names.map(show).join(', ')}, which the model does not have.`,
  );
}
