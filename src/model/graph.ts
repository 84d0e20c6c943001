/**
 * @file Walks a model: every layer in it, however deep, and every call of one in a container's graph.
 *
 * A container is a sequential or functional model, also one that stands in another as a layer. A wrapper
 * (TimeDistributed, Bidirectional, a recurrent layer with its cells) holds layers that stand in no graph.
 */
import type { LayerVariable, LayersModel, layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { ONE_COPY, isOfAnotherCopy } from './another-copy.js';
import { show } from '../text/show.js';
import {
  type LayerCall,
  callMaking,
  callsAndMakingOf,
  heldLayersOf,
  isDisposedWeight,
  isLayer,
  ownWeightsOf,
} from './tensorflow-internals.js';

export type Layer = layers.Layer;
export type { LayerCall };

/** A layer and where it was found. */
export interface FoundLayer {
  readonly layer: Layer;
  /** The names of what holds it and its own, the outermost first: 'base/block1/bn'. */
  readonly path: string;
  /** The container that calls it, or that calls the wrapper around it. */
  readonly container: LayersModel;
  /** How many times it, or the wrapper around it, is called, in all containers together. */
  readonly calls: number;
}

/** What the stock layer and ours have in common, once built. */
export type NormalizationLayer = Layer & {
  /** The stock layer knows one axis only. */
  readonly axis: number | readonly number[];
  readonly momentum: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly gamma: LayerVariable | null | undefined;
  readonly beta: LayerVariable | null | undefined;
  readonly movingMean: LayerVariable;
  readonly movingVariance: LayerVariable;
};

/** Whether a layer is a batch normalization, this package's or TF.js' own. */
export const isBatchNormalization = (layer: Layer): layer is NormalizationLayer =>
  layer.getClassName() === 'BatchNormalization';

/** Whether a layer is a model, with a graph of its own. */
export const isContainer = (layer: Layer): layer is LayersModel =>
  'layers' in layer && 'inputLayers' in layer && Array.isArray(layer.layers);

/** Whether a layer takes its channels first. */
export const isChannelsFirst = (layer: Layer): boolean =>
  (layer as Layer & { readonly dataFormat?: string }).dataFormat === 'channelsFirst';

/** Which dimension of a sample is a layer's channels; with `steps` 1 where the layer is called for each step. */
export const channelDimension = (layer: Layer, rank: number, steps: 0 | 1 = 0): number =>
  isChannelsFirst(layer) ? steps : rank - 1;

/**
 * @throws TypeError where a value is no layers model
 * @throws ValueError where a model has no layers yet, or weights that are disposed
 */
export function checkModel(model: unknown): void {
  if (isOfAnotherCopy(model)) throw new TypeError(`model: received ${show(model)}. ${ONE_COPY}`);
  if (isLayer(model) && isContainer(model)) {
    if (model.layers.length === 0) {
      throw new ValueError(`model: '${model.name}' has no layers yet. Add some before.`);
    }
    checkUndisposedModel(model);
    return;
  }
  throw new TypeError(
    `model: expected a tf.LayersModel (tf.sequential, tf.model, tf.loadLayersModel), received ${show(model)}. ` +
      `A tf.GraphModel has no layers left; start from the model that it was converted from.`,
  );
}

/** @throws ValueError where weights of a model are disposed */
export function checkUndisposedModel(model: LayersModel): void {
  const gone = withInner(model).flatMap(ownWeightsOf).find(isDisposedWeight);
  if (!gone) return;
  throw new ValueError(
    `model: ${show(model.name)} is disposed, at least the weight ${show(gone.name)}. Dispose models after their last use.`,
  );
}

/** Builds a sequential model that has not run yet, as its `predict` and `fit` do: before, it has no inputs. */
export function buildIfNeeded(model: LayersModel): void {
  if (!model.built) model.build(undefined as never);
}

/** Whether a model is a chain of layers. */
export const isSequential = (layer: Layer): boolean => layer.getClassName() === 'Sequential';

/** Whether a layer calls another for each step. */
export const isTimeDistributed = (layer: Layer): layer is Layer & { readonly layer: Layer } =>
  layer.getClassName() === 'TimeDistributed';

/** The layers that a layer consists of: a container's, a wrapper's, none of any other. */
export function innerLayersOf(layer: Layer): Layer[] {
  if (isContainer(layer)) return layer.layers;
  return Object.values(heldLayersOf(layer)).flat();
}

/** A layer and all in it, the outermost first. */
export function withInner(layer: Layer): Layer[] {
  const all: Layer[] = [];
  const visit = (one: Layer) => {
    all.push(one);
    innerLayersOf(one).forEach(visit);
  };
  visit(layer);
  return all;
}

/** Every call of a layer, in all containers together. */
export const callsTo = (layer: Layer): LayerCall[] =>
  // The first of a model's is its own making.
  callsAndMakingOf(layer).slice(isContainer(layer) ? 1 : 0);

/**
 * Every call in a container's graph, each after those whose results it takes. Input layers are left out: their tensors
 * are the model's inputs.
 */
export function callsOf(container: LayersModel): LayerCall[] {
  return isSequential(container) ? callsOfChain(container) : callsOfGraph(container);
}

function callsOfGraph({ inputs, outputs }: LayersModel): LayerCall[] {
  const calls: LayerCall[] = [];
  const seen = new Set<LayerCall>();
  const given = new Set(inputs);
  const pending = outputs.toReversed().map((tensor) => ({ tensor, isReady: false }));
  // A stack, since models are deeper than calls may be.
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { tensor, isReady } = next;
    if (given.has(tensor)) continue;
    const call = callMaking(tensor);
    if (isReady) {
      calls.push(call);
    } else if (!seen.has(call)) {
      seen.add(call);
      pending.push({ tensor, isReady: true });
      for (const input of call.inputs.toReversed()) pending.push({ tensor: input, isReady: false });
    }
  }
  return calls;
}

/** A chain that begins with a model takes that model's tensors for its own, so its graph alone would show no model. */
function callsOfChain({ layers: chain, inputs }: LayersModel): LayerCall[] {
  let tensor = inputs[0]!;
  return chain.flatMap((layer, i) => {
    if (layer.getClassName() === 'InputLayer') return [];
    if (i === 0 && isContainer(layer)) {
      tensor = layer.outputs[0]!;
      return [{ layer, inputs, outputs: [tensor], kwargs: {} }];
    }
    const call = callsTo(layer).find(({ inputs: given }) => given[0] === tensor)!;
    tensor = call.outputs[0]!;
    return [call];
  });
}

/** The model and every container in it, each once, the outermost first. */
export function containersOf(model: LayersModel): LayersModel[] {
  const found = new Set<LayersModel>();
  const visit = (layer: Layer) => {
    if (isContainer(layer)) {
      if (found.has(layer)) return;
      found.add(layer);
    }
    innerLayersOf(layer).forEach(visit);
  };
  visit(model);
  return [...found];
}

/** Every layer within a model, containers and wrappers too, each once, in the order in which the model calls them. */
export function layersOf(model: LayersModel): FoundLayer[] {
  const calls = new Map<Layer, number>();
  const count = (layer: Layer) => {
    calls.set(layer, (calls.get(layer) ?? 0) + 1);
    if (!isContainer(layer)) innerLayersOf(layer).forEach(count);
  };
  for (const container of containersOf(model)) {
    for (const { layer } of callsOf(container)) count(layer);
  }
  const found = new Map<Layer, FoundLayer>();
  const visit = (layer: Layer, container: LayersModel, prefix: string) => {
    if (found.has(layer)) return;
    const path = prefix + layer.name;
    found.set(layer, { layer, path, container, calls: calls.get(layer) ?? 0 });
    if (isContainer(layer)) open(layer, `${path}/`);
    else
      innerLayersOf(layer).forEach((inner) => {
        visit(inner, container, `${path}/`);
      });
  };
  const open = (container: LayersModel, prefix: string) => {
    const called = callsOf(container).map(({ layer }) => layer);
    for (const layer of [...called, ...container.layers]) visit(layer, container, prefix);
  };
  open(model, '');
  return [...found.values()];
}

/** Every batch normalization within a model, each once. */
export const normalizationsOf = (
  model: LayersModel,
): (FoundLayer & { readonly layer: NormalizationLayer })[] =>
  layersOf(model).filter((found): found is FoundLayer & { layer: NormalizationLayer } =>
    isBatchNormalization(found.layer),
  );
