/**
 * @file Which mask is the layer's own.
 *
 * TF.js runs a model by handing one object of call arguments from layer to layer, and writes the mask of a layer's
 * input into it where there is one. Where there is none, the mask of an earlier layer stays in it. So what arrives in
 * a model is believed only where the graph says that this call of the layer has a mask.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { type SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { isTensor, show } from '../text/show.js';

type Layer = layers.Layer;
/** One use of a layer in a graph. */
export type GraphNode = Layer['inboundNodes'][number];

/** Classes of TF.js that compute a mask from the masks of their inputs, and never from the inputs. */
const PASSES_MASK_ON = new Set([
  ...['Add', 'Average', 'Concatenate', 'Dot', 'Maximum', 'Minimum', 'Multiply'],
  ...['RNN', 'SimpleRNN', 'GRU', 'LSTM', 'ConvLSTM2D', 'Bidirectional', 'TimeDistributed'],
]);

/** Whether a layer makes a mask of its own accord, as Masking and Embedding (with `maskZero`) do. */
const makesMask = (layer: Layer) =>
  layer.computeMask !== layers.Layer.prototype.computeMask && !PASSES_MASK_ON.has(layer.getClassName());

/** Whether a tensor of the graph comes with a mask: one that its layer makes, or one that it passes on. */
function carriesMask(tensor: SymbolicTensor): boolean {
  const layer = tensor.sourceLayer;
  if (!layer.supportsMasking) return false;
  if (makesMask(layer)) return true;
  // A recurrent layer that returns its last step only has no mask over steps any more.
  if ('returnSequences' in layer && layer.returnSequences === false) return false;
  return layer.inboundNodes[tensor.nodeIndex]!.inputTensors.some(carriesMask);
}

/** The graph does not change, so each node is looked at once. */
const known = new WeakMap<GraphNode, boolean>();

/** Whether the graph gives this call of a layer a mask. */
export function hasMask(node: GraphNode): boolean {
  let answer = known.get(node);
  if (answer === undefined) {
    answer = node.inputTensors.some(carriesMask);
    known.set(node, answer);
  }
  return answer;
}

/** Whether a mask fits inputs of `shape`: one rank less, every dimension the input's or 1. */
export function maskFits(mask: Tensor, shape: readonly number[]): boolean {
  return mask.rank === shape.length - 1 && mask.shape.every((size, i) => size === 1 || size === shape[i]);
}

/**
 * Refuses a mask that was given with the call and does not fit.
 *
 * @throws TypeError where it is no tensor, ValueError where its shape is wrong
 */
export function checkMask(mask: unknown, shape: readonly number[]): void {
  if (!isTensor(mask)) {
    throw new TypeError(`mask: expected a tensor of numbers or booleans, received ${show(mask)}.`);
  }
  if (!maskFits(mask, shape)) {
    throw new ValueError(
      `mask: expected the input's shape without its last axis, ${show(shape.slice(0, -1))} or 1 where it is ` +
        `broadcast, received ${show(mask.shape)} for an input of shape ${show(shape)}.`,
    );
  }
}
