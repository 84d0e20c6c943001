/**
 * @file Which node of a graph TF.js executes when it calls a layer. It does not say, but reads the inputs of the node's
 * output right before.
 *
 * Can be deleted when tfjs-layers hands the node, or its call arguments and masks, to the layer.
 */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Layer } from './graph.js';
import type { GraphNode } from './masks.js';

/**
 * @param layer what was just applied, and gave `output`
 * @param onExecution told of the new node whenever TF.js is about to execute it
 */
export function watchExecution(
  layer: Layer,
  output: SymbolicTensor,
  onExecution: (node: GraphNode) => void,
): void {
  const { inputs } = output;
  const node = layer.inboundNodes.at(-1)!;
  Object.defineProperty(output, 'inputs', {
    enumerable: true,
    get: () => {
      onExecution(node);
      return inputs;
    },
  });
}
