/**
 * @file Copies a model, layer by layer and call by call, with changes: layers remade, calls left out. The copy has
 * the names, weights and frozen layers of the original and shares no variable with it. It is not compiled.
 *
 * Layers are made by their own class, never by the name in a registry, so that one which is not registered, or this
 * package's normalization beside the stock one, stays what it is.
 */
import { clone, type serialization, tidy } from '@tensorflow/tfjs-core';
import {
  type LayerVariable,
  type LayersModel,
  type Sequential,
  type SymbolicTensor,
  input,
  layers,
  model as makeModel,
  sequential,
} from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import {
  type Layer,
  type LayerCall,
  innerLayersOf,
  isContainer,
  isSequential,
  isTimeDistributed,
  callsOf,
  withInner,
} from './graph.js';
import { type RegisteredClass, registerClasses } from './registered-classes.js';
import { patchAlike } from './patches.js';
import { withinStack } from './stack.js';
import { assignExactly } from './weights.js';
import { ownWeightsOf, settingsOf } from './tensorflow-internals.js';

/** What differs in a copy. */
export interface Changes {
  /** A new layer for one of the original; undefined: a plain copy. */
  remake?(layer: Layer): Layer | undefined;
  /** Gives a layer that was remade its weights, once it is built. */
  fill?(original: Layer, remade: Layer): void;
  /** What becomes of a call: 'gone' leaves its input as its output, 'identity' puts a layer of its name there. */
  actionOf?(call: LayerCall, container: LayersModel): 'kept' | 'gone' | 'identity';
}

export interface ModelCopy {
  readonly model: LayersModel;
  /** The layer in the copy for each of the original's that is still called. */
  readonly copies: ReadonlyMap<Layer, Layer>;
}

/**
 * @throws ValueError where a layer cannot be made again from its configuration; nothing is left behind then
 */
export function copyModel(original: LayersModel, changes: Changes = {}): ModelCopy {
  const copier = new Copier(changes);
  try {
    const model = copier.copyContainer(original);
    copier.finish();
    return { model, copies: copier.copies };
  } catch (error) {
    disposeLayers(copier.copies.values());
    throw error;
  }
}

/** Disposes the weights of layers, whatever became of the model that they were made for. */
export function disposeLayers(made: Iterable<Layer>): void {
  const seen = new Set<Layer>();
  const dispose = (layer: Layer) => {
    if (seen.has(layer)) return;
    seen.add(layer);
    for (const weight of ownWeightsOf(layer)) weight.dispose();
    innerLayersOf(layer).forEach(dispose);
  };
  for (const layer of made) dispose(layer);
}

/** A layer of the same class and configuration, but for what `changed` says; its weights are not made yet. */
export function remakeLayer(
  layer: Layer,
  changed: serialization.ConfigDict = {},
  cls = layer.constructor as serialization.SerializableConstructor<Layer>,
): Layer {
  const config = { ...settingsOf(layer), ...changed };
  // TF.js makes the layers that this one holds by the names of their classes.
  const unregister = registerClasses(classesWithin(layer));
  try {
    const made = cls.fromConfig(cls, config);
    drawNothing(made);
    return made;
  } catch (error) {
    throw new ValueError(
      `Layer '${layer.name}' of class ${layer.getClassName()} cannot be made again from its configuration: ` +
        `${(error as Error).message} Give the class a getConfig and a static fromConfig that agree.`,
    );
  } finally {
    unregister();
  }
}

const classesWithin = (layer: Layer): RegisteredClass[] =>
  innerLayersOf(layer)
    .flatMap(withInner)
    .map((inner) => inner.constructor as unknown as RegisteredClass);

/**
 * Has a layer begin with zeros, which are about to be overwritten: drawing an orthogonal kernel takes long, and methods of
 * tensors that TF.js' parts alone do not have. TF.js 4.22 does not tell the cells of stacked cells.
 */
function drawNothing(layer: Layer): void {
  layer.setFastWeightInitDuringBuild(true);
  innerLayersOf(layer).forEach(drawNothing);
}

class Copier {
  readonly copies = new Map<Layer, Layer>();
  private readonly containers: [LayersModel, LayersModel][] = [];
  private readonly remade = new Set<Layer>();
  private readonly identities = new Map<Layer, Layer>();

  constructor(private readonly changes: Changes) {}

  copyContainer(original: LayersModel): LayersModel {
    const calls = callsOf(original);
    const copy = isSequential(original) ? this.copyChain(original, calls) : this.copyGraph(original, calls);
    this.containers.push([original, copy]);
    return copy;
  }

  private copyChain(original: LayersModel, calls: readonly LayerCall[]): Sequential {
    const copy = sequential({ name: original.name });
    const made = calls.map((call) => this.layerAt(call, original)).filter((layer) => layer !== null);
    const first = made.at(0);
    // The first layer may have gone, or have got its input's shape from a tensor: then the copy begins with the input.
    const beginsAlike = first !== undefined && first === this.copies.get(original.layers[0]!);
    if (!beginsAlike || !(isContainer(first) || 'batchInputShape' in first)) {
      const { shape, dtype } = original.inputs[0]!;
      copy.add(layers.inputLayer({ batchInputShape: shape, dtype, name: original.inputNames[0]! }));
    }
    for (const layer of made) copy.add(layer);
    // Build now: TF.js builds lazily, and would then claim the layers.
    withinStack(original.name, () => {
      copy.build();
    });
    return copy;
  }

  private copyGraph(original: LayersModel, calls: readonly LayerCall[]): LayersModel {
    const tensors = new Map<SymbolicTensor, SymbolicTensor>();
    const inputs = original.inputs.map((tensor, i) => {
      const copy = input({ batchShape: tensor.shape, dtype: tensor.dtype, name: original.inputNames[i]! });
      tensors.set(tensor, copy);
      return copy;
    });
    for (const call of calls) {
      const taken = call.inputs.map((tensor) => tensors.get(tensor)!);
      const layer = this.layerAt(call, original);
      const given = layer ? callAgain(layer, taken, call.kwargs) : taken;
      call.outputs.forEach((tensor, i) => tensors.set(tensor, given[i]!));
    }
    const outputs = original.outputs.map((tensor) => tensors.get(tensor)!);
    return withinStack(original.name, () => makeModel({ inputs, outputs, name: original.name }));
  }

  private layerAt(call: LayerCall, container: LayersModel): Layer | null {
    const action = this.changes.actionOf?.(call, container) ?? 'kept';
    if (action === 'gone') return null;
    return action === 'kept' ? this.copyOf(call.layer) : this.identityFor(call.layer);
  }

  private identityFor(layer: Layer): Layer {
    let identity = this.identities.get(layer);
    if (!identity) {
      identity = layers.activation({ activation: 'linear', name: layer.name });
      this.identities.set(layer, identity);
    }
    return identity;
  }

  private copyOf(layer: Layer): Layer {
    let copy = this.copies.get(layer);
    if (!copy) {
      const remade = this.changes.remake?.(layer);
      if (remade) this.remade.add(layer);
      copy = remade ?? this.plainCopyOf(layer);
      this.copies.set(layer, copy);
    }
    return copy;
  }

  private plainCopyOf(layer: Layer): Layer {
    if (isContainer(layer)) return this.copyContainer(layer);
    if (!isTimeDistributed(layer)) return remakeLayer(layer);
    // Its fromConfig would look its layer's class up by name.
    const { name, batchInputShape } = layer;
    return layers.timeDistributed({
      name,
      layer: this.copyOf(layer.layer),
      ...('batchInputShape' in layer && { batchInputShape }),
    });
  }

  /** Gives the copies the patches and the weights of their originals, and says which of them are frozen. */
  finish(): void {
    // The outer ones first, since a model's `trainable` is that of all in it.
    for (const [original, copy] of this.containers.toReversed()) {
      patchAlike(original, copy);
      copy.trainable = original.trainable;
    }
    tidy(() => {
      for (const [original, copy] of this.copies) {
        patchAlike(original, copy);
        // What these hold has a copy of its own.
        if (isContainer(original) || isTimeDistributed(original)) continue;
        copy.trainable = original.trainable;
        if (this.remade.has(original)) this.changes.fill?.(original, copy);
        else copyWeights(original, copy);
      }
    });
  }
}

/** Calls a layer on the copy's tensors. */
function callAgain(layer: Layer, inputs: SymbolicTensor[], kwargs: LayerCall['kwargs']): SymbolicTensor[] {
  const output = layer.apply(inputs.length === 1 ? inputs[0]! : inputs, plainArguments(kwargs));
  return [output].flat() as SymbolicTensor[];
}

/** What can be said again of call arguments: the rest are tensors of the original. */
const plainArguments = (kwargs: LayerCall['kwargs']): LayerCall['kwargs'] =>
  Object.fromEntries(
    Object.entries(kwargs).filter(([, value]) => value === null || typeof value !== 'object'),
  );

/**
 * Gives a layer, and the layers that it consists of, the weights of another that was made alike.
 *
 * @throws ValueError where they are not alike
 */
export function copyWeights(original: Layer, copy: Layer): void {
  const pairs: [LayerVariable, LayerVariable][] = [];
  const pair = (from: Layer, to: Layer) => {
    pairs.push(...zip(ownWeightsOf(from), ownWeightsOf(to)));
    for (const [one, other] of zip(innerLayersOf(from), innerLayersOf(to))) pair(one, other);
  };
  pair(original, copy);
  const paired = new Set(pairs.flat());
  const missing = [original, copy].flatMap(({ weights }) => weights).filter((weight) => !paired.has(weight));
  const unlike = pairs.filter(([from, to]) => from.shape.join() !== to.shape.join()).map(([from]) => from);
  if (missing.length + unlike.length > 0) {
    throw new ValueError(
      `Layer '${original.name}' of class ${original.getClassName()} cannot be copied: made again from its ` +
        `configuration, it differs in ${[...missing, ...unlike].map(({ originalName }) => originalName).join(', ')}.`,
    );
  }
  for (const [from, to] of pairs) {
    assignExactly(to, clone(from.read()));
    to.trainable = from.trainable;
  }
}

/** The elements of two lists side by side, as far as both go. */
const zip = <T>(ones: readonly T[], others: readonly T[]): [T, T][] =>
  ones.slice(0, others.length).map((one, i) => [one, others[i]!]);
