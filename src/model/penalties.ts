/**
 * @file Adds the penalties of a layer to a model's loss once, as Keras does.
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

let isCounting = false;

/** Whether TF.js counts a model's penalties at the moment. The layers that are meant have none to show it then. */
export const countsPenalties = (): boolean => isCounting;

/** From now on, a model counts the penalties of the layers that are meant once. */
export function countPenaltiesOnce(isMeant: (layer: Layer) => boolean): void {
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
    const meant = new Set(layersIn(this).filter(isMeant));
    return [...others, ...[...meant].flatMap((layer) => layer.calculateLosses())];
  };
}

const layersIn = (layer: Layer): Layer[] => [layer, ...innerLayersOf(layer).flatMap(layersIn)];
