/** @file Makes constants of tensors, which TF.js (4.22) has no operation for; it can go when there is one. */
import {
  type Tensor,
  clone,
  customGrad,
  engine,
  reshape,
  scalar,
  stack,
  unstack,
  zerosLike,
} from '@tensorflow/tfjs-core';

/**
 * `x`, but a constant to the gradient: nothing behind x is even visited, which matters where something there has no
 * gradient, as a comparison.
 */
export function stopGradient(x: Tensor): Tensor {
  return engine().isTapeOn() ? unrecorded(() => clone(x)) : x;
}

/** Tensors of one shape that are constants to the gradient; nothing of what they are computed by is kept for it. */
export function constants(compute: () => Tensor[]): Tensor[] {
  if (!engine().isTapeOn()) return compute();
  let shape: number[] = [];
  const all = unrecorded(() => {
    const tensors = compute();
    shape = tensors[0]!.shape;
    return stack(tensors.map((tensor) => reshape(tensor, [tensor.size])));
  });
  return unstack(all).map((tensor) => reshape(tensor, shape));
}

/** What happens inside a customGrad is not recorded, only its arguments are; so nothing is one of them. */
function unrecorded(compute: () => Tensor): Tensor {
  const constant = customGrad((unrelated) => ({
    value: compute(),
    gradFunc: () => zerosLike(unrelated as Tensor),
  }));
  return constant(scalar(0));
}
