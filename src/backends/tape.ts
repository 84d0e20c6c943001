/** @file TF.js' record of what has run, from which it computes gradients. */
import { type Tensor, type TensorInfo, engine } from '@tensorflow/tfjs-core';

/**
 * Keeps tensors alive until the gradient of what ran last has been computed. TF.js' way, `inputsToSave`, clones them,
 * and a clone on wasm is a copy: here their data is shared. Can go when a clone
 * on wasm shares its data.
 */
export function keepOnTape(tensors: readonly Tensor[]): void {
  if (!engine().isTapeOn()) return;
  const { saved } = engine().state.activeTape.at(-1)!;
  for (const tensor of tensors) saved!.push(engine().keep(share(tensor)));
}

/** Another tensor of the same data, which no tape knows. */
export function share({ dataId, shape, dtype }: TensorInfo): Tensor {
  engine().backend.incRef(dataId);
  return engine().makeTensorFromTensorInfo({ dataId, shape, dtype });
}

/**
 * Lets gradients be taken while TF.js (4.22) computes some: it would begin a tape in the place of the one that it is going
 * back on, and then miss that. It can go when TF.js keeps its tape.
 */
export function onOwnTape<T>(run: () => T): T {
  const { state } = engine();
  const { activeTape } = state;
  try {
    return run();
  } finally {
    state.activeTape = activeTape;
  }
}
