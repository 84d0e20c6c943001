/**
 * @file Folds normalizations into their neighbours: in inference y = slope·x + intercept, which a linear layer before or
 * behind can do with other weights, for nothing.
 */
import { type Tensor, dispose, nextFrame, tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkNames } from '../text/names.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Inputs, inputsOf, isRecord } from './data.js';
import {
  type Comparison,
  compare,
  predictionsOf,
  randomInputs,
  randomShapes,
  samplesThatFit,
} from './fold-comparison.js';
import type { Direction } from './fold-affine.js';
import {
  type ChangedLayers,
  FoldGraph,
  type Target,
  normalizationAt,
  trainingOfContainers,
} from './fold-graph.js';
import { configurationFor, weightsOf } from './fold-linear.js';
import { configurationForMerged, weightsOfMerged } from './fold-merge.js';
import { type Changes, copyModel, disposeLayers, remakeLayer } from '../model/copy.js';
import {
  type Layer,
  type LayerCall,
  buildIfNeeded,
  checkModel,
  containersOf,
  layersOf,
} from '../model/graph.js';
import { patchConvolution } from '../model/patches.js';
import type { ToolOptions } from '../model/progress.js';
import { type LimitOptions, RunLimits } from './run-limits.js';
import { assignExactly } from '../model/weights.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';

export interface FoldOptions extends ToolOptions, LimitOptions {
  /** Inputs to compare the two models on, as they may also stand before the options. Default: random numbers. */
  readonly data?: Inputs | undefined;
}

const FOLD_OPTIONS = Object.keys({
  data: true,
  limits: true,
  signal: true,
  onProgress: true,
} satisfies Record<keyof FoldOptions, true>);

export interface FoldReport extends Comparison {
  /** The model without what was folded. It shares nothing with the original, and is not compiled. */
  readonly model: LayersModel;
  /** What is gone, and into which layers, by path: 'base/bn' is bn in the model base. In the order of the graph. */
  readonly folded: readonly { readonly name: string; readonly into: readonly string[] }[];
  /** What had to stay, and why. A layer that is called several times is listed for each call. */
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
  readonly comparedOn: 'data' | 'random inputs';
}

/**
 * A copy of a model for inference, without the normalizations that can vanish into a neighbour: with
 * `slope = gamma / √(moving variance + epsilon)` and `intercept = beta − moving mean · slope`,
 *
 * - behind a Dense or a convolution without an activation: `kernel · slope`, `bias · slope + intercept`, per output;
 * - before a Dense, or a convolution without padding: `kernel · slope` per input, `bias + Σ kernel · intercept`.
 *
 * Convolutions are Conv1D to 3D, with groups too, the depthwise, the separable and the transposed ones (before those, and before
 * padding, only where the intercept is 0), all of them within TimeDistributed, too. Reshapes, dropout, average pooling
 * and the like may lie between; max pooling too, where no gamma is negative. What follows a concatenation is split among
 * its inputs. Of several in a row beside which there is no linear layer, one batch normalization is left. Keras'
 * Normalization, Rescaling and LayerScale are folded likewise. Nothing passes from one model into another that is nested
 * in it, nor through a layer that others share. New weights are computed in float64.
 *
 * relu and relu6 right behind a Conv2D or DepthwiseConv2D, as layers of their own, become its activation, unless they give
 * an output: then TF.js applies bias and activation within the kernel of the convolution.
 *
 * A normalization that was an output leaves a linear activation of its name, so that outputs keep their names.
 *
 * @param data inputs to compare the two models on: a tensor, or one for each input, in their order or by their names.
 *   Default: random numbers
 * @throws TypeError where `model` is no layers model, or `data` no tensors
 * @throws ValueError where the data does not fit the model, it takes more than the limits allow, or a layer cannot be made
 *   again from its configuration
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
export function fold(model: LayersModel, options?: FoldOptions): Promise<FoldReport>;
export function fold(
  model: LayersModel,
  data: Inputs | null | undefined,
  options?: Omit<FoldOptions, 'data'>,
): Promise<FoldReport>;
export async function fold(
  model: LayersModel,
  dataOrOptions?: Inputs | FoldOptions | null,
  options?: FoldOptions,
): Promise<FoldReport> {
  checkModel(model);
  buildIfNeeded(model);
  const isOptions =
    options === undefined &&
    isRecord(dataOrOptions) &&
    !model.inputNames.every((name) => name in dataOrOptions);
  return isOptions
    ? foldModel(model, (dataOrOptions as FoldOptions).data, dataOrOptions)
    : foldModel(model, dataOrOptions as Inputs | null | undefined, options ?? {});
}

async function foldModel(
  model: LayersModel,
  data: Inputs | null | undefined,
  options: FoldOptions,
): Promise<FoldReport> {
  checkNames('option', 'fold', options, FOLD_OPTIONS);
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  checkComparable(model);
  // Of the model and its copy.
  const limits = new RunLimits(model, options, 2);
  const given = data == null ? null : inputsToCompareOn(model, data);
  const shapes = given?.map(({ shape }) => shape) ?? randomShapes(model, limits);
  const batchSize = batchSizeFor(model, shapes, limits);
  const inputs = given ?? randomInputs(model, shapes);
  let copy: LayersModel | null = null;
  try {
    const before = await predictionsOf(model, inputs, batchSize);
    const { folded, kept, total, ...changes } = await planFolds(model, options);
    copy = copyWith(model, changes);
    const after = await predictionsOf(copy, inputs, batchSize);
    signal?.throwIfAborted();
    const comparison = await compare(model, before, after, inputs[0]!.shape[0]);
    onProgress?.({ done: total, total, step: 'comparison' });
    const comparedOn = data == null ? 'random inputs' : 'data';
    return { model: copy, folded, kept, comparedOn, ...comparison };
  } catch (error) {
    if (copy) disposeLayers([copy]);
    throw error;
  } finally {
    if (data == null) dispose([...inputs]);
  }
}

/** @throws ValueError for a model that TF.js predicts nothing of, or only by text */
function checkComparable({ inputs, inputNames }: LayersModel): void {
  inputs.forEach(({ shape, dtype }, i) => {
    const what = `model: its input ${show(inputNames[i]!)} (${dtype}, ${show(shape)})`;
    if (shape.length < 2) {
      throw new ValueError(
        `${what} has no dimension beside that of the batch, and TF.js adds one. Reshape it.`,
      );
    }
    if (shape[0] === 0) {
      throw new ValueError(
        `${what} takes batches of 0 samples, which nothing can be compared on. Leave it open.`,
      );
    }
    if (dtype === 'string') {
      throw new ValueError(
        `${what} is text, and fold compares on numbers. Fold a model that begins where the text has become numbers.`,
      );
    }
  });
}

/** What TF.js takes for a batch. */
const MOST_IN_BATCH = 32;

/**
 * How many samples to predict at once.
 *
 * @throws ValueError where even a single one takes too much
 */
function batchSizeFor(model: LayersModel, shapes: readonly number[][], limits: RunLimits): number {
  const samples = shapes[0]![0]!;
  const runs = (batchSize: number) => ({
    inputs: shapes.map(([, ...sample]) => [batchSize, ...sample]),
    count: Math.ceil(samples / batchSize),
  });
  // A stateful model takes batches of one size only.
  const batchSize =
    model.inputs[0]!.shape[0] ??
    samplesThatFit(Math.min(samples, MOST_IN_BATCH), (size) => limits.fits(runs(size)));
  limits.check(runs(batchSize));
  return batchSize;
}

function inputsToCompareOn(model: LayersModel, data: Inputs): readonly Tensor[] {
  const inputs = inputsOf(model, data, 'data');
  if (inputs[0]!.shape[0] > 0) return inputs;
  throw new ValueError(
    'data: there are no samples in it. Give at least one, or none at all for random inputs.',
  );
}

interface CopyChanges {
  readonly changed: ChangedLayers;
  readonly actionOf: NonNullable<Changes['actionOf']>;
}

interface FoldPlan extends CopyChanges, Pick<FoldReport, 'folded' | 'kept'> {
  /** Steps in all. */
  readonly total: number;
}

async function planFolds(model: LayersModel, { signal, onProgress }: FoldOptions): Promise<FoldPlan> {
  const layers = layersOf(model);
  const found = new Map(layers.map((one) => [one.layer, one]));
  const pathOf = (layer: Layer) => found.get(layer)!.path;
  const nameOf = (call: LayerCall) => pathOf(normalizationAt(call)!);
  const changed: ChangedLayers = new Map();
  const training = trainingOfContainers(model);
  const countCalls = (layer: Layer) => found.get(layer)!.calls;
  const containers = containersOf(model);
  const graphs = containers.map((one) => new FoldGraph(one, changed, training.get(one) ?? false, countCalls));
  const order = new Map(layers.map(({ layer }, i) => [layer, i]));
  const calls = graphs
    .flatMap(({ normalizations }) => normalizations)
    .sort((one, other) => order.get(normalizationAt(one)!)! - order.get(normalizationAt(other)!)!);
  const total = calls.length + 1;
  const into = new Map<LayerCall, readonly Layer[]>();
  const reasons = new Map<LayerCall, string>();
  for (const graph of graphs) {
    const report = (call: LayerCall) =>
      onProgress?.({ done: into.size + reasons.size, total, step: nameOf(call) });
    const obstacleTo = async (call: LayerCall, direction: Direction, target: Target) => {
      const folding = await graph.fold(call, direction, target);
      await nextFrame();
      signal?.throwIfAborted();
      if ('obstacle' in folding) return folding.obstacle;
      into.set(call, folding.into);
      report(call);
      return null;
    };
    // Backward in the order of the graph and forward against it, so that of several in a row each meets what was left by
    // others.
    const left = new Map<LayerCall, string>();
    for (const call of graph.normalizations) {
      const obstacle = await obstacleTo(call, 'backward', 'linear');
      if (obstacle !== null) left.set(call, obstacle);
    }
    for (const [call, before] of [...left].reverse()) {
      const behind = await obstacleTo(call, 'forward', 'linear');
      if (behind === null) left.delete(call);
      else if (before !== behind)
        left.set(call, `Into what comes before: ${before}. Into what follows: ${behind}.`);
    }
    // Those that no linear layer takes in: several in a row become one. One that took in others stays.
    for (const direction of ['backward', 'forward'] as const) {
      for (const call of left.keys()) {
        if (changed.has(normalizationAt(call)!)) continue;
        if ((await obstacleTo(call, direction, 'normalization')) === null) left.delete(call);
      }
    }
    for (const [call, reason] of left) {
      reasons.set(call, reason);
      report(call);
    }
    await graph.fuseActivations();
  }
  const stays = new Set(calls.filter((call) => reasons.has(call)).map(({ layer }) => layer));
  return {
    folded: calls.flatMap((call) => {
      const layersOfCall = into.get(call);
      return layersOfCall ? [{ name: nameOf(call), into: layersOfCall.map(pathOf) }] : [];
    }),
    kept: calls.flatMap((call) => {
      const reason = reasons.get(call);
      return reason === undefined ? [] : [{ name: nameOf(call), reason }];
    }),
    changed,
    actionOf: (call, container) => {
      const graph = graphs[containers.indexOf(container)]!;
      if (!graph.isGone(call)) return 'kept';
      return container === model && graph.isOutput(call) && !stays.has(call.layer) ? 'identity' : 'gone';
    },
    total,
  };
}

function copyWith(model: LayersModel, { changed, actionOf }: CopyChanges): LayersModel {
  return copyModel(model, {
    remake: (layer) => {
      const one = changed.get(layer);
      return one && remakeLayer(layer, 'kernels' in one ? configurationFor(one) : configurationForMerged());
    },
    fill: (layer, remade) => {
      const one = changed.get(layer)!;
      const values = 'kernels' in one ? weightsOf(one) : weightsOfMerged(one);
      ownWeightsOf(remade).forEach((weight, i) => {
        assignExactly(weight, tensor(Float32Array.from(values[i]!), weight.shape as number[]));
      });
      patchConvolution(remade);
    },
    actionOf,
  }).model;
}
