/**
 * @file The layer's arguments: what a user may give, Keras' defaults, and the one place where they are checked.
 *
 * Source: the manual page of `layer_batch_normalization` in R keras 2.3.0.0, and
 * tf-keras 2.18 `layers/normalization/batch_normalization.py`, whose refusals these are.
 */
import { type DataType, Tensor, type TypedArray } from '@tensorflow/tfjs-core';
import { closest } from 'fastest-levenshtein';
import { ValueError } from '../text/value-error.js';
import {
  type Constraint,
  type Initializer,
  type ObjectConfiguration,
  type Regularizer,
  resolveConstraint,
  resolveInitializer,
  resolveRegularizer,
} from './keras-objects.js';
import { show } from '../text/show.js';

/** Numbers in arrays in arrays. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** The values of one weight. */
export type WeightValues = Tensor | TypedArray | Float64Array | NestedNumbers;

/** The limits of batch renormalization's corrections; a limit left out does not clip. Read at every training step. */
export interface RenormClipping {
  /** r ≤ rmax. A number, or a scalar tensor or variable that is scheduled from outside. */
  rmax?: number | Tensor | null;
  /** r ≥ rmin. */
  rmin?: number | Tensor | null;
  /** −dmax ≤ d ≤ dmax. */
  dmax?: number | Tensor | null;
}

/**
 * Gives the scale and bias applied to the normalized input in training. Receives the input's shape; each of the two
 * is a tensor or a number that can be broadcast to it.
 */
export type Adjustment = (shape: number[]) => readonly [Tensor | number, Tensor | number];

/**
 * The arguments of {@link BatchNormalization}: those of Keras, with Keras' defaults. `null` means "not given", except
 * for `axis`.
 *
 * In training, with the mean and variance of the batch (over all axes but `axis`):
 * `x̂ = (x − mean) / √(variance + epsilon)`, `y = gamma · x̂ + beta`. In inference the moving mean and variance take the
 * batch's place.
 */
export interface BatchNormalizationArgs {
  /**
   * The axis (or axes, normalized jointly) that keeps its own statistics and parameters: the features, the channels.
   * Counted from 0; negative ones from the end, so that the default −1 is the last axis; 1 for channels first.
   */
  axis?: number | readonly number[];
  /**
   * How much of the moving mean and variance is kept in a training step:
   * `moving −= (moving − batch) · (1 − momentum)`. Usually in [0, 1]. Default 0.99.
   */
  momentum?: number | null;
  /** Added to the variance before the square root: `√(variance + epsilon)`. Default 0.001. */
  epsilon?: number | null;
  /** Whether `beta` is added. Default true. */
  center?: boolean | null;
  /** Whether the result is multiplied by `gamma`. Can be off where the next layer is linear. Default true. */
  scale?: boolean | null;
  /** Where beta starts. Default 'zeros'. */
  betaInitializer?: Initializer | ObjectConfiguration | string | null;
  /** Where gamma starts. Default 'ones'. */
  gammaInitializer?: Initializer | ObjectConfiguration | string | null;
  /** Where the moving mean (and renorm's) starts. Default 'zeros'. */
  movingMeanInitializer?: Initializer | ObjectConfiguration | string | null;
  /** Where the moving variance starts; renorm's deviations start at its square root. Default 'ones'. */
  movingVarianceInitializer?: Initializer | ObjectConfiguration | string | null;
  /** A penalty on beta, added to the loss in `fit`. Default none. */
  betaRegularizer?: Regularizer | ObjectConfiguration | string | null;
  /** A penalty on gamma, added to the loss in `fit`. Default none. */
  gammaRegularizer?: Regularizer | ObjectConfiguration | string | null;
  /** What beta is projected to after every step of an optimizer. Default none. */
  betaConstraint?: Constraint | ObjectConfiguration | string | null;
  /** What gamma is projected to after every step of an optimizer. Default none. */
  gammaConstraint?: Constraint | ObjectConfiguration | string | null;
  /**
   * Batch renormalization (Ioffe 2017, arXiv:1702.03275): in training `x̂ · r + d` replaces `x̂`, with
   * `σ = √(variance + epsilon)`, `r = σ / renormStddev`, `d = (mean − renormMean) / renormStddev`, both without a
   * gradient. Inference is unchanged. Default false.
   */
  renorm?: boolean | null;
  /** Limits of r and d in renorm. Default none: no clipping. */
  renormClipping?: RenormClipping | null;
  /** The momentum of renormMean and renormStddev. Default 0.99. */
  renormMomentum?: number | null;
  /**
   * true: refuse what Keras' fused kernel cannot do; null: nothing is refused; in both, the moving variance gets
   * Bessel's correction and masks are ignored where Keras runs that kernel (rank 4 with axis 1 or 3, rank 5 with axis
   * 1 or 4). false: never so, and the layer is built of plain TF.js operations that can be differentiated twice.
   * Default null.
   */
  fused?: boolean | null;
  /**
   * Ghost batches (Hoffer 2017, arXiv:1705.08741): in training the batch is split into groups of so many samples,
   * each normalized by itself; sample i belongs to group i mod (batch / virtualBatchSize). Must divide the batch.
   * Default null: the whole batch.
   */
  virtualBatchSize?: number | null;
  /**
   * A function from the input's shape to `[scale, bias]`, applied in training between normalization and gamma:
   * `y = ((x̂ · r + d) · scale + bias) · gamma + beta`. Gradients flow through both. Not saved. Default null.
   */
  adjustment?: Adjustment | null;
  /** The input's shape without the batch, where the layer is the first of a model. */
  inputShape?: readonly (number | null)[] | null;
  /** The input's shape with the batch, where the layer is the first of a model. */
  batchInputShape?: readonly (number | null)[] | null;
  /** The batch's size, to go with `inputShape`. */
  batchSize?: number | null;
  /** The input's type: 'float32' (default), 'int32' or 'bool'. Weights and output are float32. */
  dtype?: DataType | null;
  /** The layer's name. Default: made of the class name and a number. */
  name?: string | null;
  /** false: gamma and beta stay, and the layer works in inference mode even in training. Default true. */
  trainable?: boolean | null;
  /**
   * Initial values in Keras' order: gamma (unless `scale` is off), beta (unless `center` is off), moving mean, moving
   * variance, and with renorm moving deviation, renorm mean, renorm deviation.
   */
  weights?: readonly WeightValues[] | null;
}

/** The arguments after checking: everything given, nothing left to ask. */
export interface Options {
  axis: number | number[];
  momentum: number;
  epsilon: number;
  center: boolean;
  scale: boolean;
  betaInitializer: Initializer;
  gammaInitializer: Initializer;
  movingMeanInitializer: Initializer;
  movingVarianceInitializer: Initializer;
  betaRegularizer: Regularizer | null;
  gammaRegularizer: Regularizer | null;
  betaConstraint: Constraint | null;
  gammaConstraint: Constraint | null;
  renorm: boolean;
  renormClipping: RenormClipping;
  renormMomentum: number;
  fused: boolean | null;
  virtualBatchSize: number | null;
  adjustment: Adjustment | null;
}

/** The arguments that are about the layer's place in a model, for the base class. */
export interface Placement {
  inputShape?: (number | null)[];
  batchInputShape?: (number | null)[];
  batchSize?: number;
  dtype?: DataType;
  name?: string;
  trainable?: boolean;
}

/** Everything the constructor needs. */
export interface ResolvedArguments {
  options: Options;
  placement: Placement;
  weights: readonly WeightValues[] | null;
}

type Value = BatchNormalizationArgs[keyof BatchNormalizationArgs];

/** One entry per argument: how its value is checked and what it becomes. Also the list of known arguments. */
const ARGUMENTS: Record<keyof BatchNormalizationArgs, (name: string, value: Value) => unknown> = {
  axis: checkAxis,
  momentum: checkNumber,
  epsilon: checkNumber,
  center: checkBoolean,
  scale: checkBoolean,
  betaInitializer: resolveInitializer,
  gammaInitializer: resolveInitializer,
  movingMeanInitializer: resolveInitializer,
  movingVarianceInitializer: resolveInitializer,
  betaRegularizer: resolveRegularizer,
  gammaRegularizer: resolveRegularizer,
  betaConstraint: resolveConstraint,
  gammaConstraint: resolveConstraint,
  renorm: checkBoolean,
  renormClipping: checkClipping,
  renormMomentum: checkNumber,
  fused: checkBoolean,
  virtualBatchSize: checkVirtualBatchSize,
  adjustment: checkAdjustment,
  inputShape: checkShape,
  batchInputShape: checkShape,
  batchSize: checkBatchSize,
  dtype: checkDataType,
  name: checkName,
  trainable: checkBoolean,
  weights: checkWeights,
};

/** The names of all arguments. */
export const ARGUMENT_NAMES = Object.keys(ARGUMENTS) as readonly (keyof BatchNormalizationArgs)[];

const isKnown = (name: string): name is keyof BatchNormalizationArgs => Object.hasOwn(ARGUMENTS, name);

/**
 * Checks the arguments and fills in Keras' defaults.
 *
 * @throws TypeError for an unknown argument or a value of the wrong type
 * @throws ValueError for a value that cannot be, or for `fused: true` beside what Keras' fused kernel cannot do
 */
export function resolveArguments(args: BatchNormalizationArgs): ResolvedArguments {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(args) as [string, Value][]) {
    if (!isKnown(name)) {
      throw new TypeError(
        `Unknown argument ${show(name)}. Did you mean '${closest(name, ARGUMENT_NAMES)}'? ` +
          `Known arguments: ${ARGUMENT_NAMES.join(', ')}.`,
      );
    }
    if (value === undefined || (value === null && name !== 'axis')) continue;
    given[name] = ARGUMENTS[name](name, value);
  }
  const { inputShape, batchInputShape, batchSize, dtype, name, trainable, weights = null, ...rest } = given;
  const options: Options = {
    axis: -1,
    momentum: 0.99,
    epsilon: 0.001,
    center: true,
    scale: true,
    betaInitializer: resolveInitializer('betaInitializer', 'zeros'),
    gammaInitializer: resolveInitializer('gammaInitializer', 'ones'),
    movingMeanInitializer: resolveInitializer('movingMeanInitializer', 'zeros'),
    movingVarianceInitializer: resolveInitializer('movingVarianceInitializer', 'ones'),
    betaRegularizer: null,
    gammaRegularizer: null,
    betaConstraint: null,
    gammaConstraint: null,
    renorm: false,
    renormClipping: {},
    renormMomentum: 0.99,
    fused: null,
    virtualBatchSize: null,
    adjustment: null,
    ...rest,
  };
  if (options.fused === true) refuseWhatFusedCannotDo(options);
  if (options.virtualBatchSize !== null && options.adjustment !== null) {
    throw new ValueError(
      'virtualBatchSize and adjustment cannot be combined, as in Keras. Leave one of them out.',
    );
  }
  const placement = { inputShape, batchInputShape, batchSize, dtype, name, trainable } as Placement;
  return { options, placement, weights: weights as ResolvedArguments['weights'] };
}

/** Axes that may turn out, once the rank is known, to be one that Keras' fused kernel accepts. */
const FUSED_AXES = [-4, -3, -1, 1, 3, 4];

function refuseWhatFusedCannotDo({ axis, renorm, virtualBatchSize, adjustment }: Options): void {
  const axes = [axis].flat();
  const refuse = (what: string) => {
    throw new ValueError(`fused: true cannot be combined with ${what}. Use fused: null or false.`);
  };
  if (renorm) refuse('renorm: true');
  if (axes.length > 1 || !FUSED_AXES.includes(axes[0]!)) {
    refuse(`axis ${show(axes)}: it needs axis 1 or 3 of rank 4, or axis 1 or 4 of rank 5`);
  }
  if (virtualBatchSize !== null) refuse(`virtualBatchSize: ${virtualBatchSize}`);
  if (adjustment !== null) refuse('an adjustment');
}

function refuseType(name: string, expected: string, value: unknown): never {
  throw new TypeError(`${name}: expected ${expected}, received ${show(value)}.`);
}

function checkAxis(name: string, value: Value): number | number[] {
  if (Number.isInteger(value)) return value as number;
  if (!Array.isArray(value) || !value.every(Number.isInteger)) {
    refuseType(
      name,
      'an integer or an array of integers (1 for channels first, -1 for the last axis)',
      value,
    );
  }
  if (value.length === 0) {
    throw new ValueError(
      `${name}: expected at least one axis, received []. The default is -1, the last axis.`,
    );
  }
  return [...(value as number[])];
}

function checkNumber(name: string, value: Value): number {
  return typeof value === 'number' && Number.isFinite(value)
    ? value
    : refuseType(name, 'a finite number', value);
}

function checkBoolean(name: string, value: Value): boolean {
  return typeof value === 'boolean' ? value : refuseType(name, 'true or false', value);
}

const CLIPPING_KEYS = ['rmax', 'rmin', 'dmax'] as const;

function checkClipping(name: string, value: Value): RenormClipping {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Tensor) {
    return refuseType(name, 'an object with any of the keys rmax, rmin, dmax', value);
  }
  const unknown = Object.keys(value).filter((key) => !(CLIPPING_KEYS as readonly string[]).includes(key));
  if (unknown.length > 0) {
    throw new ValueError(`${name}: unknown keys ${show(unknown)}. Accepted are rmax, rmin and dmax.`);
  }
  const clipping = value as RenormClipping;
  for (const key of CLIPPING_KEYS) {
    const limit = clipping[key];
    if (limit == null || (limit instanceof Tensor ? limit.size === 1 : typeof limit === 'number')) continue;
    refuseType(`${name}.${key}`, 'a number, or a scalar tensor or variable', limit);
  }
  const { rmax, rmin, dmax } = clipping;
  if ([rmax, rmin, dmax].some(Number.isNaN)) {
    throw new ValueError(
      `${name}: a limit is NaN. Leave a limit out for no clipping. Received ${show(value)}.`,
    );
  }
  if (typeof rmax === 'number' && typeof rmin === 'number' && rmax < rmin) {
    throw new ValueError(`${name}: rmax (${rmax}) is below rmin (${rmin}). r is clipped to [rmin, rmax].`);
  }
  if (typeof dmax === 'number' && dmax < 0) {
    throw new ValueError(`${name}: dmax is negative (${dmax}). d is clipped to [-dmax, dmax].`);
  }
  return { ...clipping };
}

function checkVirtualBatchSize(name: string, value: Value): number {
  if (!Number.isInteger(value)) return refuseType(name, 'a positive integer that divides the batch', value);
  if ((value as number) <= 0) {
    throw new ValueError(
      `${name}: expected a positive integer that divides the batch, received ${show(value)}.`,
    );
  }
  return value as number;
}

function checkAdjustment(name: string, value: Value): Adjustment {
  if (typeof value !== 'function') {
    return refuseType(name, "a function from the input's shape to [scale, bias]", value);
  }
  return value;
}

function checkShape(name: string, value: Value): (number | null)[] {
  const isDimension = (d: unknown) => d === null || (Number.isInteger(d) && (d as number) >= 0);
  if (!Array.isArray(value) || !value.every(isDimension)) {
    refuseType(name, 'an array of dimensions, null for a free one', value);
  }
  return [...(value as (number | null)[])];
}

function checkBatchSize(name: string, value: Value): number {
  return Number.isInteger(value) && (value as number) > 0
    ? (value as number)
    : refuseType(name, 'a positive integer', value);
}

function checkDataType(name: string, value: Value): DataType {
  if (value === 'float32' || value === 'int32' || value === 'bool') return value;
  if (value === 'float16' || value === 'bfloat16' || value === 'float64') {
    throw new ValueError(
      `${name}: ${show(value)} does not exist in TF.js, which computes in float32. Use 'float32'` +
        (value === 'float64' ? ", or 'evenkeel/core' for double precision." : '.'),
    );
  }
  throw new ValueError(`${name}: expected 'float32', 'int32' or 'bool', received ${show(value)}.`);
}

function checkName(name: string, value: Value): string {
  return typeof value === 'string' && value !== '' ? value : refuseType(name, 'a string', value);
}

function checkWeights(name: string, value: Value): readonly WeightValues[] {
  if (!Array.isArray(value)) {
    return refuseType(
      name,
      "an array with one tensor, typed array or array of numbers per weight, in Keras' order",
      value,
    );
  }
  return value as readonly WeightValues[];
}
