/** @file Makes TF.js build this layer where a saved model says `BatchNormalization`. Never a side effect of an import. */
import { BatchNormalization } from './batch-normalization.js';
import { registerClasses } from '../model/registered-classes.js';

/**
 * From now on `tf.loadLayersModel` and `tf.models.modelFromJSON` build this layer for the class name
 * `BatchNormalization`, in the place of TF.js' own. Without it, models with renorm or ghost batches do not load.
 *
 * @returns a function that brings back what was registered before, once every call has been undone
 * @example
 * ```ts
 * const saved = tf.sequential({ layers: [layerBatchNormalization({ renorm: true, inputShape: [4] })] });
 * const undo = registerBatchNormalization();
 * const model = await tf.models.modelFromJSON(JSON.parse(saved.toJSON() as string)); // or tf.loadLayersModel(…)
 * undo();
 * ```
 */
export function registerBatchNormalization(): () => void {
  return registerClasses([BatchNormalization]);
}
