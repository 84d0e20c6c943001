/** @file TF.js' `where`, which throws beyond rank 4 on its webgl and webgpu backends, for any rank. */
import { type Tensor, reshape, where as whereUpToRank4 } from '@tensorflow/tfjs-core';

/** Elements of `a` where the condition holds, of `b` elsewhere. All three have one shape and are not empty. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const flat = (tensor: Tensor) => reshape(tensor, [-1]);
  return reshape(whereUpToRank4(flat(condition), flat(a), flat(b)), condition.shape);
}
