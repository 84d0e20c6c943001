/** @file Sums over ranks as an operation of TF.js, which can be differentiated to any order: its gradient is the same sum. */
import { type Tensor, customGrad, reshape, stack, tensor, unstack } from '@tensorflow/tfjs-core';
import { type JointCall, messageOf } from '../group/group.js';

/** The sums over all ranks of tensors of one shape, in one message. */
export function allReduce(tensors: readonly Tensor[], what: string, call: JointCall): Tensor[] {
  const { shape } = tensors[0]!;
  const own = stack(tensors.map((one) => reshape(one, [one.size])));
  return unstack(sumOverRanks(own, what, call)).map((sum) => reshape(sum, shape));
}

function sumOverRanks(x: Tensor, what: string, call: JointCall): Tensor {
  const operation = customGrad(() => ({
    value: tensor(new Float32Array(call.sum(what, messageOf(x.dataSync()))), x.shape),
    // Each rank's part of the loss depends on the sum.
    gradFunc: (dy: Tensor) => sumOverRanks(dy, `the gradient of ${what}`, call),
  }));
  return operation(x);
}
