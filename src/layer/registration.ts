/** @file Makes TF.js build this layer where a saved model says `BatchNormalization`. Never a side effect of an import. */
import { serialization } from '@tensorflow/tfjs-core';
import { BatchNormalization } from './batch-normalization.js';
import { registeredClass } from '../model/tensorflow-internals.js';

/**
 * From now on `tf.loadLayersModel` and `tf.models.modelFromJSON` build this layer for the class name
 * `BatchNormalization`, in the place of TF.js' own. Without it, models with renorm or ghost batches do not load.
 *
 * @returns a function that brings back what was registered before
 * @example
 * ```ts
 * const saved = tf.sequential({ layers: [layerBatchNormalization({ renorm: true, inputShape: [4] })] });
 * const undo = registerBatchNormalization();
 * const model = await tf.models.modelFromJSON(JSON.parse(saved.toJSON() as string)); // or tf.loadLayersModel(…)
 * undo();
 * ```
 */
export function registerBatchNormalization(): () => void {
  const before = registeredClass(BatchNormalization.className);
  serialization.registerClass(BatchNormalization);
  return () => {
    if (registeredClass(BatchNormalization.className)?.[0] !== BatchNormalization) return;
    if (before) serialization.registerClass(before[0]);
  };
}
