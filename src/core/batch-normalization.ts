/**
 * @file The layer on typed arrays, forward and backward: the wiring of passes.ts and coefficients.ts. State comes in
 * and goes out; nothing given is written to.
 */
import {
  gradientAdjusted,
  normalizeAdjusted,
  spreadAdjustment,
  type Adjustment,
  type SpreadAdjustment,
} from './adjustment.js';
import {
  averageOverGhosts,
  gradientCoefficients,
  movedState,
  normalizationOf,
  parameterGradients,
  renormCorrection,
  statisticsInUse,
  timesSlope,
  withParameters,
} from './coefficients.js';
import { makeLayout, type Layout } from './layout.js';
import { broadcastIndices, checkFloats, checkLength, type FloatArray, type NdArray } from './nd-array.js';
import { checkAdjustable, refuseTogether, type BatchNormalizationOptions } from './options.js';
import {
  gradientNormalize,
  gradientSums,
  moments,
  normalize,
  zerosFor,
  type Affine,
  type Moments,
} from './passes.js';
import { checkGhosts, makePlan, type Plan } from './plan.js';
import { checkState, isRenormState, type State } from './state.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** What a call may say beyond its input. */
export interface CallArguments {
  /** Normalize by the batch's statistics, and move the moving ones. Default: false, which is inference. */
  training?: boolean;
  /** false freezes the layer: inference, whatever `training` says. Default: true. */
  trainable?: boolean;
  /**
   * The weight of each element in the statistics (true is 1, false 0), one dimension less than x: it is given a last
   * dimension of 1, and dimensions of 1 repeat. A masked element is normalized like the rest. Inference does without,
   * and so does training where Keras runs its fused kernel (`fused`).
   */
  mask?: NdArray<ArrayLike<number | boolean>> | null;
  /** Training only. */
  adjustment?: Adjustment | null;
  /** false: training leaves the state as it is. Default: true. */
  updateMovingStatistics?: boolean;
}

/** What `forward` gives. */
export interface Forward<Values extends FloatArray> {
  readonly y: Values;
  /** The state after the call. */
  readonly state: State;
  /** For `backward`. Holds x, not a copy. */
  readonly saved: Saved<Values>;
}

/** What `backward` needs to know of the call; for its eyes only. */
export interface Saved<Values extends FloatArray> {
  readonly x: Values;
  readonly layout: Layout;
  readonly plan: Plan;
  readonly weights: Float64Array | undefined;
  readonly statistics: Moments;
  /** n = x̂·r + d as a function of x. */
  readonly normalization: Affine;
  readonly gamma: FloatArray;
  readonly beta: FloatArray;
  readonly adjustment: SpreadAdjustment | undefined;
}

/** Gradients of Σy·dy. */
export interface Gradients<Values extends FloatArray> {
  readonly dx: Values;
  /** With `scale`. */
  readonly dgamma?: Float64Array;
  /** With `center`. */
  readonly dbeta?: Float64Array;
  /** With an adjustment that was used: of its scale, in that one's shape. */
  readonly dscale?: Float64Array;
  /** With an adjustment that was used: of its bias, in that one's shape. */
  readonly dbias?: Float64Array;
}

/**
 * Normalizes x: `y = ((x̂·r + d)·A + B)·gamma + beta` with x̂ = (x − mean)/√(variance + epsilon). Training takes mean and
 * variance from the batch, inference from the state; r and d come from renorm, A and B from the adjustment.
 *
 * All arithmetic is in float64; y has the array type of x, and each array of the state keeps its own.
 *
 * @throws TypeError for an option that is not known or of the wrong type, and for arrays that do not hold floats.
 * @throws ValueError for values and shapes that are out of range or do not go together.
 * @example
 * const options = { momentum: 0.9 };
 * const x = { values: Float64Array.of(1, 10, 3, 30), shape: [2, 2] };
 * const { y, state } = forward(x, initialState(options, x.shape), options, { training: true });
 * // y ≈ [-1, -1, 1, 1], state.movingMean ≈ [0.2, 2]
 */
export function forward<Values extends FloatArray>(
  x: NdArray<Values>,
  state: State,
  options: BatchNormalizationOptions = {},
  call: CallArguments = {},
): Forward<Values> {
  const plan = makePlan(options, x.shape);
  checkFloats('x', x.values);
  checkLength('x', x.values.length, x.shape);
  checkState(state, plan);
  const { virtualBatchSize, epsilon } = plan.options;
  if (call.adjustment != null) checkAdjustable(plan.options);

  const usesBatch = call.training === true && call.trainable !== false && x.values.length > 0;
  if (usesBatch && virtualBatchSize !== null) {
    if (call.mask != null) refuseTogether('virtualBatchSize', 'a mask');
    checkGhosts('The call', virtualBatchSize, x.shape[0]!);
  }
  const layout = makeLayout(plan.shape, plan.axes, usesBatch ? virtualBatchSize : null);
  const adjustment = usesBatch && call.adjustment ? spreadAdjustment(call.adjustment, x.shape) : undefined;
  const isFusedInKeras = plan.isFusedInKeras && adjustment === undefined;
  const weights = usesBatch && call.mask && !isFusedInKeras ? spreadMask(call.mask, x.shape) : undefined;

  const batch = usesBatch ? moments(x.values, layout, weights) : noMoments(layout);
  const average = averageOverGhosts(batch, layout.ghosts);
  const parameters = average.count.length;
  const correction = isRenormState(state) ? renormCorrection(average, state, plan.options) : null;
  const statistics = statisticsInUse(batch, state);
  const normalization = normalizationOf(statistics, correction, statistics.mean, epsilon);

  const gamma = state.gamma ?? new Float64Array(parameters).fill(1);
  const beta = state.beta ?? new Float64Array(parameters);
  const y = emptyLike(x.values);
  if (adjustment === undefined) normalize(x.values, layout, withParameters(normalization, gamma, beta), y);
  else normalizeAdjusted(x.values, layout, normalization, adjustment, gamma, beta, y);

  const doesUpdate = call.updateMovingStatistics !== false;
  return {
    y,
    state: doesUpdate ? movedState(state, average, plan.options, isFusedInKeras) : state,
    saved: { x: x.values, layout, plan, weights, statistics, normalization, gamma, beta, adjustment },
  };
}

/**
 * The gradients of Σy·dy for what `forward` was given, with r and d of renorm held constant, as Keras holds them.
 *
 * @param dy one value per element of y.
 * @throws ValueError for a dy of another length.
 * @example
 * const x = { values: Float64Array.of(1, 2, 3, 6), shape: [4, 1] };
 * const { saved } = forward(x, initialState({}, x.shape), {}, { training: true });
 * backward([0, 0, 0, 1], saved).dbeta; // Float64Array [1]
 */
export function backward<Values extends FloatArray>(
  dy: ArrayLike<number>,
  { x, layout, plan, weights, statistics, normalization, gamma, beta, adjustment }: Saved<Values>,
): Gradients<Values> {
  checkLength('dy', dy.length, plan.shape);
  const { epsilon, scale, center } = plan.options;
  const { centre } = normalization;

  // Where something varies within a channel between n and y, the gradient goes back to n first; else straight to x.
  const adjusted = adjustment && gradientAdjusted(dy, x, layout, normalization, adjustment, gamma);
  const upstream = adjusted?.dn ?? dy;
  const affine = adjusted ? normalization : withParameters(normalization, gamma, beta);
  const sums = gradientSums(upstream, x, layout, centre);
  const coefficients = gradientCoefficients(timesSlope(sums, affine), statistics, affine, epsilon);
  const { dgamma, dbeta } = adjusted ?? parameterGradients(sums, normalization, gamma.length);
  return {
    dx: gradientNormalize(upstream, x, layout, coefficients, weights, emptyLike(x)),
    ...(scale && { dgamma: dgamma.slice() }),
    ...(center && { dbeta: dbeta.slice() }),
    ...(adjusted && { dscale: adjusted.dscale, dbias: adjusted.dbias }),
  };
}

/** A batch that tells nothing: every count is 0. */
function noMoments(layout: Layout): Moments {
  return { count: zerosFor(layout), mean: zerosFor(layout), variance: zerosFor(layout) };
}

/** One weight per element of x. */
function spreadMask(mask: NdArray<ArrayLike<number | boolean>>, shape: readonly number[]): Float64Array {
  if (mask.shape.length !== shape.length - 1) {
    throw new ValueError(
      `The mask has shape ${show(mask.shape)}, but x has shape ${show(shape)}: give the mask one dimension less than x, with ` +
        'dimensions of 1 where it repeats.',
    );
  }
  checkLength('The mask', mask.values.length, mask.shape);
  const indices = broadcastIndices('The mask, given a last dimension,', [...mask.shape, 1], shape);
  return Float64Array.from(indices, (index) => Number(mask.values[index]));
}

/** An array of the same type and length, of zeros. */
function emptyLike<Values extends FloatArray>(values: Values): Values {
  return (
    values instanceof Float64Array ? new Float64Array(values.length) : new Float32Array(values.length)
  ) as Values;
}
