/**
 * @file The layer's operation by kernels: the passes over data on the backend's memory, the arithmetic between them
 * per channel, in float64, by the core. The same results as composed.ts, which it is tested against.
 *
 * Two things do not dissolve in the passes: axes that the canonical layout cannot hold are transposed first and back
 * after, and an adjustment that varies within a channel is applied to the kernel's result by TF.js operations.
 */
import { Tensor, add, broadcastTo, expandDims, mul, reshape, transpose, zeros } from '@tensorflow/tfjs-core';
import type { PassMemory } from '../backends/pass-memory.js';
import type { Weights } from '../backends/passes.js';
import {
  type Correction,
  averageOverGhosts,
  movedState,
  normalizationOf,
  renormCorrection,
  statisticsInUse,
  withParameters,
} from '../core/coefficients.js';
import { type Layout, makeLayout } from '../core/layout.js';
import type { Moments } from '../core/passes.js';
import { type State, isRenormState } from '../core/state.js';
import type { Parameters, TrainingStep } from './composed.js';
import { type Step, type View, momentsOf, normalizeBy } from './kernels.js';
import type { Limits } from './renorm.js';
import type { Statistics } from './statistics.js';

/** Normalizes x (float32, not empty) by its own moments. Returns the statistics that the step leaves behind. */
export function trainFused(
  on: PassMemory,
  x: Tensor,
  parameters: Parameters,
  statistics: Statistics,
  step: TrainingStep,
): { y: Tensor; moved: Statistics<Float32Array> } {
  const layout = makeLayout(x.shape, step.axes, step.virtualBatchSize);
  const seen = arrange(x, layout);
  const weights = step.mask && elementWeights(step.mask, layout);

  const batch = momentsOf(seen, { on, layout, weights });
  const state = stateOf(on, statistics);
  const average = averageOverGhosts(batch, layout.ghosts);
  const correction = isRenormState(state)
    ? renormCorrection(average, state, { ...step, renormClipping: clippingOf(step.renormClipping) })
    : null;
  const used = statisticsInUse(batch, state);
  const moved = movedState(state, average, step, step.bessel);
  const { scale, offset, rest } = settleAdjustment(parameters, step, x.shape);
  const y = normalizeSeen({ on, layout, weights }, seen, used, correction, scale, offset, step.epsilon);

  return {
    y: rest(restore(y, layout)),
    moved: statisticsFrom(moved),
  };
}

/** The moments of x (float32, not empty), per group and channel, in float64. */
export function momentsFused(
  on: PassMemory,
  x: Tensor,
  { axes, virtualBatchSize, mask }: Pick<TrainingStep, 'axes' | 'virtualBatchSize' | 'mask'>,
): Moments {
  const layout = makeLayout(x.shape, axes, virtualBatchSize);
  return momentsOf(arrange(x, layout), { on, layout, weights: mask && elementWeights(mask, layout) });
}

/** Normalizes x (float32, not empty) by the moving statistics. */
export function inferFused(
  on: PassMemory,
  x: Tensor,
  { gamma, beta }: Parameters,
  { movingMean, movingVariance }: Statistics,
  axes: readonly number[],
  epsilon: number,
): Tensor {
  const layout = makeLayout(x.shape, axes, null);
  const [mean, variance] = on.values(movingMean, movingVariance).map((values) => new Float64Array(values));
  const used = { count: new Float64Array(movingMean.size), mean: mean!, variance: variance! };
  const view = { on, layout, weights: null };
  const y = normalizeSeen(view, arrange(x, layout), used, null, gamma, beta, epsilon);
  return restore(y, layout);
}

function normalizeSeen(
  view: View,
  seen: Tensor,
  used: Moments,
  correction: Correction | null,
  scale: Tensor | null,
  offset: Tensor | null,
  epsilon: number,
): Tensor {
  // Kernels subtract the mean as float32 has it, which is exact near it; the rest goes into the intercept.
  const centre = new Float64Array(used.mean.length);
  for (let k = 0; k < centre.length; k++) centre[k] = Math.fround(used.mean[k]!);
  const normalization = normalizationOf(used, correction, centre, epsilon);
  const values = view.on.values(...[scale, offset].filter((parameter) => parameter !== null));
  const affine = withParameters(normalization, scale && values[0]!, offset && values.at(-1)!);
  const parameterShape = (scale ?? offset)?.shape ?? [];
  const step: Step = { ...view, epsilon, used, normalization, affine, scale, parameterShape };
  return normalizeBy(step, seen, offset);
}

const arrange = (x: Tensor, { permutation }: Layout) => (permutation ? transpose(x, [...permutation]) : x);

const restore = (y: Tensor, { permutation }: Layout) =>
  permutation
    ? transpose(
        y,
        permutation.map((_, d) => permutation.indexOf(d)),
      )
    : y;

/** A mask as the passes take it: without a permutation one weight serves the input's whole last axis. */
function elementWeights(mask: Tensor, { shape, permutation }: Layout): Weights {
  const rows = broadcastTo(mask, shape.slice(0, -1));
  if (!permutation) return { values: new Float32Array(rows.dataSync()), span: shape.at(-1)! };
  const each = transpose(broadcastTo(expandDims(rows, -1), [...shape]), [...permutation]);
  return { values: new Float32Array(each.dataSync()), span: 1 };
}

/**
 * What of the adjustment goes into scale and offset, and what is left to do after: all or nothing, by whether both
 * parts of it are the same all over a channel.
 */
function settleAdjustment(
  { gamma, beta }: Parameters,
  { adjustment, axes }: TrainingStep,
  shape: readonly number[],
): { scale: Tensor | null; offset: Tensor | null; rest: (y: Tensor) => Tensor } {
  const nothing = (y: Tensor) => y;
  if (!adjustment) return { scale: gamma, offset: beta, rest: nothing };
  const [scale, bias] = adjustment;
  const dimensions = axes.map((axis) => shape[axis]!);
  const channels = dimensions.reduce((a, b) => a * b, 1);
  const varies = (part: Tensor | number) =>
    part instanceof Tensor &&
    part.shape.some((size, d) => size > 1 && !axes.includes(d + shape.length - part.rank));
  if (varies(scale) || varies(bias)) {
    const broadcastShape = shape.map((size, d) => (axes.includes(d) ? size : 1));
    const rest = (normalized: Tensor) => {
      let y: Tensor = add(mul(normalized, scale), bias);
      if (gamma) y = mul(y, reshape(gamma, broadcastShape));
      if (beta) y = add(y, reshape(beta, broadcastShape));
      return y;
    };
    return { scale: null, offset: null, rest };
  }
  const perChannel = (part: Tensor | number): Tensor => {
    const whole = add(part, 0);
    const leading = new Array<number>(shape.length - whole.rank).fill(1);
    const sizes = [...leading, ...whole.shape];
    const kept = reshape(
      whole,
      axes.map((axis) => sizes[axis]!),
    );
    // Not broadcastTo, whose gradient TF.js has up to rank 4 only.
    return reshape(add(kept, zeros(dimensions)), [channels]);
  };
  const flat = (parameter: Tensor) => reshape(parameter, [channels]);
  const [ownScale, ownBias] = [perChannel(scale), perChannel(bias)];
  const biased = gamma ? mul(ownBias, flat(gamma)) : ownBias;
  return {
    scale: gamma ? mul(ownScale, flat(gamma)) : ownScale,
    offset: beta ? add(biased, flat(beta)) : biased,
    rest: nothing,
  };
}

/** The statistics' values as the core's arithmetic takes them, good until the memory is used again. */
function stateOf(on: PassMemory, { movingMean, movingVariance, renorm }: Statistics): State {
  const tensors = { movingMean, movingVariance, ...renorm };
  const values = on.values(...Object.values(tensors));
  return Object.fromEntries(Object.keys(tensors).map((name, i) => [name, values[i]])) as unknown as State;
}

function statisticsFrom(state: State): Statistics<Float32Array> {
  const { movingMean, movingVariance } = state as Record<'movingMean' | 'movingVariance', Float32Array>;
  if (!isRenormState(state)) return { movingMean, movingVariance, renorm: null };
  return {
    movingMean,
    movingVariance,
    renorm: {
      movingStddev: state.movingStddev as Float32Array,
      renormMean: state.renormMean as Float32Array,
      renormStddev: state.renormStddev as Float32Array,
    },
  };
}

/** Limits as numbers, read now. */
function clippingOf({ rmax, rmin, dmax }: Limits): { rmax: number; rmin: number; dmax: number } {
  const number = (limit: Tensor | number | null | undefined, none: number) =>
    limit == null ? none : typeof limit === 'number' ? limit : limit.dataSync()[0]!;
  return { rmax: number(rmax, Infinity), rmin: number(rmin, -Infinity), dmax: number(dmax, Infinity) };
}
