/**
 * @file Masks in graphs: which layers make, pass on, join or take them, and which mask is a layer's own.
 *
 * TF.js runs a model by handing one object of call arguments from layer to layer, and writes the mask of a layer's
 * input into it where there is one. Where there is none, the mask of an earlier layer stays in it. So what arrives in
 * a model is believed only where the graph says that this call of the layer has a mask. Can go when `execute` of
 * tfjs-layers (engine/executor) gives each call arguments of its own, without a mask where its inputs have none.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { type SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { type LayerCall, callMaking } from './tensorflow-internals.js';

type Layer = layers.Layer;

/** Layers that join the masks of their inputs. */
const MERGING = ['Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum'];
const RECURRENT = [
  'RNN',
  'SimpleRNN',
  'GRU',
  'LSTM',
  'ConvLSTM1D',
  'ConvLSTM2D',
  'ConvLSTM3D',
  'Bidirectional',
];
/** Layers that pass a mask on in Keras, and in TF.js only where `supportsMasking` is set on them. */
const UNSUPPORTED = ['LeakyReLU', 'ELU', 'ThresholdedReLU', 'Softmax'];
/** Layers that compute something else with a mask. */
const TAKING = new Set([...RECURRENT, 'TimeDistributed', 'Softmax', 'GlobalAveragePooling1D']);
/** Layers that use the masks of all their inputs, and pass that of the first on. */
const ATTENTION = ['Attention', 'AdditiveAttention', 'MultiHeadAttention', 'GroupedQueryAttention'];
/** Layers that pass masks on, and never make one from what they are given. */
const PASSING = new Set([
  ...ATTENTION,
  ...['Activation', 'ReLU', 'PReLU', 'Dense', 'LayerNormalization', 'BatchNormalization', 'Concatenate'],
  ...[
    'Identity',
    'UnitNormalization',
    'GroupNormalization',
    'SpatialDropout2D',
    'SpatialDropout3D',
    'Normalization',
  ],
  ...['Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout', 'TimeDistributed'],
  ...MERGING,
  ...RECURRENT,
  ...UNSUPPORTED,
]);
/** Layers that are said to support masking, and that drop them. */
const DROPPING = new Set(['Dot', 'GlobalAveragePooling1D']);

/** Whether a class is a recurrent layer, which takes its first states as further inputs. */
export const isRecurrent = (className: string): boolean => RECURRENT.includes(className);
/** Whether layers of a class pass their masks on, in Keras, and in TF.js once they are patched. */
export const passesMask = (className: string): boolean => PASSING.has(className);
/** Whether layers of a class pass masks on in Keras, and in TF.js do not do so of their own accord. */
export const lacksMaskSupport = (className: string): boolean => UNSUPPORTED.includes(className);
/** Whether layers of a class join masks, to one that in TF.js has a dimension too many. */
export const mergesMasks = (className: string): boolean => MERGING.includes(className);
/** Whether layers of a class use the masks of all their inputs, which they find themselves. */
export const usesMasksOfAll = (className: string): boolean => ATTENTION.includes(className);
/** Whether layers of a class compute something else with a mask. */
export const takesMask = (className: string): boolean => TAKING.has(className);

/** Whether a layer makes a mask of its own accord, as Masking and Embedding (with `maskZero`) do. */
export function makesMask(layer: Layer): boolean {
  const className = layer.getClassName();
  const isKnown = PASSING.has(className) || DROPPING.has(className);
  return layer.supportsMasking && !isKnown && layer.computeMask !== layers.Layer.prototype.computeMask;
}

/** The tensors whose masks make up a tensor's own. */
function maskedThrough(tensor: SymbolicTensor): readonly SymbolicTensor[] {
  const { sourceLayer } = tensor;
  if (!sourceLayer.supportsMasking || DROPPING.has(sourceLayer.getClassName())) return [];
  const { inputs, outputs } = callMaking(tensor);
  // Scores have no mask.
  if (usesMasksOfAll(sourceLayer.getClassName())) return tensor === outputs[0] ? inputs.slice(0, 1) : [];
  // The last step of a recurrent layer, and its states, have no mask over steps any more.
  if ('returnSequences' in sourceLayer && (sourceLayer.returnSequences === false || tensor !== outputs[0]))
    return [];
  return inputs;
}

/**
 * Whether the graph gives this call of a layer a mask: back through layers that pass masks on, it comes to one that makes
 * a mask. Each tensor is looked at once, however many ways lead to it.
 *
 * @param onwards where else a tensor's mask may come from: from the inside of a nested model, or the outside
 */
export function findsMask(
  { inputs }: Pick<LayerCall, 'inputs'>,
  onwards: (tensor: SymbolicTensor) => readonly SymbolicTensor[] = () => [],
): boolean {
  const tensors = new Set(inputs);
  for (const tensor of tensors) {
    if (makesMask(tensor.sourceLayer)) return true;
    for (const before of [...maskedThrough(tensor), ...onwards(tensor)]) tensors.add(before);
  }
  return false;
}

/** The tensors whose layers make the masks that reach a tensor. */
export function maskMakersOf(tensor: SymbolicTensor): Set<SymbolicTensor> {
  const tensors = new Set([tensor]);
  for (const one of tensors) {
    if (!makesMask(one.sourceLayer)) for (const before of maskedThrough(one)) tensors.add(before);
  }
  return new Set([...tensors].filter(({ sourceLayer }) => makesMask(sourceLayer)));
}

/** The graph does not change, so each call is looked at once. */
const known = new WeakMap<LayerCall, boolean>();

/** Whether TF.js' executor has a mask for this call of a layer. */
export function hasMask(call: LayerCall): boolean {
  let answer = known.get(call);
  if (answer === undefined) {
    answer = findsMask(call);
    known.set(call, answer);
  }
  return answer;
}

/** Whether a mask fits inputs of `shape`: one rank less, every dimension the input's or 1. */
export function maskFits(mask: Tensor, shape: readonly number[]): boolean {
  return mask.rank === shape.length - 1 && mask.shape.every((size, i) => size === 1 || size === shape[i]);
}
