/** @file What the operation gives for an input without elements. */
import { type Tensor, clone, customGrad, zerosLike } from '@tensorflow/tfjs-core';
import type { Parameters } from './adjustment.js';

/**
 * x, which is empty, as the output. Gamma and beta have gradients of 0. It computes nothing: TF.js' mean of no elements
 * is not a number, or on wasm whatever the memory held.
 */
export function passEmpty(x: Tensor, { gamma, beta }: Parameters): Tensor {
  const parameters = [gamma, beta].filter((parameter) => parameter !== null);
  const pass = customGrad(() => ({
    value: clone(x),
    gradFunc: (dy: Tensor) => [dy, ...parameters.map((parameter) => zerosLike(parameter))],
  }));
  return pass(x, ...parameters);
}
