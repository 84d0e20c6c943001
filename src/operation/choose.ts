/**
 * @file `where` for tensors of any rank. On webgpu TF.js (4.22) has none beyond rank 4, and a viewed input is of rank 5;
 * it can go when there is one.
 */
import { type Tensor, less, reshape, where, zerosLike } from '@tensorflow/tfjs-core';
import { stopGradient } from './stop-gradient.js';

/** `value` where `condition` is true, else `otherwise`; all of one shape. */
export function choose(condition: Tensor, value: Tensor, otherwise: Tensor): Tensor {
  const flat = (tensor: Tensor) => reshape(tensor, [tensor.size]);
  return reshape(where(flat(condition), flat(value), flat(otherwise)), value.shape);
}

/** max(0, x). Not TF.js' relu, which on wasm (4.22) makes 0 of what is not a number; it can go when that is mended. */
export const withoutNegative = (x: Tensor): Tensor => choose(less(stopGradient(x), 0), zerosLike(x), x);
