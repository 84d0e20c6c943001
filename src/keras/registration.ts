/** @file How TF.js comes to build this library's layers by Keras' names. */
import { BatchNormalization } from '../layer/batch-normalization.js';
import { registerClasses } from '../model/registered-classes.js';
import { ACTIVATION_CLASSES } from './activations.js';
import { LAYER_NAMES, entryOf } from './layer-table.js';

const OUR_CLASSES = LAYER_NAMES.flatMap((name) => entryOf(name)?.layer ?? []);

/**
 * From now on `tf.loadLayersModel` and `tf.models.modelFromJSON` build this library's layers for the names of Keras:
 * what TF.js lacks, and what it computes otherwise, batch normalization among it; and find its activations.
 * `loadKerasModel` does so by itself; what TF.js lacks stays registered from its first call on.
 *
 * @returns a function that brings TF.js' own classes back, once every call has been undone
 */
export const registerKerasLayers = (): (() => void) =>
  registerClasses([BatchNormalization, ...OUR_CLASSES, ...ACTIVATION_CLASSES] as Parameters<
    typeof registerClasses
  >[0]);
