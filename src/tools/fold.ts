/**
 * @file Folds normalizations into their neighbours: in inference y = slope·x + intercept, which a linear layer before or
 * behind can do with other weights, for nothing.
 */
import { type Tensor, dispose, nextFrame, tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { type Inputs, inputsOf } from './data.js';
import { largestDifference, predictionsOf, randomInputs } from './fold-comparison.js';
import { FoldGraph, type LinearLayers, normalizationAt } from './fold-graph.js';
import { configurationFor, weightsOf } from './fold-linear.js';
import { type Changes, copyModel, disposeLayers, remakeLayer } from '../model/copy.js';
import {
  type Layer,
  type LayerCall,
  checkModel,
  containersOf,
  layersOf,
  normalizationsOf,
} from '../model/graph.js';
import { STOCK_AXIS, isStockOffLastAxis } from './normalizations.js';
import type { ToolOptions } from './progress.js';
import { assignExactly } from '../model/weights.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';

export interface FoldOptions extends ToolOptions {
  /** Inputs to compare the two models on: a tensor, or one for each input. Default: random numbers. */
  readonly data?: Inputs | undefined;
}

export interface FoldReport {
  /** The model without what was folded. It shares nothing with the original, and is not compiled. */
  readonly model: LayersModel;
  /** What is gone, and into which layers, by path: 'base/bn' is bn in the model base. */
  readonly folded: readonly { readonly name: string; readonly into: readonly string[] }[];
  /** What had to stay, and why. A layer that is called at several places is listed for each. */
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
  /** The largest difference between the outputs of the two models. */
  readonly largestDifference: number;
  /** The largest magnitude of an output, to hold the difference against. */
  readonly largestOutput: number;
  readonly comparedOn: 'data' | 'random inputs';
  /** Why the difference may mean something else than how exact the folding is; most often empty. */
  readonly warnings: readonly string[];
}

/**
 * A copy of a model for inference, without the normalizations that can vanish into a neighbour: with
 * `slope = gamma / √(moving variance + epsilon)` and `intercept = beta − moving mean · slope`,
 *
 * - behind a Dense or a convolution without an activation: `kernel · slope`, `bias · slope + intercept`, per output;
 * - before a Dense, or a convolution without padding: `kernel · slope` per input, `bias + Σ kernel · intercept`.
 *
 * Convolutions are Conv1D to 3D, DepthwiseConv2D, SeparableConv2D and the transposed ones (before those, and before
 * padding, only where the intercept is 0), all of them within TimeDistributed, too. Reshapes, dropout, average pooling
 * and the like may lie between; max pooling too, where no gamma is negative. Nothing passes from one model into another
 * that is nested in it, nor through a layer that others share. New weights are computed in float64.
 *
 * A normalization that was an output leaves a linear activation of its name, so that outputs keep their names.
 *
 * @throws TypeError where `model` is no layers model, or `data` no tensors
 * @throws ValueError where the data does not fit the model, or a layer cannot be made again from its configuration
 * @throws the signal's reason, where it was aborted
 * @example
 * ```ts
 * const model = tf.sequential();
 * model.add(tf.layers.conv2d({ name: 'conv', filters: 8, kernelSize: 3, useBias: false, inputShape: [8, 8, 3] }));
 * layerBatchNormalization(model, { name: 'bn' });
 * const { folded, largestDifference } = await fold(model);
 * console.log(folded, largestDifference < 1e-5); // [ { name: 'bn', into: [ 'conv' ] } ] true
 * ```
 */
export async function fold(model: LayersModel, options: FoldOptions = {}): Promise<FoldReport> {
  checkModel(model);
  const { data, signal, onProgress } = options;
  signal?.throwIfAborted();
  const inputs = data == null ? randomInputs(model) : inputsToCompareOn(model, data);
  let copy: LayersModel | null = null;
  try {
    const before = await predictionsOf(model, inputs);
    const plan = await makePlan(model, options);
    copy = copyWith(model, plan);
    const after = await predictionsOf(copy, inputs);
    signal?.throwIfAborted();
    onProgress?.({ done: plan.total, total: plan.total, step: 'comparison' });
    const zeros = before.map(({ length }) => new Float32Array(length));
    const largestOutput = largestDifference(before, zeros);
    return {
      model: copy,
      folded: plan.folded,
      kept: plan.kept,
      largestDifference: largestDifference(before, after),
      largestOutput,
      comparedOn: data == null ? 'random inputs' : 'data',
      warnings: warningsFor(model, largestOutput),
    };
  } catch (error) {
    if (copy) disposeLayers([copy]);
    throw error;
  } finally {
    if (data == null) dispose([...inputs]);
  }
}

function inputsToCompareOn(model: LayersModel, data: Inputs): readonly Tensor[] {
  const inputs = inputsOf(model, data, 'data');
  if (inputs.every(({ size }) => size > 0)) return inputs;
  throw new ValueError(
    'data: there are no samples in it. Give at least one, or none at all for random inputs.',
  );
}

function warningsFor(model: LayersModel, largestOutput: number): string[] {
  const wrong = normalizationsOf(model).filter(({ layer }) => isStockOffLastAxis(layer));
  const warnings = wrong.map(
    ({ path }) =>
      `'${path}': ${STOCK_AXIS.message} A folded one is right, hence a difference. ${STOCK_AXIS.cure}`,
  );
  if (Number.isFinite(largestOutput)) return warnings;
  return [
    ...warnings,
    'The model gives outputs that are NaN or infinite, which the comparison tells nothing of.',
  ];
}

interface FoldPlan extends Pick<FoldReport, 'folded' | 'kept'> {
  readonly linear: LinearLayers;
  readonly actionOf: NonNullable<Changes['actionOf']>;
  /** Steps in all. */
  readonly total: number;
}

async function makePlan(model: LayersModel, { signal, onProgress }: FoldOptions): Promise<FoldPlan> {
  const found = new Map(layersOf(model).map((one) => [one.layer, one]));
  const pathOf = (layer: Layer) => found.get(layer)!.path;
  const nameOf = (call: LayerCall) => pathOf(normalizationAt(call)!);
  const linear: LinearLayers = new Map();
  const containers = containersOf(model);
  const graphs = containers.map((one) => new FoldGraph(one, linear, (layer) => found.get(layer)!.calls));
  const total = graphs.reduce((sum, { normalizations }) => sum + normalizations.length, 0) + 1;
  const folded: { name: string; into: string[] }[] = [];
  const kept: { name: string; reason: string }[] = [];
  for (const graph of graphs) {
    const tryFold = async (call: LayerCall, direction: 'back' | 'on') => {
      const result = await graph.fold(call, direction);
      await nextFrame();
      signal?.throwIfAborted();
      if (typeof result === 'string') return result;
      folded.push({ name: nameOf(call), into: result.into.map(pathOf) });
      onProgress?.({ done: folded.length + kept.length, total, step: nameOf(call) });
      return null;
    };
    // Back in the order of the graph and on against it, so that of several in a row each meets what was left by others.
    const reasons = new Map<LayerCall, string>();
    for (const call of graph.normalizations) {
      const reason = await tryFold(call, 'back');
      if (reason !== null) reasons.set(call, reason);
    }
    for (const [call, back] of [...reasons].reverse()) {
      const on = await tryFold(call, 'on');
      if (on === null) continue;
      const reason = back === on ? back : `Into what comes before: ${back}. Into what follows: ${on}.`;
      kept.unshift({ name: nameOf(call), reason });
      onProgress?.({ done: folded.length + kept.length, total, step: nameOf(call) });
    }
  }
  const stays = new Set(
    graphs.flatMap((graph) =>
      graph.normalizations.filter((call) => !graph.isGone(call)).map(({ layer }) => layer),
    ),
  );
  const actionOf = (call: LayerCall, container: LayersModel) => {
    const graph = graphs[containers.indexOf(container)]!;
    if (!graph.isGone(call)) return 'kept';
    return container === model && graph.isOutput(call) && !stays.has(call.layer) ? 'identity' : 'gone';
  };
  return { folded, kept, linear, actionOf, total };
}

function copyWith(model: LayersModel, { linear, actionOf }: FoldPlan): LayersModel {
  return copyModel(model, {
    remake: (layer) => {
      const changed = linear.get(layer);
      return changed && remakeLayer(layer, configurationFor(changed));
    },
    fill: (layer, remade) => {
      const values = weightsOf(linear.get(layer)!);
      ownWeightsOf(remade).forEach((weight, i) => {
        assignExactly(weight, tensor(Float32Array.from(values[i]!), weight.shape as number[]));
      });
    },
    actionOf,
  }).model;
}
