/** @file Has TF.js train models as Keras does where it does not. */
import { passCallArgumentsOn } from './executed-call.js';
import { freezeAsKeras } from './frozen.js';
import type { Layer } from './graph.js';
import { foldTime } from './time-distributed.js';

let isPatched = false;

/**
 * Patches the classes of TF.js, once. Called by the first layer that is made, since an import has no side effects.
 *
 * @param isNormalization whether a layer is one for whose sake it is done
 */
export function trainAsKeras(isNormalization: (layer: Layer) => boolean): void {
  if (isPatched) return;
  isPatched = true;
  freezeAsKeras();
  passCallArgumentsOn();
  foldTime(isNormalization);
}
