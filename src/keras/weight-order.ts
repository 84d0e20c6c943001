/**
 * @file The layers of a model as a tree, with Keras' two orders of weights: by folders in `.keras` archives, and in a row
 * in HDF5. TF.js' own `weights` has another order in models and in wrappers.
 */
import type { LayerVariable, LayersModel, layers } from '@tensorflow/tfjs-layers';
import { isContainer } from '../model/graph.js';
import { snakeCase } from '../text/naming.js';
import { folderName } from './naming.js';
import { heldLayersOf, isMadeToTrain } from '../model/tensorflow-internals.js';

type Layer = layers.Layer;

export interface LayerNode {
  readonly layer: Layer;
  /** In an archive, below the layer that holds it. */
  readonly folder: string;
  /** Where there are any, the weights are theirs. */
  readonly children: readonly LayerNode[];
}

/** The layers of a container in the order that counts, which is the file's where there is one. */
export type Order = (container: LayersModel) => readonly Layer[];

export const asMade: Order = (container) => container.layers;

/** What a layer's class is in the file. */
type ClassNameOf = (layer: Layer) => string;

/** The tree below `layer`; `folder` is its own, '' for the whole model. */
export function treeOf(
  layer: Layer,
  order: Order = asMade,
  classNameOf: ClassNameOf = (one) => one.getClassName(),
  folder = '',
): LayerNode {
  return { layer, folder, children: childrenOf(layer, order, classNameOf) };
}

function childrenOf(layer: Layer, order: Order, classNameOf: ClassNameOf): LayerNode[] {
  const numbered = (within: string, members: readonly Layer[]): LayerNode[] => {
    const folders = numberedFolders(members.map(classNameOf));
    return members.map((member, i) => treeOf(member, order, classNameOf, `${within}/${folders[i]!}`));
  };
  if (isContainer(layer)) return numbered('layers', order(layer));
  const { forwardLayer, backwardLayer, layer: inner, cell, cells, ...dense } = heldLayersOf(layer);
  if (cells) return numbered('cells', cells);
  const parts: [string, Layer | undefined][] = [
    ['forward_layer', forwardLayer],
    ['backward_layer', backwardLayer],
    ['layer', inner],
    ['cell', cell],
    // Keras goes by the names of attributes, where there are public ones by those.
    ...Object.entries(dense).map(([name, part]): [string, Layer] => {
      const isPublic = layer.getClassName() === 'MultiHeadAttention' && name !== 'gateDense';
      return [`${isPublic ? '' : '_'}${snakeCase(name)}`, part];
    }),
  ];
  return parts.flatMap(([name, part]) => (part ? [treeOf(part, order, classNameOf, name)] : []));
}

/** A folder as tf-keras names it, which has no public attributes for what attention consists of. */
export const folderInTfKeras = (folder: string): string =>
  folder.replaceAll(/(^|\/)(?=(query|key|value|output)_dense(\/|$))/g, '$1_');

/** Keras names the folders of a container's layers after their classes, and numbers those of one class. */
export function numberedFolders(classNames: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return classNames.map((className) => {
    const name = folderName(className === 'Model' ? 'Functional' : className);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return `${name}${count > 0 ? `_${count}` : ''}`;
  });
}

/** A weight and where it lies. */
export interface Placed {
  readonly layer: Layer;
  readonly variable: LayerVariable;
  /** Of its layer, within the tree. */
  readonly folder: string;
  /** Its number among the layer's own. */
  readonly index: number;
  /** The names of the layers that hold it. */
  readonly names: readonly string[];
}

/** Every weight, layer by layer. */
export function weightsByFolder(node: LayerNode, above = '', names: readonly string[] = []): Placed[] {
  const folder = [above, node.folder].filter(Boolean).join('/');
  const path = [...names, node.layer.name];
  if (node.children.length > 0) return node.children.flatMap((child) => weightsByFolder(child, folder, path));
  return node.layer.weights.map((variable, index) => ({
    layer: node.layer,
    variable,
    folder,
    index,
    names: path,
  }));
}

/** Whether Keras counts a weight among the trainable ones. */
export const isTrained = ({ layer, variable }: Placed): boolean => layer.trainable && variable.trainable;

/** Every weight in a row, as in HDF5: those that are trained first, as Keras lists them for a layer with layers in it. */
export const weightsInRow = (node: LayerNode): Placed[] => rowsOf(node)[0]!;

/** The rows in which Keras may have written them: as its layers are now, with none of them frozen, or with all. */
export function rowsOf(node: LayerNode): Placed[][] {
  const all = weightsByFolder(node);
  const trainedFirst = (isFirst: (weight: Placed) => boolean) => [
    ...all.filter(isFirst),
    ...all.filter((weight) => !isFirst(weight)),
  ];
  return [
    trainedFirst(isTrained),
    trainedFirst(({ layer, variable }) => isMadeToTrain(layer, variable)),
    all,
  ];
}
