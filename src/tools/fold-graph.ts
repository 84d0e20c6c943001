/**
 * @file Folds the normalizations of one container: looks for each one's neighbours, backward and forward, and keeps
 * account of what their weights become.
 */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { affineOf, computingLayer, isAffineLayer } from './affine-layers.js';
import { type Affine, type Direction, Obstacle, passThrough, splitAmong } from './fold-affine.js';
import {
  type Linear,
  activationOfLayer,
  foldBefore,
  foldBehind,
  isActivating,
  isLinearLayer,
  readLinear,
} from './fold-linear.js';
import { type Merged, mergeBefore, mergeBehind, readMerged } from './fold-merge.js';
import {
  type Layer,
  type LayerCall,
  isBatchNormalization,
  callsOf,
  innerLayersOf,
  isContainer,
} from '../model/graph.js';

/** What the layers of a model have become that took in others so far. */
export type ChangedLayers = Map<Layer, Linear | Merged>;

/** What may take in a normalization: linear layers, or batch normalizations as well. */
export type Target = 'linear' | 'normalization';

/** What came of folding a normalization: the layers that took it in, or why there are none. */
export type Folding = { readonly into: readonly Layer[] } | { readonly obstacle: string };

/** The normalization that computes in a call, if one does. */
export function normalizationAt(call: LayerCall): Layer | null {
  const layer = computingLayer(call);
  return isAffineLayer(layer) ? layer : null;
}

/** The models in a model, and itself, with whether some call has what is in them in training mode. */
export function trainingOfContainers(model: LayersModel): ReadonlyMap<LayersModel, boolean> {
  const found = new Map<LayersModel, boolean>();
  const visit = (layer: Layer, isTraining: boolean) => {
    if (!isContainer(layer)) {
      for (const inner of innerLayersOf(layer)) visit(inner, isTraining);
    } else if (isTraining ? !found.get(layer) : !found.has(layer)) {
      found.set(layer, isTraining);
      for (const call of callsOf(layer)) visit(call.layer, Boolean(call.kwargs.training ?? isTraining));
    }
  };
  visit(model, false);
  return found;
}

/** A container's graph, from which calls go. */
export class FoldGraph {
  /** The results of the calls that are gone. */
  private readonly gone = new Set<SymbolicTensor>();
  readonly normalizations: readonly LayerCall[];
  private readonly calls: readonly LayerCall[];
  private readonly producers: ReadonlyMap<SymbolicTensor, LayerCall>;

  /**
   * @param container whose calls these are
   * @param changed grows with each layer that is folded into
   * @param isTraining whether a model around says `training: true`
   * @param countCalls how many times a layer is called, in the whole model
   */
  constructor(
    private readonly container: LayersModel,
    private readonly changed: ChangedLayers,
    private readonly isTraining: boolean,
    private readonly countCalls: (layer: Layer) => number,
  ) {
    this.calls = callsOf(container);
    this.normalizations = this.calls.filter(normalizationAt);
    this.producers = new Map(this.calls.flatMap((call) => call.outputs.map((tensor) => [tensor, call])));
  }

  /** Whether a call has been folded into others. */
  isGone = (call: LayerCall): boolean => this.gone.has(call.outputs[0]!);

  /** Whether the container gives this call's result to the outside. */
  isOutput = (call: LayerCall): boolean =>
    call.outputs.some((tensor) => this.container.outputs.includes(tensor));

  /** Folds a normalization into the layers before it or those behind it. */
  async fold(call: LayerCall, direction: Direction, target: Target): Promise<Folding> {
    try {
      const changed = await this.changesFor(call, direction, target);
      for (const one of changed) this.changed.set(one.layer, one);
      this.gone.add(call.outputs[0]!);
      return { into: changed.map(({ layer }) => layer) };
    } catch (error) {
      if (error instanceof Obstacle) return { obstacle: error.message };
      throw error;
    }
  }

  /** Puts activations right behind convolutions into these, but for those that give an output. */
  async fuseActivations(): Promise<void> {
    for (const call of this.calls) {
      const activation = activationOfLayer(call.layer);
      const tensor = this.follow(call.inputs[0]!);
      const producer = this.producers.get(tensor);
      if (!activation || this.isOutput(call) || !producer || !isActivating(producer.layer)) continue;
      const users = this.usersOf(tensor).length + (this.isGiven(tensor) ? 1 : 0);
      if (users > 1 || this.countCalls(producer.layer) > 1) continue;
      const linear = await this.linearFor(producer.layer);
      if (linear.activation) continue;
      this.changed.set(producer.layer, { ...linear, activation });
      this.gone.add(call.outputs[0]!);
    }
  }

  private async changesFor(
    call: LayerCall,
    direction: Direction,
    target: Target,
  ): Promise<(Linear | Merged)[]> {
    const layer = normalizationAt(call)!;
    // TF.js' own layer goes by what is said around it, and not by what is said with its own call.
    const own = layer instanceof BatchNormalization || layer !== call.layer ? call.kwargs.training : null;
    const training: unknown = own ?? this.isTraining;
    if (training && isBatchNormalization(layer)) {
      throw new Obstacle('it is called with training: true, and so depends on the batch');
    }
    const affine = await affineOf(layer, call);
    return direction === 'backward'
      ? this.foldBackward(call.inputs[0]!, affine, target)
      : this.foldForward(call.outputs[0]!, affine, target);
  }

  /** Into every layer that makes the tensor, several where it is a concatenation, or into none. */
  private async foldBackward(
    result: SymbolicTensor,
    start: Affine,
    target: Target,
  ): Promise<(Linear | Merged)[]> {
    let affine = start;
    let tensor = this.follow(result);
    for (;;) {
      const producer = this.producers.get(tensor);
      if (!producer) throw new Obstacle('it takes an input of the model');
      const users = this.usersOf(tensor).length + (this.isGiven(tensor) ? 1 : 0);
      if (users > 1) throw new Obstacle(`others take the output of '${producer.layer.name}' too`);
      if (producer.layer.getClassName() === 'Concatenate') {
        const changed = [];
        for (const [i, part] of splitAmong(affine, producer).entries()) {
          changed.push(...(await this.foldBackward(producer.inputs[i]!, part, target)));
        }
        return changed;
      }
      const passed = passThrough(affine, producer, 'backward');
      if (passed === null) return [await this.changedAt(producer, affine, 'backward', target)];
      affine = passed;
      tensor = this.follow(producer.inputs[0]!);
    }
  }

  /** Into every layer that takes the tensor, or into none. */
  private async foldForward(
    tensor: SymbolicTensor,
    affine: Affine,
    target: Target,
  ): Promise<(Linear | Merged)[]> {
    if (this.isGiven(tensor)) throw new Obstacle('its result is an output of the model');
    const changed = [];
    for (const user of this.usersOf(tensor)) {
      const passed = passThrough(affine, user, 'forward');
      if (passed === null) changed.push(await this.changedAt(user, affine, 'forward', target));
      else changed.push(...(await this.foldForward(user.outputs[0]!, passed, target)));
    }
    return changed;
  }

  /** What the layer of a call becomes that an affine ends at. */
  private async changedAt(
    call: LayerCall,
    affine: Affine,
    direction: Direction,
    target: Target,
  ): Promise<Linear | Merged> {
    const layer = computingLayer(call);
    const name = `'${layer.name}'`;
    if (isContainer(layer)) throw new Obstacle(`${name} is a model of its own`);
    const merges = target === 'normalization' && isBatchNormalization(layer);
    if (!merges && !isLinearLayer(layer)) throw new Obstacle(`${name} is of class ${layer.getClassName()}`);
    const calls = this.countCalls(layer);
    if (calls > 1) throw new Obstacle(`${name} is called ${calls} times`);
    if (merges) {
      if (this.isTraining) throw new Obstacle(`${name} is called with training: true`);
      const merged = (this.changed.get(layer) as Merged | undefined) ?? (await readMerged(layer));
      return (direction === 'backward' ? mergeBehind : mergeBefore)(merged, affine, call);
    }
    const linear = await this.linearFor(layer);
    return (direction === 'backward' ? foldBehind : foldBefore)(linear, affine, call);
  }

  private async linearFor(layer: Layer): Promise<Linear> {
    return (this.changed.get(layer) as Linear | undefined) ?? readLinear(layer);
  }

  /** The tensor that stands for one, once calls have gone. */
  private follow(tensor: SymbolicTensor): SymbolicTensor {
    const producer = this.producers.get(tensor);
    return producer && this.isGone(producer) ? this.follow(producer.inputs[0]!) : tensor;
  }

  private usersOf(tensor: SymbolicTensor): LayerCall[] {
    return this.calls.filter(
      (call) => !this.isGone(call) && call.inputs.some((input) => this.follow(input) === tensor),
    );
  }

  private isGiven(tensor: SymbolicTensor): boolean {
    return this.container.outputs.some((output) => this.follow(output) === tensor);
  }
}
