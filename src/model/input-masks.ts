/**
 * @file The masks of all inputs of a layer. TF.js' executor hands over that of the first alone, and computes the others.
 *
 * Can go when `execute` of tfjs-layers (engine/executor) passes a layer the masks of all its inputs.
 */
import { Tensor } from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';

type Layer = layers.Layer;
type Mask = Tensor | null;

const masks = new WeakMap<Tensor, Mask>();
const remembering = new WeakSet<Layer>();

/** From now on, the masks of what a layer gives are known: the executor asks for them right behind its outputs. */
export function rememberMasks(layer: Layer): void {
  if (remembering.has(layer)) return;
  remembering.add(layer);
  const apply = layer.apply.bind(layer);
  const computeMask = layer.computeMask.bind(layer);
  let outputs: Tensor[] = [];
  layer.apply = (inputs, kwargs) => {
    const given = apply(inputs, kwargs);
    outputs = [given].flat().filter((output) => output instanceof Tensor);
    return given;
  };
  layer.computeMask = (inputs, given) => {
    const made = computeMask(inputs, given);
    const ofOutputs: Mask[] = Array.isArray(made) ? made : outputs.map(() => made);
    outputs.forEach((output, i) => masks.set(output, ofOutputs[i] ?? null));
    outputs = [];
    return made;
  };
}

/** The mask of each input, where the layers that they come from remember them. */
export const masksOf = (inputs: readonly Tensor[]): Mask[] => inputs.map((input) => masks.get(input) ?? null);
