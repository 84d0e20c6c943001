/** @file Makes a constant of a tensor, which TF.js has no operation for. */
import { type Tensor, clone, customGrad, scalar, zerosLike } from '@tensorflow/tfjs-core';

/**
 * `x`, but a constant to the gradient: nothing behind x is even visited, which matters where something there has no
 * gradient, as the comparison that made a mask.
 */
export function stopGradient(x: Tensor): Tensor {
  // What happens inside a customGrad is not recorded, only its arguments are; so x is not one of them.
  const constant = customGrad((unrelated) => ({
    value: clone(x),
    gradFunc: () => zerosLike(unrelated as Tensor),
  }));
  return constant(scalar(0));
}
