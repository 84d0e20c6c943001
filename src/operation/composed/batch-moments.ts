/** @file The batch's moments: mean and variance per ghost batch and channel, of all elements or of those that a mask lets in. */
import { type Tensor, add, cast, div, equal, fill, mul, square, sub, zerosLike } from '@tensorflow/tfjs-core';
import type { JointCall } from '../../group/group.js';
import { allReduce } from '../all-reduce.js';
import { choose, withoutNegative } from '../choose.js';
import { constants } from '../stop-gradient.js';
import { sumOver } from '../sums.js';
import { GHOSTS, REDUCED } from './channel-view.js';

/** Tensors of shape `[1, ghosts, 1, channels, 1]`. */
export interface Moments {
  /** How many elements there were, or their weight. Where it is 0, the others mean nothing. */
  readonly count: Tensor;
  /** The mean as float32 has it, near which x − centre is exact. */
  readonly centre: Tensor;
  /** What the rounding left over: the mean is centre + rest. */
  readonly rest: Tensor;
  /** The mean of the squared distances: n in the denominator, not n − 1. */
  readonly variance: Tensor;
}

/**
 * The moments of a viewed input: `mean = Σ w·x / Σ w`, `variance = Σ w·(x − mean)² / Σ w`.
 *
 * @param weights of x's shape; where one is 0, x does not enter, even if it is NaN; null for weights of 1
 */
export function moments(x: Tensor, weights: Tensor | null): Moments {
  const count = weights ? sumOver(weights, REDUCED) : countOf(x);
  const divisor = weights ? add(count, cast(equal(count, 0), 'float32')) : count;
  const counted = weights ? choose(equal(weights, 0), zerosLike(x), x) : x;
  const average = (values: Tensor) => div(sumOver(weights ? mul(weights, values) : values, REDUCED), divisor);
  const centre = average(counted);
  const distance = sub(counted, centre);
  const rest = average(distance);
  return { count, centre, rest, variance: average(square(sub(distance, rest))) };
}

/**
 * The moments of all ranks' inputs together, in two messages: the mean first, then what is left of it and the squares about
 * it. The first mean is a constant, since the moments do not depend on what they are taken about.
 *
 * @param x of which this rank may have no element that counts
 */
export function jointMoments(x: Tensor, weights: Tensor | null, call: JointCall): Moments {
  const counted = weights ? choose(equal(weights, 0), zerosLike(x), x) : x;
  const sumOf = (values: Tensor) => sumOver(weights ? mul(weights, values) : values, REDUCED);
  const [count, centre, divisor] = constants(() => {
    const own = [weights ? sumOver(weights, REDUCED) : countOf(x), sumOf(counted)];
    const [total, sum] = allReduce(own, 'moments', call) as [Tensor, Tensor];
    const positive = add(total, cast(equal(total, 0), 'float32'));
    return [total, div(sum, positive), positive];
  }) as [Tensor, Tensor, Tensor];
  const distance = sub(counted, centre);
  const own = [sumOf(distance), sumOf(square(distance))];
  const [rest, squares] = allReduce(own, 'moments about the mean', call).map((sum) => div(sum, divisor));
  return { count, centre, rest: rest!, variance: withoutNegative(sub(squares!, square(rest!))) };
}

function countOf({ shape }: Tensor): Tensor {
  const reduced = REDUCED.reduce((product, d) => product * shape[d]!, 1);
  return fill(
    shape.map((size, d) => (REDUCED.includes(d) ? 1 : size)),
    reduced,
  );
}

/** Ghost batches share their statistics: the mean of what each of them tells, as in Keras. */
export function averageOverGhosts(values: Tensor): Tensor {
  const ghosts = values.shape[GHOSTS]!;
  return ghosts === 1 ? values : div(sumOver(values, [GHOSTS]), ghosts);
}

/** The mean in one number. Of an infinite value it is infinite, as in Keras, while there is no rest to it. */
export function meanOf({ centre, rest }: Moments): Tensor {
  return add(centre, choose(equal(rest, rest), rest, zerosLike(rest)));
}
