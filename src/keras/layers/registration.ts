/** @file Which classes this folder has, and how TF.js comes to build them. */
import { BatchNormalization } from '../../layer/batch-normalization.js';
import { registerClasses } from '../../model/registered-classes.js';
import type { KerasLayerClass } from './keras-layer.js';
import { Subtract } from './subtract.js';

const CLASSES: readonly KerasLayerClass[] = [
  // One a line.
  Subtract,
];

const BY_NAME = new Map(CLASSES.map((cls) => [cls.className, cls]));

/** The class of this library that a layer of a Keras file becomes; undefined where it is TF.js' own. */
export const kerasLayerClass = (className: string): KerasLayerClass | undefined => BY_NAME.get(className);

/**
 * From now on `tf.loadLayersModel` and `tf.models.modelFromJSON` build this library's layers for the names of Keras:
 * what TF.js lacks, and what it computes otherwise, batch normalization among it. `loadKerasModel` does so by itself;
 * what TF.js lacks stays registered from its first call on.
 *
 * @returns a function that brings TF.js' own classes back, once every call has been undone
 */
export const registerKerasLayers = (): (() => void) =>
  registerClasses([BatchNormalization, ...CLASSES] as Parameters<typeof registerClasses>[0]);
