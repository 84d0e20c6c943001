/**
 * @file The normalization and its gradient, of TF.js operations:
 *
 *   x̂ = (x − mean)·inverse      inverse = 1/√(variance + epsilon)      y = (x̂·r + d)·scale + offset
 *
 *   dx = slope·dy − w/W·slope·(Σdy + x̂·Σdy·x̂)       slope = inverse·r·scale
 *   dscale = Σdy·(x̂·r + d)       doffset = Σdy
 *
 * where w is an element's weight and W the weight of all; with other ranks, W and the two sums in dx are those of all
 * ranks. TF.js' own gradients of the same operations would do, but for digits: its gradient of the root is infinite or 0
 * for deviations beyond 1e13 and below 1e-15, its sums on wasm add one by one, and a dy of 0 times NaN is NaN. A second
 * derivative is TF.js' of these formulas.
 */
import {
  type Tensor,
  add,
  cast,
  customGrad,
  div,
  engine,
  equal,
  mul,
  notEqual,
  rsqrt,
  sub,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { ChannelTensors, ScaleAndOffset } from '../../backends/backend.js';
import type { JointCall } from '../../group/group.js';
import { allReduce } from '../all-reduce.js';
import { choose } from '../choose.js';
import { productWhereGiven, sumOver } from '../sums.js';
import { jointMoments, moments } from './batch-moments.js';
import { GHOSTS, REDUCED } from './channel-view.js';

/** What a viewed input is normalized by. */
export interface Normalization extends ChannelTensors {
  /** Of x's shape; null for 1. */
  readonly weights: Tensor | null;
}

type Kept = Normalization & { readonly x: Tensor; readonly scale: Tensor | null };

/** How it is normalized, beside by what. */
export interface NormalizationOptions {
  readonly epsilon: number;
  /** The call of all ranks whose moments these are; null where they are this one's alone. */
  readonly call: JointCall | null;
}

/** y, of x's shape, with scale and offset of shape `[1, 1, 1, channels, 1]`. The gradient reaches them and x. */
export function normalizeBy(
  x: Tensor,
  normalization: Normalization,
  options: NormalizationOptions,
  { scale, offset }: ScaleAndOffset,
): Tensor {
  const inputs = [x, scale, offset].filter((input) => input !== null);
  // What the gradient needs must go through TF.js' hands: it is gone by then, and a tape must know it.
  const needed = Object.entries({ ...normalization, x, scale });
  const present = needed.filter((entry): entry is [string, Tensor] => entry[1] !== null);
  const operation = customGrad((...args) => {
    const save = args.at(-1) as (tensors: Tensor[]) => void;
    save(present.map(([, tensor]) => tensor));
    return {
      value: apply(x, normalization, options.epsilon, { scale, offset }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const kept = Object.fromEntries([
          ...needed,
          ...present.map(([name], i): [string, Tensor] => [name, saved[i]!]),
        ]) as unknown as Kept;
        const gradients = gradientsOf(dy, kept, options);
        const shared = (given: Tensor | null, own: Tensor) => (given ? [sumOver(own, [GHOSTS])] : []);
        return [gradients.x, ...shared(scale, gradients.scale), ...shared(offset, gradients.offset)];
      },
    };
  });
  return operation(...inputs);
}

const inverseOf = ({ variance }: Normalization, epsilon: number) => rsqrt(add(variance, epsilon));

function distanceFromMean(x: Tensor, { centre, rest }: Normalization): Tensor {
  const distance = sub(x, centre);
  return rest ? sub(distance, rest) : distance;
}

/** What x − mean is multiplied by. */
function slopeOf(inverse: Tensor, r: Tensor | null, scale: Tensor | null): Tensor {
  const slope = r ? mul(inverse, r) : inverse;
  return scale ? mul(slope, scale) : slope;
}

function apply(
  x: Tensor,
  normalization: Normalization,
  epsilon: number,
  { scale, offset }: ScaleAndOffset,
): Tensor {
  const { r, d } = normalization;
  const y = mul(distanceFromMean(x, normalization), slopeOf(inverseOf(normalization, epsilon), r, scale));
  const shift = d && (scale ? mul(d, scale) : d);
  const intercept = shift && offset ? add(shift, offset) : (shift ?? offset);
  return intercept ? add(y, intercept) : y;
}

/** The gradient of x, and what each group and channel has to do with those of scale and offset. */
export function gradientsOf(
  dy: Tensor,
  kept: Kept,
  { epsilon, call }: NormalizationOptions,
): Record<'x' | 'scale' | 'offset', Tensor> {
  const { x, scale, r, d, count, weights } = kept;
  const normalization = engine().isTapeOn() ? asFunctionOfX(kept, call) : kept;
  const inverse = inverseOf(normalization, epsilon);
  const normalized = mul(distanceFromMean(x, normalization), inverse);
  const sumOfDy = sumOver(dy, REDUCED);
  const sumOfProduct = sumOver(productWhereGiven(dy, normalized), REDUCED);
  const slope = slopeOf(inverse, r, scale);
  let dx: Tensor = mul(dy, slope);
  if (count) {
    // Times its own slope on each rank, whose weights may be others.
    const own = [mul(slope, sumOfProduct), mul(slope, sumOfDy)];
    // Where there is no weight, none of this counts.
    const divisor = add(count, cast(equal(count, 0), 'float32'));
    const [ofProduct, ofDy] = (call ? allReduce(own, 'gradient sums', call) : own).map((sum) =>
      div(sum, divisor),
    );
    const viaMoments = add(mul(normalized, ofProduct!), ofDy!);
    dx = sub(dx, weights ? choose(equal(weights, 0), zerosLike(dy), mul(weights, viaMoments)) : viaMoments);
  }
  const ofScale = r && d ? add(mul(sumOfProduct, r), mul(sumOfDy, d)) : sumOfProduct;
  return { x: dx, scale: ofScale, offset: sumOfDy };
}

/** The moments computed anew, for TF.js to differentiate; those that are constants stay so. */
function asFunctionOfX(kept: Kept, call: JointCall | null): Normalization {
  const { x, count, weights } = kept;
  if (!count) return kept;
  const own = call ? jointMoments(x, weights, call) : moments(x, weights);
  if (!weights) return { ...kept, ...own };
  const isKnown = notEqual(count, 0);
  return {
    ...kept,
    centre: choose(isKnown, own.centre, kept.centre),
    rest: choose(isKnown, own.rest, zerosLike(own.rest)),
    variance: choose(isKnown, own.variance, kept.variance),
  };
}
