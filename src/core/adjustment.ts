/**
 * @file The adjustment: in training, n = x̂·r + d becomes n·A + B before gamma and beta,
 *
 *   y = (n·A + B)·gamma + beta
 *
 * with A and B of any shape that broadcasts to x. As they may vary within a channel, no slope and intercept per channel
 * can hold them: this file goes over the data itself, ahead of the gradient passes on the way back.
 *
 * Source: keras-team/tf-keras:tf_keras/src/layers/normalization/batch_normalization.py, `adjustment`.
 */
import { forEachElement, type Layout } from './layout.js';
import { broadcastIndices, checkLength, type FloatArray, type NdArray } from './nd-array.js';
import type { Affine } from './passes.js';

/** Scale and bias of the normalized values; broadcastable to x, or one number for all. */
export interface Adjustment {
  readonly scale: number | NdArray;
  readonly bias: number | NdArray;
}

/** Values as they look in x's shape: element i of x has values[indices[i]]. */
interface Spread {
  readonly values: ArrayLike<number>;
  readonly indices: Uint32Array;
}

/** An adjustment as it looks in x's shape. */
export interface SpreadAdjustment {
  readonly scale: Spread;
  readonly bias: Spread;
}

function spread(name: string, given: number | NdArray, shape: readonly number[]): Spread {
  const { values, shape: own } = typeof given === 'number' ? { values: [given], shape: [] } : given;
  checkLength(name, values.length, own);
  return { values, indices: broadcastIndices(name, own, shape) };
}

/** @throws ValueError where scale or bias do not broadcast to the shape. */
export const spreadAdjustment = (
  { scale, bias }: Adjustment,
  shape: readonly number[],
): SpreadAdjustment => ({
  scale: spread("The adjustment's scale", scale, shape),
  bias: spread("The adjustment's bias", bias, shape),
});

/** Writes `y = (n·A + B)·gamma + beta` with `n = slope·(x − centre) + intercept`, and returns it. */
export function normalizeAdjusted<Output extends FloatArray>(
  x: FloatArray,
  layout: Layout,
  { centre, slope, intercept }: Affine,
  { scale, bias }: SpreadAdjustment,
  gamma: FloatArray,
  beta: FloatArray,
  y: Output,
): Output {
  forEachElement(layout, (i, k) => {
    const p = k % gamma.length;
    const n = slope[k]! * (x[i]! - centre[k]!) + intercept[k]!;
    const adjusted = n * scale.values[scale.indices[i]!]! + bias.values[bias.indices[i]!]!;
    y[i] = adjusted * gamma[p]! + beta[p]!;
  });
  return y;
}

/** The gradients of all that comes after n, and of n itself. */
export interface AdjustedGradients {
  /** The gradient of n, one per element. */
  readonly dn: Float64Array;
  readonly dgamma: Float64Array;
  readonly dbeta: Float64Array;
  /** Of the length that the adjustment's scale has. */
  readonly dscale: Float64Array;
  /** Of the length that the adjustment's bias has. */
  readonly dbias: Float64Array;
}

/**
 * dgamma = Σdy·(n·A + B), dbeta = Σdy, dA = Σdy·gamma·n, dB = Σdy·gamma and dn = dy·gamma·A, each sum over the elements
 * that share the number.
 */
export function gradientAdjusted(
  dy: ArrayLike<number>,
  x: FloatArray,
  layout: Layout,
  { centre, slope, intercept }: Affine,
  { scale, bias }: SpreadAdjustment,
  gamma: FloatArray,
): AdjustedGradients {
  const dn = new Float64Array(x.length);
  const dgamma = new Float64Array(gamma.length);
  const dbeta = new Float64Array(gamma.length);
  const dscale = new Float64Array(scale.values.length);
  const dbias = new Float64Array(bias.values.length);
  forEachElement(layout, (i, k) => {
    if (dy[i] === 0) return; // as in gradientSums
    const p = k % gamma.length;
    const scaleIndex = scale.indices[i]!;
    const biasIndex = bias.indices[i]!;
    const factor = scale.values[scaleIndex]!;
    const n = slope[k]! * (x[i]! - centre[k]!) + intercept[k]!;
    const dAdjusted = dy[i]! * gamma[p]!;
    dgamma[p]! += dy[i]! * (n * factor + bias.values[biasIndex]!);
    dbeta[p]! += dy[i]!;
    dscale[scaleIndex]! += dAdjusted * n;
    dbias[biasIndex]! += dAdjusted;
    dn[i] = dAdjusted * factor;
  });
  return { dn, dgamma, dbeta, dscale, dbias };
}
