/**
 * @file Results of kernels that can be differentiated: a tape takes one for what TF.js' operations would have computed,
 * and these run when its gradient is asked for. So the gradient of a kernel has gradients of every order, and the first
 * costs nothing for it.
 */
import { type Tensor, customGrad, engine, grads } from '@tensorflow/tfjs-core';
import { keepOnTape, share } from '../backends/tape.js';

/** What a gradient is computed of, by names. */
export type Sources = Readonly<Record<string, Tensor | null | undefined>> & { readonly dy: Tensor };

/**
 * What `compute` gives; within another gradient, a function of those `sources` that `names` has.
 *
 * @param sources as a tape knows them; their data may be gone
 * @param valuesOf the same with their data, in tensors that last as long as the tape, as does the dy that it is given
 * @param composed computes the same by operations that have gradients
 */
export function differentiable<S extends Sources>(
  compute: () => Tensor,
  names: readonly (keyof S & string)[],
  sources: S,
  valuesOf: (dy: Tensor) => S,
  composed: (given: S) => Tensor,
): Tensor {
  if (!engine().isTapeOn()) return compute();
  const present = names.filter((name) => sources[name]);
  const operation = customGrad(() => ({
    value: compute(),
    gradFunc: (gradient: Tensor, [dy]: Tensor[]) => {
      const values = valuesOf(dy!);
      const given = present.map((name) => asSource(sources[name]!, values[name]!));
      const f = (...tensors: Tensor[]) =>
        composed({ ...values, ...Object.fromEntries(present.map((name, i) => [name, tensors[i]!])) });
      return onOwnTape(() => grads(f)(given, gradient));
    },
  }));
  const result = operation(...present.map((name) => sources[name]!));
  keepOnTape([sources.dy]);
  return result;
}

/** A tensor with the data of `value`, which a tape takes for `source`: where gradients of a higher order are to come. */
function asSource(source: Tensor, value: Tensor): Tensor {
  return customGrad(() => ({ value: share(value), gradFunc: (dy: Tensor) => dy }))(source);
}

/**
 * Lets gradients be taken while TF.js (4.22) computes some: it would begin a tape in the place of the one that it is going
 * back on, and then miss that. It can go when TF.js keeps its tape.
 */
function onOwnTape<T>(run: () => T): T {
  const { state } = engine();
  const { activeTape } = state;
  try {
    return run();
  } finally {
    state.activeTape = activeTape;
  }
}
