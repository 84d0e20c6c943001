/** @file The largest values along axes, with Keras' gradient: what is equally large shares it. In TF.js each gets all. */
import { type Tensor, cast, customGrad, div, equal, max, mul, squeeze, sum } from '@tensorflow/tfjs-core';
import { stopGradient } from '../../operation/stop-gradient.js';

export function maxAlong(x: Tensor, axes: number[], keepdims: boolean): Tensor {
  const largestOf = customGrad((input, save) => {
    const value = max(input as Tensor, axes, true);
    (save as (tensors: Tensor[]) => void)([input as Tensor, value]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const isLargest = stopGradient(cast(equal(saved[0]!, saved[1]!), 'float32'));
      return mul(isLargest, div(dy, sum(isLargest, axes, true)));
    };
    return { value, gradFunc };
  });
  const largest = largestOf(x);
  return keepdims ? largest : squeeze(largest, axes);
}
