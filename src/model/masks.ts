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

/** Where a tensor's mask comes from: the tensor whose layer makes it, several of these; null where it has none. */
type MaskOrigin = SymbolicTensor | 'several' | null;

/** The graph behind a tensor does not change, so each is looked at once, however many ways lead to it. */
const origins = new WeakMap<SymbolicTensor, MaskOrigin>();

/** Back through layers that pass masks on, to those that make one. */
export function maskOriginOf(tensor: SymbolicTensor): MaskOrigin {
  const pending = [tensor];
  // A stack, since models are deeper than calls may be.
  for (let next = pending.at(-1); next; next = pending.at(-1)) {
    const before = makesMask(next.sourceLayer) ? [] : maskedThrough(next);
    const unknown = before.filter((one) => !origins.has(one));
    for (const one of unknown) pending.push(one);
    if (unknown.length > 0) continue;
    pending.pop();
    origins.set(next, makesMask(next.sourceLayer) ? next : joinOrigins(before));
  }
  return origins.get(tensor)!;
}

function joinOrigins(tensors: readonly SymbolicTensor[]): MaskOrigin {
  const distinct = new Set(tensors.flatMap((tensor) => origins.get(tensor) ?? []));
  const [origin = null, ...others] = distinct;
  return others.length > 0 ? 'several' : origin;
}

/** Whether TF.js' executor has a mask for this call of a layer. */
export const hasMask = ({ inputs }: Pick<LayerCall, 'inputs'>): boolean =>
  inputs.some((input) => maskOriginOf(input) !== null);

/**
 * The tensors that have a mask, of `tensors` and those that they are made from.
 *
 * @param onwards where else a tensor's mask may come from: from the inside of a nested model, or the outside
 */
export function tensorsWithMask(
  tensors: Iterable<SymbolicTensor>,
  onwards: (tensor: SymbolicTensor) => readonly SymbolicTensor[],
): ReadonlySet<SymbolicTensor> {
  const masked = new Set<SymbolicTensor>();
  const after = new Map<SymbolicTensor, SymbolicTensor[]>();
  const all = new Set(tensors);
  for (const tensor of all) {
    if (makesMask(tensor.sourceLayer)) {
      masked.add(tensor);
      continue;
    }
    for (const before of [...maskedThrough(tensor), ...onwards(tensor)]) {
      all.add(before);
      const reached = after.get(before);
      if (reached) reached.push(tensor);
      else after.set(before, [tensor]);
    }
  }
  // From those whose layers make one, on to all that it reaches.
  for (const tensor of masked) for (const reached of after.get(tensor) ?? []) masked.add(reached);
  return masked;
}

/** Whether a mask fits inputs of `shape`: one rank less, every dimension the input's or 1. */
export function maskFits(mask: Tensor, shape: readonly number[]): boolean {
  return mask.rank === shape.length - 1 && mask.shape.every((size, i) => size === 1 || size === shape[i]);
}
