/**
 * @file Gradients that kernels compute and that have gradients themselves: a tape takes each for what TF.js' operations
 * would have computed, and these run when its gradient is asked for.
 */
import { type Tensor, customGrad, grads, reshape } from '@tensorflow/tfjs-core';
import { keepOnTape, onOwnTape, share } from '../backends/tape.js';

/** What gradients are computed of, by names. */
export type Sources = Readonly<Record<string, Tensor | null | undefined>> & { readonly dy: Tensor };

/**
 * The same gradients, for a tape that is on.
 *
 * @param gradients computed by kernels, each when it is called
 * @param dependencies the names of those sources that each is a function of
 * @param sources as the tape knows them; their data may be gone by the time that they are needed
 * @param valuesOf their data, given that of dy; of any shape
 * @param composed computes a gradient, of any shape, by operations that have gradients themselves
 */
export function differentiable<Name extends string, S extends Sources>(
  gradients: Record<Name, () => Tensor>,
  dependencies: Record<Name, readonly (keyof S & string)[]>,
  sources: S,
  valuesOf: (dy: Tensor) => S,
  composed: (name: Name, given: S) => Tensor,
): Record<Name, () => Tensor> {
  const again = (name: Name) => () => {
    const names = dependencies[name].filter((source) => sources[source]);
    const operation = customGrad(() => ({
      value: gradients[name](),
      gradFunc: (dy: Tensor, [keptDy]: Tensor[]) => {
        const values = valuesOf(keptDy!);
        const given = names.map((source) => asSource(sources[source]!, values[source]!));
        const f = (...tensors: Tensor[]) => {
          const named = Object.fromEntries(names.map((source, i) => [source, tensors[i]!]));
          return reshape(composed(name, { ...values, ...named }), dy.shape);
        };
        return onOwnTape(() => grads(f)(given, dy));
      },
    }));
    const result = operation(...names.map((source) => sources[source]!));
    keepOnTape([sources.dy]);
    return result;
  };
  const names = Object.keys(gradients) as Name[];
  return Object.fromEntries(names.map((name) => [name, again(name)])) as Record<Name, () => Tensor>;
}

/** A tensor with the data of `value` that a tape, if one is still on, takes for `source`. */
function asSource(source: Tensor, { dataId, dtype }: Tensor): Tensor {
  const { shape } = source;
  return customGrad(() => ({ value: share({ dataId, dtype, shape }), gradFunc: (dy: Tensor) => dy }))(source);
}
