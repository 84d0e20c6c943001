/**
 * @file `where` for tensors of any rank. On webgpu TF.js (4.22) has none beyond rank 4, and a viewed input is of rank 5;
 * it can go when there is one.
 */
import { type Tensor, reshape, where } from '@tensorflow/tfjs-core';

/** `value` where `condition` is true, else `otherwise`; all of one shape. */
export function choose(condition: Tensor, value: Tensor, otherwise: Tensor): Tensor {
  const flat = (tensor: Tensor) => reshape(tensor, [tensor.size]);
  return reshape(where(flat(condition), flat(value), flat(otherwise)), value.shape);
}
