/** @file What the operation does with an input without elements, or of samples that stand for none. */
import { type Tensor, clone, customGrad, zeros, zerosLike } from '@tensorflow/tfjs-core';
import type { Parameters } from './adjustment.js';

/**
 * x, which is empty or stands for what is, as the output. Gamma and beta have gradients of 0. It computes nothing: TF.js'
 * mean of no elements is not a number, or on wasm whatever the memory held.
 */
export function passEmpty(x: Tensor, { gamma, beta }: Parameters): Tensor {
  const parameters = [gamma, beta].filter((parameter) => parameter !== null);
  const pass = customGrad(() => ({
    value: clone(x),
    gradFunc: (dy: Tensor) => [dy, ...parameters.map((parameter) => zerosLike(parameter))],
  }));
  return pass(x, ...parameters);
}

/**
 * Trains where this rank has no element, and others have some: by one that is masked, so that every sum is made as on
 * the other ranks, in gradients of any order too.
 *
 * @param x empty, or it stands for what is
 * @param train gets an input that is not empty, and its mask
 */
export function trainEmpty(x: Tensor, train: (x: Tensor, mask: Tensor) => Tensor): Tensor {
  const one = x.shape.map((size) => Math.max(1, size));
  return zerosAs(x.shape, train(zerosAs(one, x), zeros(one.slice(0, -1))));
}

/** Zeros as a function of x whose gradient is such zeros again: what depends on x is on the tape as on the other ranks. */
function zerosAs(shape: number[], x: Tensor): Tensor {
  const operation = customGrad(() => ({
    value: zeros(shape),
    gradFunc: (dy: Tensor) => zerosAs(x.shape, dy),
  }));
  return operation(x);
}
