/** @file The weights of a layer of TF.js: which it made itself, and how they are given values exactly. */
import { type Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';

/**
 * Every weight that a layer made itself, without those of the layers in it, in the order in which it made them: TF.js'
 * own lists change with what is trainable.
 */
export function ownWeightsOf(layer: layers.Layer): LayerVariable[] {
  const { _trainableWeights: trainable, _nonTrainableWeights: others } = layer as unknown as Record<
    '_trainableWeights' | '_nonTrainableWeights',
    LayerVariable[]
  >;
  return [...trainable, ...others];
}

/** Gives a variable exactly these values: TF.js' `write` would apply the layer's constraint to them. */
export function assignExactly(variable: LayerVariable, value: Tensor): void {
  Variable.prototype.assign.call(variable.read() as unknown as Variable, value);
}
