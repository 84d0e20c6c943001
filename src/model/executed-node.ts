/**
 * @file Which node of a graph TF.js executes when it applies a layer. It does not say, but reads the inputs of the node's
 * output right before.
 *
 * Can be deleted when tfjs-layers applies a layer with the call arguments and the masks of the node.
 */
import { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Layer } from './graph.js';
import type { GraphNode } from './masks.js';
import { containerPrototype, timeDistributedPrototype } from './tensorflow-internals.js';

const executed = new WeakMap<Layer, GraphNode>();

/** The node that is executed while a layer is applied; undefined where somebody applies it directly. */
export const executedNode = (layer: Layer): GraphNode | undefined => executed.get(layer);

/**
 * Applies a layer so that its nodes are known.
 *
 * @param apply TF.js' own way
 */
export function applyAtNode<Output>(layer: Layer, inputs: unknown, apply: () => Output): Output {
  // TF.js' executor hands over a list; a tensor comes from somebody who applies the layer directly.
  if (!Array.isArray(inputs)) executed.delete(layer);
  try {
    const output = apply();
    for (const tensor of [output].flat()) if (tensor instanceof SymbolicTensor) watch(layer, tensor);
    return output;
  } finally {
    executed.delete(layer);
  }
}

function watch(layer: Layer, output: SymbolicTensor): void {
  const { inputs } = output;
  const node = layer.inboundNodes.at(-1)!;
  Object.defineProperty(output, 'inputs', {
    enumerable: true,
    get: () => {
      executed.set(layer, node);
      return inputs;
    },
  });
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
      return applyAtNode(this, inputs, () => {
        const own = Object.entries(executedNode(this)?.callArgs ?? {}).filter(([, value]) => value != null);
        return apply.call(this, inputs, { ...kwargs, ...Object.fromEntries(own) });
      });
    };
  }
}
