/**
 * @file Which call in a graph TF.js executes when it applies a layer. It does not say, but reads the inputs of the call's
 * output right before.
 *
 * Can be deleted when tfjs-layers applies a layer with the call arguments and the masks of the call.
 */
import { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Layer } from './graph.js';
import {
  type LayerCall,
  callMaking,
  containerPrototype,
  timeDistributedPrototype,
  watchExecution,
} from './tensorflow-internals.js';

const executed = new WeakMap<Layer, LayerCall>();

/** The call that is executed while a layer is applied; undefined where somebody applies it directly. */
export const executedCall = (layer: Layer): LayerCall | undefined => executed.get(layer);

/**
 * Applies a layer so that its calls are known.
 *
 * @param apply TF.js' own way
 */
export function applyAsCall<Output>(layer: Layer, inputs: unknown, apply: () => Output): Output {
  // TF.js' executor hands over a list; a tensor comes from somebody who applies the layer directly.
  if (!Array.isArray(inputs)) executed.delete(layer);
  try {
    const output = apply();
    for (const tensor of Array.isArray(output) ? output : [output]) {
      if (tensor instanceof SymbolicTensor) watch(tensor);
    }
    return output;
  } finally {
    executed.delete(layer);
  }
}

function watch(output: SymbolicTensor): void {
  const call = callMaking(output);
  watchExecution(output, () => executed.set(call.layer, call));
}

interface Applying {
  apply: (this: Layer, inputs: unknown, kwargs?: object) => unknown;
}

/**
 * From now on, what a call of a model or a TimeDistributed says, such as `training: false`, holds for all that is in it,
 * as in Keras. TF.js saves it, and uses it no further.
 */
export function passCallArgumentsOn(): void {
  for (const prototype of [containerPrototype(), timeDistributedPrototype()] as Applying[]) {
    const { apply } = prototype;
    prototype.apply = function (inputs, kwargs) {
      return applyAsCall(this, inputs, () => {
        const own = Object.entries(executedCall(this)?.kwargs ?? {}).filter(([, value]) => value != null);
        return apply.call(this, inputs, { ...kwargs, ...Object.fromEntries(own) });
      });
    };
  }
}
