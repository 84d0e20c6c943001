/**
 * @file The fused layer on backends whose tensors are in reach of the AssemblyScript kernels: the passes work in that
 * memory (passes.ts), and what they find per channel comes here, to the core's arithmetic in float64.
 */
import { type Tensor, tensor, util } from '@tensorflow/tfjs-core';
import {
  type Correction,
  averageOverGhosts,
  gradientCoefficients,
  movedState,
  normalizationOf,
  parameterGradients,
  renormCorrection,
  statisticsInUse,
  withParameters,
} from '../../core/coefficients.js';
import type { Affine, GradientSums, Moments } from '../../core/passes.js';
import { type State, isRenormState } from '../../core/state.js';
import type { Adjusters, FusedBackend, Limits, Normalization, Statistics } from '../backend.js';
import type { PassMemory } from './memory.js';
import * as passes from './kernel-passes.js';

/** A normalization in numbers. */
export interface HostNormalization extends Normalization {
  readonly epsilon: number;
  /** The moments that x is normalized by; a count of 0 where they are constants. */
  readonly used: Moments;
  /** x̂·r + d as a function of x. */
  readonly normalization: Affine;
  /** y as a function of x. */
  readonly affine: Affine;
}

/** The sums of a backward pass, once it has run. */
interface HostSums {
  found?: GradientSums;
  /** Of scale and offset, once one of them was asked for. */
  gradients?: ReturnType<typeof parameterGradients>;
}

/** @param memory of the backend that is active */
export function hostBackend(
  memory: PassMemory,
): FusedBackend<passes.Weights, Moments, HostNormalization, HostSums> {
  const normalizationBy = (
    used: Moments,
    correction: Correction | null,
    { scale, offset }: Adjusters,
    epsilon: number,
  ): HostNormalization => {
    // Kernels subtract the mean as float32 has it, which is exact near it; the rest goes into the intercept.
    const centre = new Float64Array(used.mean.length);
    for (let k = 0; k < centre.length; k++) centre[k] = Math.fround(used.mean[k]!);
    const normalization = normalizationOf(used, correction, centre, epsilon);
    const values = memory.values(...[scale, offset].filter((parameter) => parameter !== null));
    const affine = withParameters(normalization, scale && values[0]!, offset && values.at(-1)!);
    const isConstant = used.count.every((count) => count === 0);
    return { isConstant, tensors: {}, epsilon, used, normalization, affine };
  };

  return {
    weights: (mask, span) => ({ values: new Float32Array(mask.dataSync()), span }),

    moments: (x, layout, weights) => passes.moments(memory, x, layout, weights),

    byBatch(batch, { ghosts }, statistics, adjusters, step) {
      const state = stateOf(memory, statistics);
      const average = averageOverGhosts(batch, ghosts);
      const correction = isRenormState(state)
        ? renormCorrection(average, state, { ...step, renormClipping: numbersOf(step.renormClipping) })
        : null;
      const used = statisticsInUse(batch, state);
      const moved = movedState(state, average, step, step.bessel);
      return {
        found: normalizationBy(used, correction, adjusters, step.epsilon),
        moved: () => statisticsFrom(moved),
      };
    },

    byStatistics(_, { movingMean, movingVariance }, adjusters, epsilon) {
      const [mean, variance] = memory
        .values(movingMean, movingVariance)
        .map((values) => new Float64Array(values));
      const used = { count: new Float64Array(movingMean.size), mean: mean!, variance: variance! };
      return normalizationBy(used, null, adjusters, epsilon);
    },

    normalize: (x, layout, { affine }) => passes.normalize(memory, x, layout, affine),

    roomForSums: () => ({}),

    sumGradients(dy, x, layout, { affine }, sums) {
      sums.found = passes.gradientSums(memory, dy, x, layout, affine.centre);
    },

    adjusterGradient(name, _, { normalization }, sums, shape) {
      sums.gradients ??= parameterGradients(sums.found!, normalization, util.sizeFromShape(shape));
      const { dgamma, dbeta } = sums.gradients;
      return tensor(new Float32Array(name === 'scale' ? dgamma : dbeta), shape);
    },

    gradientNormalize(dy, x, layout, { used, affine, epsilon }, { found }, weights) {
      const coefficients = gradientCoefficients(found!, used, affine, epsilon);
      return passes.gradientNormalize(memory, dy, x, layout, coefficients, weights);
    },

    scaleGradient(dy, layout, { affine: { slope } }) {
      const zeros = new Float64Array(slope.length);
      return passes.normalize(memory, dy, layout, { centre: zeros, slope, intercept: zeros });
    },

    replace: (variable, values) => memory.replace(variable, values),
  };
}

/** The statistics' values as the core's arithmetic takes them, good until the memory is used again. */
function stateOf(memory: PassMemory, { movingMean, movingVariance, renorm }: Statistics): State {
  const tensors = { movingMean, movingVariance, ...renorm };
  const values = memory.values(...Object.values(tensors));
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
function numbersOf({ rmax, rmin, dmax }: Limits): { rmax: number; rmin: number; dmax: number } {
  const number = (limit: Tensor | number | null | undefined, none: number) =>
    limit == null ? none : typeof limit === 'number' ? limit : limit.dataSync()[0]!;
  return { rmax: number(rmax, Infinity), rmin: number(rmin, -Infinity), dmax: number(dmax, Infinity) };
}
