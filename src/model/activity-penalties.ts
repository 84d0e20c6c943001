/**
 * @file Penalties on what layers give, which TF.js 4.22 has a setting for and refuses. They are added to the loss as in
 * Keras: for each call, as a mean over the samples.
 *
 * Can be replaced by the setting when tfjs-layers calls layers that have an `activityRegularizer`.
 */
import {
  type Scalar,
  type Tensor,
  clone,
  div,
  engine,
  keep,
  type serialization,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Layer } from './graph.js';

/** A training of one's own that never asks for penalties must not fill the memory. */
const MOST_WAITING = 64;

/** Has a layer add a penalty on its outputs to the loss, in training. */
export function penalizeActivity(layer: Layer, penaltyOn: (output: Tensor) => Scalar): void {
  const call = layer.call.bind(layer);
  const calculateLosses = layer.calculateLosses.bind(layer);
  // Of each output since the losses were last asked for.
  const waiting: Scalar[] = [];
  let latestInputs = '';
  const meanPenaltyOn = (output: Tensor): Scalar => tidy(() => div(penaltyOn(output), output.shape[0]));
  layer.call = (inputs, kwargs) => {
    const outputs = call(inputs, kwargs);
    if (kwargs.training === true && engine().isTapeOn()) {
      // TF.js calls a layer once for each of its outputs that is asked for, always on the same tensors.
      const given = [inputs]
        .flat()
        .map(({ id }) => id)
        .join();
      const isSameCall = Array.isArray(outputs) && outputs.length > 1 && given === latestInputs;
      latestInputs = given;
      if (isSameCall) return outputs;
      waiting.push(...[outputs].flat().map((output) => keep(meanPenaltyOn(output))));
      while (waiting.length > MOST_WAITING) waiting.shift()!.dispose();
    }
    return outputs;
  };
  layer.calculateLosses = () => {
    const penalties = waiting.splice(0).map((penalty) => {
      const loss = clone(penalty);
      penalty.dispose();
      return loss;
    });
    return [...calculateLosses(), ...penalties];
  };
}

/** Keras' setting `activity_regularizer`. */
export interface ActivityRegularizer {
  readonly penaltyOn: (output: Tensor) => Scalar;
  /** Its class and configuration. */
  readonly saved: serialization.ConfigDict;
}

const regularizers = new WeakMap<Layer, ActivityRegularizer>();

/** Gives a layer Keras' setting `activity_regularizer`. */
export function setActivityRegularizer(layer: Layer, regularizer: ActivityRegularizer): void {
  regularizers.set(layer, regularizer);
  penalizeActivity(layer, regularizer.penaltyOn);
}

/** What `setActivityRegularizer` gave a layer. */
export const activityRegularizerOf = (layer: Layer): ActivityRegularizer | null =>
  regularizers.get(layer) ?? null;
