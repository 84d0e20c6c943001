/**
 * @file Folds the normalizations of one container: looks for each one's neighbours, back and on, and keeps account of
 * what their weights become.
 */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { type Affine, type Direction, type OrReason, affineOf, passThrough } from './fold-affine.js';
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
  isContainer,
  callsOf,
} from '../model/graph.js';

/** What the linear layers of a model have become so far. */
export type LinearLayers = Map<Layer, Linear>;

export interface FoldedCall {
  readonly call: LayerCall;
  readonly into: readonly Layer[];
}

/** The normalization that computes in a call, if one does. */
export function normalizationAt(call: LayerCall): NormalizationLayer | null {
  const layer = computingLayer(call);
  return isBatchNormalization(layer) ? layer : null;
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
   * @param countCalls how many times a layer is called, in the whole model
   */
  constructor(
    private readonly container: LayersModel,
    private readonly linear: LinearLayers,
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

  /** Folds a normalization into the layer before it or those behind it, or says why it cannot be. */
  async fold(call: LayerCall, direction: Direction): Promise<OrReason<FoldedCall>> {
    const layer = normalizationAt(call)!;
    if (layer instanceof BatchNormalization && call.callArgs.training === true) {
      return 'it is called with training: true, and so depends on the batch';
    }
    const affine = await affineOf(layer, call);
    if (typeof affine === 'string') return affine;
    const changed =
      direction === 'back' ? await this.foldBack(call, affine) : await this.foldOn(call.outputs[0]!, affine);
    if (typeof changed === 'string') return changed;
    for (const one of changed) this.linear.set(one.layer, one);
    this.gone.add(call.outputs[0]!);
    return { call, into: changed.map((one) => one.layer) };
  }

  private async foldBack(normalization: LayerCall, start: Affine): Promise<OrReason<Linear[]>> {
    let affine = start;
    let tensor = this.follow(normalization.inputs[0]!);
    for (;;) {
      const producer = this.producers.get(tensor);
      if (!producer) return 'it takes an input of the model';
      const users = this.usersOf(tensor).length + (this.isGiven(tensor) ? 1 : 0);
      if (users > 1) return `others take the output of '${producer.layer.name}' too`;
      const passed = passThrough(affine, producer, 'back');
      if (passed === null) {
        const linear = await this.linearAt(producer);
        if (typeof linear === 'string') return linear;
        const folded = foldBehind(linear, affine, producer);
        return typeof folded === 'string' ? folded : [folded];
      }
      if (typeof passed === 'string') return passed;
      affine = passed;
      tensor = this.follow(producer.inputs[0]!);
    }
  }

  /** Into every layer that takes the tensor, or into none. */
  private async foldOn(tensor: SymbolicTensor, affine: Affine): Promise<OrReason<Linear[]>> {
    if (this.isGiven(tensor)) return 'its result is an output of the model';
    const changed: Linear[] = [];
    for (const user of this.usersOf(tensor)) {
      const passed = passThrough(affine, user, 'on');
      if (passed === null) {
        const linear = await this.linearAt(user);
        const folded = typeof linear === 'string' ? linear : foldBefore(linear, affine, user);
        if (typeof folded === 'string') return folded;
        changed.push(folded);
      } else {
        const further = typeof passed === 'string' ? passed : await this.foldOn(user.outputs[0]!, passed);
        if (typeof further === 'string') return further;
        changed.push(...further);
      }
    }
    return changed;
  }

  private async linearAt(call: LayerCall): Promise<OrReason<Linear>> {
    const layer = computingLayer(call);
    const name = `'${layer.name}'`;
    if (isContainer(layer)) return `${name} is a model of its own`;
    if (!isLinearLayer(layer)) return `${name} is of class ${layer.getClassName()}`;
    const calls = this.countCalls(layer);
    if (calls > 1) return `${name} is called ${calls} times`;
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
