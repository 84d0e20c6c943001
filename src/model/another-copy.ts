/** @file Tells layers, models and symbolic tensors of another copy of TF.js, with which nothing here can be joined. */
import { SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { isLayer, isSymbolic } from './tensorflow-internals.js';

/** What to do about two copies, for the end of a message. */
export const ONE_COPY =
  'It is of another copy of TensorFlow.js than the one that evenkeel imports: have one copy only. ' +
  '`npm ls @tensorflow/tfjs-layers` shows them; `npm dedupe` joins those of one version.';

/** Whether a value has what layers or symbolic tensors have, and is none of the TF.js that is imported here. */
export function isOfAnotherCopy(value: unknown): boolean {
  const isOtherLayer = isLayer(value) && !(value instanceof layers.Layer);
  return isOtherLayer || (isSymbolic(value) && !(value instanceof SymbolicTensor));
}
