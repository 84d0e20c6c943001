/**
 * @file Adds the penalties on a layer's weights to a model's loss once, as Keras does.
 *
 * TF.js 4.22 adds them once for each call of the layer, or of a model around it, and leaves out those within a model in
 * a TimeDistributed.
 *
 * Can be deleted when `Container.calculateLosses` of tfjs-layers counts each layer once, wherever it lies.
 */
import type { Scalar } from '@tensorflow/tfjs-core';
import { type Layer, innerLayersOf } from './graph.js';
import { containerPrototype } from './tensorflow-internals.js';

interface Counting {
  calculateLosses: (this: Layer) => Scalar[];
}

/** The layers whose penalties count once. */
const counted = new WeakSet<Layer>();

/** Whether TF.js counts a model's penalties at the moment. The layers that are meant have none to show it then. */
let isCounting = false;
let isPatched = false;

/** From now on, a model counts the penalties of a layer once. Of a layer that consists of others, give those. */
export function countPenaltiesOnce(layer: Layer): void {
  if (counted.has(layer)) return;
  counted.add(layer);
  patchContainers();
  const prototype = Object.getPrototypeOf(layer) as object;
  Object.defineProperty(layer, 'losses', {
    configurable: true,
    // As the layer's class has it.
    get: (): unknown => (isCounting ? [] : Reflect.get(prototype, 'losses', layer)),
  });
}

function patchContainers(): void {
  if (isPatched) return;
  isPatched = true;
  const prototype = containerPrototype() as Counting;
  const { calculateLosses } = prototype;
  prototype.calculateLosses = function () {
    // A model in the one that counts.
    if (isCounting) return calculateLosses.call(this);
    isCounting = true;
    let others: Scalar[];
    try {
      others = calculateLosses.call(this);
    } finally {
      isCounting = false;
    }
    const meant = new Set(layersIn(this).filter((layer) => counted.has(layer)));
    return [...others, ...[...meant].flatMap((layer) => layer.calculateLosses())];
  };
}

const layersIn = (layer: Layer): Layer[] => [layer, ...innerLayersOf(layer).flatMap(layersIn)];
