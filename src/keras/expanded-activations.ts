/**
 * @file Activations that Keras 3 has and tf-keras lacks, as models of layers that tf-keras has: they take the place of an
 * Activation layer in its files.
 */
import { type LayersModel, type SymbolicTensor, input, layers, model } from '@tensorflow/tfjs-layers';
import { callsTo } from '../model/graph.js';
import { hasMask } from '../model/masks.js';
import type { Dialect } from './layers/dialect.js';

type Layer = layers.Layer;

/** `relu6(x + 3) / 6`, written so that no layer but these two is needed: `min(relu(x/6 + 1/2), 1)`. */
function hardSigmoid(x: SymbolicTensor): SymbolicTensor {
  const scaled = layers.rescaling({ scale: 1 / 6, offset: 0.5 }).apply(x) as SymbolicTensor;
  return layers.reLU({ maxValue: 1 }).apply(scaled) as SymbolicTensor;
}

/** By TF.js' names of them. */
const EXPANSIONS: Readonly<Record<string, (x: SymbolicTensor) => SymbolicTensor>> = {
  kerasHardSigmoid: hardSigmoid,
  kerasHardSilu: (x) => layers.multiply().apply([x, hardSigmoid(x)]) as SymbolicTensor,
};

function expansionOf(layer: Layer, dialect: Dialect) {
  if (dialect !== 'tf-keras' || layer.getClassName() !== 'Activation') return undefined;
  const { activation: name } = layer.getConfig();
  if (typeof name !== 'string' || !Object.hasOwn(EXPANSIONS, name)) return undefined;
  // Rescaling passes no mask on in tf-keras.
  return callsTo(layer).some(hasMask) ? undefined : EXPANSIONS[name];
}

/** Whether a layer is a model in a file of the dialect. */
export const isExpanded = (layer: Layer, dialect: Dialect): boolean =>
  expansionOf(layer, dialect) !== undefined;

/** The model that is written for a layer, by the layer's name; undefined where it is written as it is. */
export function expandedActivation(layer: Layer, dialect: Dialect): LayersModel | undefined {
  const expand = expansionOf(layer, dialect);
  if (!expand) return undefined;
  const x = input({ shape: callsTo(layer)[0]!.inputs[0]!.shape.slice(1) });
  return model({ inputs: x, outputs: expand(x), name: layer.name });
}
