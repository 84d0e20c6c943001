/** @file What follows a normalization where it does not dissolve in it: the adjustment, and gamma and beta after it. */
import { Tensor, add, customGrad, mul, reshape } from '@tensorflow/tfjs-core';
import { productWhereGiven, sumOver } from './sums.js';

/** Scale and bias, each a number or a tensor that can be broadcast to the input. */
export type Adjustment = readonly [Tensor | number, Tensor | number];

/** Gamma and beta in Keras' shape; null where scale or center is off. */
export interface Parameters {
  gamma: Tensor | null;
  beta: Tensor | null;
}

/** (x·scale + bias)·gamma + beta, where gamma and beta belong to `axes` of x. */
export function adjust(
  x: Tensor,
  [scale, bias]: Adjustment,
  { gamma, beta }: Parameters,
  axes: readonly number[],
): Tensor {
  const shape = x.shape.map((size, d) => (axes.includes(d) ? size : 1));
  const y = plus(times(x, scale), bias);
  const scaled = gamma ? times(y, reshape(gamma, shape)) : y;
  return beta ? plus(scaled, reshape(beta, shape)) : scaled;
}

function times(x: Tensor, factor: Tensor | number): Tensor {
  if (!(factor instanceof Tensor)) return mul(x, factor);
  // Made outside: a tape would not know what is made within, nor that the gradient depends on it.
  const whole = atRankOf(x, factor);
  const product = customGrad((...args) => {
    const save = args.at(-1) as (tensors: Tensor[]) => void;
    save([x, whole]);
    return {
      value: mul(x, whole),
      gradFunc: (dy: Tensor, [keptX, keptFactor]: Tensor[]) => [
        mul(dy, keptFactor!),
        sumTo(whole.shape, productWhereGiven(dy, keptX!)),
      ],
    };
  });
  return product(x, whole);
}

function plus(x: Tensor, term: Tensor | number): Tensor {
  if (!(term instanceof Tensor)) return add(x, term);
  const sum = customGrad(() => ({
    value: add(x, atRankOf(x, term)),
    gradFunc: (dy: Tensor) => [dy, sumTo(term.shape, dy)],
  }));
  return sum(x, term);
}

/** With dimensions of 1 before it. On webgpu TF.js (4.22) miscomputes a vector beside a tensor of rank 5 or 6. */
const atRankOf = ({ rank }: Tensor, part: Tensor) =>
  reshape(part, [...new Array<number>(rank - part.rank).fill(1), ...part.shape]);

/** The sum over what was broadcast, TF.js' gradient of which has naive sums on wasm, as sums.ts says. */
function sumTo(shape: number[], x: Tensor): Tensor {
  const missing = x.rank - shape.length;
  const wasBroadcast = (d: number) => d < missing || shape[d - missing] === 1;
  return reshape(
    sumOver(
      x,
      [...x.shape.keys()].filter((d) => wasBroadcast(d)),
    ),
    shape,
  );
}
