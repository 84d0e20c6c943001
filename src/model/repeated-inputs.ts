/**
 * @file Layers that get one tensor several times in one call, as in attention to oneself, `layer.apply([x, x])`.
 *
 * TF.js' executor counts who still needs a tensor, each layer once, and counts down once for each time that a layer gets
 * it: in `predict`, the tensor is freed too early. So the executor gets to see it once, and the layer gets it as often
 * as it should. Can go when `execute` of tfjs-layers (engine/executor) counts alike both times.
 */
import { Tensor } from '@tensorflow/tfjs-core';
import type { Layer } from './graph.js';
import { callsTo } from './graph.js';
import { type LayerCall, watchExecution } from './tensorflow-internals.js';

const corrected = new WeakSet<LayerCall>();
const orders = new WeakMap<Layer, { order: readonly number[] | null }>();

/** Corrects the calls of a layer that get a tensor more than once. */
export function takeRepeatedInputs(layer: Layer): void {
  for (const call of callsTo(layer)) {
    const distinct = [...new Set(call.inputs)];
    if (distinct.length === call.inputs.length || corrected.has(call)) continue;
    corrected.add(call);
    const state = orders.get(layer) ?? repeatWhenApplied(layer);
    const order = call.inputs.map((input) => distinct.indexOf(input));
    for (const output of call.outputs) {
      watchExecution(
        output,
        () => {
          state.order = order;
        },
        distinct,
      );
    }
  }
}

/** Has a layer repeat its inputs in the order of the call that TF.js is about to execute. */
function repeatWhenApplied(layer: Layer): { order: readonly number[] | null } {
  const state: { order: readonly number[] | null } = { order: null };
  orders.set(layer, state);
  const apply = layer.apply.bind(layer);
  layer.apply = (inputs, kwargs) => {
    const { order } = state;
    state.order = null;
    // The executor hands over a list of tensors.
    const given = order && Array.isArray(inputs) && inputs.every((input) => input instanceof Tensor);
    return apply(given ? order.map((i) => inputs[i]!) : inputs, kwargs);
  };
  return state;
}
