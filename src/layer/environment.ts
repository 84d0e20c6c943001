/** @file What is often wrong around the layer, told where it shows: no backend, two copies of TF.js, arrays for tensors. */
import { engine } from '@tensorflow/tfjs-core';
import { ValueError } from '../text/value-error.js';
import { ONE_COPY, isOfAnotherCopy } from '../model/another-copy.js';

/** @throws ValueError where no backend of TF.js was imported, so that no tensor can be made */
export function checkBackend(): void {
  if (Object.keys(engine().registryFactory).length > 0) return;
  throw new ValueError(
    "TensorFlow.js has no backend to compute on. Import one, such as '@tensorflow/tfjs-backend-wasm' or " +
      "'@tensorflow/tfjs-backend-cpu', or all of '@tensorflow/tfjs', and wait for tf.ready().",
  );
}

/** What to do about a value that was given for a tensor, layer or model and is none; '' where nothing is known of it. */
export function hintFor(value: unknown): string {
  const isOfNumbers = (one: unknown): boolean =>
    ArrayBuffer.isView(one) || (Array.isArray(one) && (typeof one[0] === 'number' || isOfNumbers(one[0])));
  if (isOfNumbers(value)) return ' Make a tensor of the numbers: tf.tensor(values).';
  return isOfAnotherCopy(value) ? ` ${ONE_COPY}` : '';
}
