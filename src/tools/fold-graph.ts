/**
 * @file Folds the normalizations of one container: looks for each one's neighbours, backward and forward, and keeps
 * account of what their weights become.
 */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { type Affine, type Direction, Obstacle, affineOf, passThrough } from './fold-affine.js';
import {
  type Linear,
  computingLayer,
  foldBefore,
  foldBehind,
  isLinearLayer,
  readLinear,
} from './fold-linear.js';
import {
  type Layer,
  type NormalizationLayer,
  type LayerCall,
  isBatchNormalization,
  callsOf,
  innerLayersOf,
  isContainer,
} from '../model/graph.js';

/** What the linear layers of a model have become so far. */
export type LinearLayers = Map<Layer, Linear>;

/** What came of folding a normalization: the layers that took it in, or why there are none. */
export type Folding = { readonly into: readonly Layer[] } | { readonly obstacle: string };

/** The normalization that computes in a call, if one does. */
export function normalizationAt(call: LayerCall): NormalizationLayer | null {
  const layer = computingLayer(call);
  return isBatchNormalization(layer) ? layer : null;
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
   * @param linear grows with each layer that is folded into
   * @param isTraining whether a model around says `training: true`
   * @param countCalls how many times a layer is called, in the whole model
   */
  constructor(
    private readonly container: LayersModel,
    private readonly linear: LinearLayers,
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

  /** Folds a normalization into the layer before it or those behind it. */
  async fold(call: LayerCall, direction: Direction): Promise<Folding> {
    try {
      const changed = await this.changesFor(call, direction);
      for (const one of changed) this.linear.set(one.layer, one);
      this.gone.add(call.outputs[0]!);
      return { into: changed.map(({ layer }) => layer) };
    } catch (error) {
      if (error instanceof Obstacle) return { obstacle: error.message };
      throw error;
    }
  }

  private async changesFor(call: LayerCall, direction: Direction): Promise<Linear[]> {
    const layer = normalizationAt(call)!;
    // TF.js' own layer goes by what is said around it, and not by what is said with its own call.
    const own = layer instanceof BatchNormalization || layer !== call.layer ? call.kwargs.training : null;
    const training: unknown = own ?? this.isTraining;
    if (training) {
      throw new Obstacle('it is called with training: true, and so depends on the batch');
    }
    const affine = await affineOf(layer, call);
    return direction === 'backward'
      ? [await this.foldBackward(call, affine)]
      : this.foldForward(call.outputs[0]!, affine);
  }

  private async foldBackward(normalization: LayerCall, start: Affine): Promise<Linear> {
    let affine = start;
    let tensor = this.follow(normalization.inputs[0]!);
    for (;;) {
      const producer = this.producers.get(tensor);
      if (!producer) throw new Obstacle('it takes an input of the model');
      const users = this.usersOf(tensor).length + (this.isGiven(tensor) ? 1 : 0);
      if (users > 1) throw new Obstacle(`others take the output of '${producer.layer.name}' too`);
      const passed = passThrough(affine, producer, 'backward');
      if (passed === null) return foldBehind(await this.linearAt(producer), affine, producer);
      affine = passed;
      tensor = this.follow(producer.inputs[0]!);
    }
  }

  /** Into every layer that takes the tensor, or into none. */
  private async foldForward(tensor: SymbolicTensor, affine: Affine): Promise<Linear[]> {
    if (this.isGiven(tensor)) throw new Obstacle('its result is an output of the model');
    const changed: Linear[] = [];
    for (const user of this.usersOf(tensor)) {
      const passed = passThrough(affine, user, 'forward');
      if (passed === null) changed.push(foldBefore(await this.linearAt(user), affine, user));
      else changed.push(...(await this.foldForward(user.outputs[0]!, passed)));
    }
    return changed;
  }

  private async linearAt(call: LayerCall): Promise<Linear> {
    const layer = computingLayer(call);
    const name = `'${layer.name}'`;
    if (isContainer(layer)) throw new Obstacle(`${name} is a model of its own`);
    if (!isLinearLayer(layer)) throw new Obstacle(`${name} is of class ${layer.getClassName()}`);
    const calls = this.countCalls(layer);
    if (calls > 1) throw new Obstacle(`${name} is called ${calls} times`);
    return this.linear.get(layer) ?? (await readLinear(layer));
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
