/** @file Makes TF.js build this layer where a saved model says `BatchNormalization`. Never a side effect of an import. */
import { serialization } from '@tensorflow/tfjs-core';
import { BatchNormalization } from './batch-normalization.js';
import { registeredClass } from '../model/tensorflow-internals.js';

/** How many calls have not been undone. */
let callers = 0;
/** What was registered before ours. */
let before: ReturnType<typeof registeredClass>;

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
  const isOurs = () => registeredClass(BatchNormalization.className)?.[0] === BatchNormalization;
  if (!isOurs()) {
    before = registeredClass(BatchNormalization.className);
    serialization.registerClass(BatchNormalization);
  }
  callers++;
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    callers--;
    if (callers === 0 && isOurs() && before) serialization.registerClass(before[0]);
  };
}
