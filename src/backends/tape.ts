/** @file TF.js' record of what has run, from which it computes gradients. */
import { type Tensor, engine } from '@tensorflow/tfjs-core';

/**
 * Keeps tensors alive until the gradient of what ran last has been computed. TF.js' way, `inputsToSave`, clones them,
 * and a clone on wasm is a copy: here their data is shared. Can go when a clone
 * on wasm shares its data.
 */
export function keepOnTape(tensors: readonly Tensor[]): void {
  if (!engine().isTapeOn()) return;
  const { saved } = engine().state.activeTape.at(-1)!;
  for (const { dataId, shape, dtype } of tensors) {
    engine().backend.incRef(dataId);
    saved!.push(engine().keep(engine().makeTensorFromTensorInfo({ dataId, shape, dtype })));
  }
}
