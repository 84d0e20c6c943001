/** @file Compares what two models predict, on data or on random inputs that fit. */
import { type Tensor, add, cast, dispose, randomNormal, randomUniform, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { isContainer, normalizationsOf, callsOf } from '../model/graph.js';
import { assignExactly } from '../model/weights.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';

/** Random samples, where the model leaves the batch open. */
const SAMPLES = 8;
/** What a free dimension gets: as much as five halvings need. */
const FREE_SIZE = 32;
const SEED = 1;

/** Standard normal numbers for each input; whole numbers where that is its type, or where an embedding looks them up. */
export function randomInputs(model: LayersModel): Tensor[] {
  return model.inputs.map((input, i) => {
    const shape = input.shape.map((size, d) => size ?? (d === 0 ? SAMPLES : FREE_SIZE));
    const entries = entriesLookedUp(model, input);
    if (input.dtype === 'bool')
      return tidy(() => cast(randomUniform(shape, 0, 2, 'int32', SEED + i), 'bool'));
    if (entries === Infinity && input.dtype !== 'int32')
      return randomNormal(shape, 0, 1, 'float32', SEED + i);
    return randomUniform(shape, 0, Math.min(entries, 10), 'int32', SEED + i);
  });
}

/** The entries of the smallest embedding that an input leads to. */
function entriesLookedUp(container: LayersModel, input: SymbolicTensor): number {
  const reached = new Set([input]);
  let smallest = Infinity;
  for (const { layer, inputs, outputs } of callsOf(container)) {
    const taken = [...inputs.keys()].filter((i) => reached.has(inputs[i]!));
    if (taken.length === 0) continue;
    if (layer.getClassName() === 'Embedding') {
      smallest = Math.min(smallest, (layer as typeof layer & { readonly inputDim: number }).inputDim);
    } else if (isContainer(layer)) {
      for (const i of taken) smallest = Math.min(smallest, entriesLookedUp(layer, layer.inputs[i]!));
    } else {
      for (const tensor of outputs) reached.add(tensor);
    }
  }
  return smallest;
}

/** The numbers that a model predicts, output by output. */
export async function predictionsOf(model: LayersModel, inputs: readonly Tensor[]): Promise<Float32Array[]> {
  // A layer that is called with training: true moves its statistics in every prediction.
  const weights = normalizationsOf(model).flatMap(({ layer }) => ownWeightsOf(layer));
  const values = weights.map((weight) => tidy(() => add(weight.read(), 0)));
  let outputs: Tensor[] = [];
  try {
    outputs = [model.predict(inputs.length === 1 ? inputs[0]! : [...inputs])].flat();
    return await Promise.all(outputs.map(async (output) => Float32Array.from(await output.data())));
  } finally {
    weights.forEach((weight, i) => {
      assignExactly(weight, values[i]!);
    });
    dispose([outputs, values]);
  }
}

/** The largest difference between numbers; Infinity where only one of two is not a number. */
export function largestDifference(ones: readonly Float32Array[], others: readonly Float32Array[]): number {
  let largest = 0;
  ones.forEach((values, i) => {
    values.forEach((value, j) => {
      const other = others[i]![j]!;
      if (Object.is(value, other) || value === other) return;
      const difference = Math.abs(value - other);
      largest = Math.max(largest, Number.isNaN(difference) ? Infinity : difference);
    });
  });
  return largest;
}
