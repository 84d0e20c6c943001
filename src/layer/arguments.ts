/**
 * @file The layer's arguments: what a user may give, and how what is TF.js' own among them is checked. The core checks
 * the others.
 *
 * Source: the manual page of `layer_batch_normalization` in R keras 2.3.0.0, and
 * tf-keras 2.18 `layers/normalization/batch_normalization.py`, whose refusals these are.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { type DataType, type TypedArray } from '@tensorflow/tfjs-core';
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
import { FOREIGN_ARGUMENTS } from './foreign-names.js';
import {
  type BatchNormalizationOptions,
  OPTION_NAMES,
  type ResolvedOptions,
  checkAdjustable,
  refuseTogether,
  resolveOptions,
} from '../core/options.js';
import { checkNames } from '../text/names.js';
import { checkNumber, refuse } from '../text/refusal.js';
import { isTensor, show } from '../text/show.js';

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
export interface BatchNormalizationArgs extends Omit<BatchNormalizationOptions, 'renormClipping' | 'fused'> {
  /** Limits of r and d in renorm. Default none: no clipping. */
  renormClipping?: RenormClipping | null;
  /**
   * true: refuse what Keras' fused kernel cannot do; null: nothing is refused; in both, the moving variance gets
   * Bessel's correction and masks are ignored where Keras runs that kernel (rank 4 with axis 1 or 3, rank 5 with axis
   * 1 or 4). false: never so, and the layer is built of plain TF.js operations that can be differentiated twice.
   * Default null.
   */
  fused?: boolean | null;
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
   * A function from the input's shape to `[scale, bias]`, applied in training between normalization and gamma:
   * `y = ((x̂ · r + d) · scale + bias) · gamma + beta`. Gradients flow through both. Not saved. Default null.
   */
  adjustment?: Adjustment | null;
  /**
   * true: in training, mean and variance are those of all ranks' batches together: `mean = Σ w·x / Σ w` and
   * `variance = Σ w·(x − mean)² / Σ w` run over every rank's elements, and so do the sums in the gradient of x. The ranks are
   * those of `distributedDataParallel` or `synchronizeOver`, read at each call. Without them, and on one rank, the layer
   * does what it does alone. In both cases, as in Keras, its numbers are those of `fused: false`: no Bessel's correction,
   * and masks count; kernels run all the same. A ValueError beside `fused: true` and `virtualBatchSize`; in training on
   * several ranks, on webgpu and where `axis` has 0. From tf-keras 2.12 and Keras 3. Default false.
   */
  synchronized?: boolean | null;
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
export interface Options extends Omit<ResolvedOptions, 'axis' | 'renormClipping'> {
  /** As it was written: one, or a list. */
  axis: number | number[];
  renormClipping: RenormClipping;
  betaInitializer: Initializer;
  gammaInitializer: Initializer;
  movingMeanInitializer: Initializer;
  movingVarianceInitializer: Initializer;
  betaRegularizer: Regularizer | null;
  gammaRegularizer: Regularizer | null;
  betaConstraint: Constraint | null;
  gammaConstraint: Constraint | null;
  adjustment: Adjustment | null;
  synchronized: boolean;
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

type Argument = keyof BatchNormalizationArgs;
type CoreOption = keyof ResolvedOptions;
type OwnArgument = Exclude<Argument, CoreOption>;

/** One entry per argument that the core does not know: how its value is checked and what it becomes. */
const OWN_ARGUMENTS: Record<OwnArgument, (name: string, value: unknown) => unknown> = {
  betaInitializer: resolveInitializer,
  gammaInitializer: resolveInitializer,
  movingMeanInitializer: resolveInitializer,
  movingVarianceInitializer: resolveInitializer,
  betaRegularizer: resolveRegularizer,
  gammaRegularizer: resolveRegularizer,
  betaConstraint: resolveConstraint,
  gammaConstraint: resolveConstraint,
  adjustment: checkFunction,
  synchronized: checkBoolean,
  inputShape: checkShape,
  batchInputShape: checkShape,
  batchSize: checkBatchSize,
  dtype: checkDataType,
  name: checkName,
  trainable: checkBoolean,
  weights: checkWeights,
};

const isOwn = (name: string): name is OwnArgument => Object.hasOwn(OWN_ARGUMENTS, name);

/** The names of all arguments. */
export const ARGUMENT_NAMES: readonly string[] = [...OPTION_NAMES, ...Object.keys(OWN_ARGUMENTS)];

/**
 * Checks the arguments and fills in Keras' defaults.
 *
 * @throws TypeError for an unknown argument or a value of the wrong type
 * @throws ValueError for a value that cannot be, or for `fused: true` beside what Keras' fused kernel cannot do,
 *   or for `synchronized: true` beside what has moments of its own
 */
export function resolveArguments(args: BatchNormalizationArgs): ResolvedArguments {
  checkNames('argument', null, args, ARGUMENT_NAMES, FOREIGN_ARGUMENTS);
  const own: Record<string, unknown> = {};
  const ofCore: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(args) as [string, unknown][]) {
    if (!isOwn(name)) ofCore[name] = value;
    else if (value != null) own[name] = OWN_ARGUMENTS[name](name, value);
  }
  const renormClipping = { ...args.renormClipping };
  const resolved = resolveOptions({ ...ofCore, renormClipping: withoutScalars(args.renormClipping) });
  const { inputShape, batchInputShape, batchSize, dtype, name, trainable, weights = null, ...more } = own;
  const options: Options = {
    ...resolved,
    axis: Array.isArray(args.axis) ? [...resolved.axis] : resolved.axis[0]!,
    renormClipping,
    betaInitializer: resolveInitializer('betaInitializer', 'zeros'),
    gammaInitializer: resolveInitializer('gammaInitializer', 'ones'),
    movingMeanInitializer: resolveInitializer('movingMeanInitializer', 'zeros'),
    movingVarianceInitializer: resolveInitializer('movingVarianceInitializer', 'ones'),
    betaRegularizer: null,
    gammaRegularizer: null,
    betaConstraint: null,
    gammaConstraint: null,
    adjustment: null,
    synchronized: false,
    ...more,
  };
  if (options.adjustment !== null) checkAdjustable(resolved);
  if (options.synchronized) checkSynchronizable(options);
  const placement = { inputShape, batchInputShape, batchSize, dtype, name, trainable } as Placement;
  return { options, placement, weights: weights as ResolvedArguments['weights'] };
}

/** Limits for the core to check, without the scalars that are scheduled from outside: they are read at each step. */
function withoutScalars(clipping: unknown): BatchNormalizationOptions['renormClipping'] {
  const isObject = typeof clipping === 'object' && clipping !== null && !Array.isArray(clipping);
  if (!isObject || isTensor(clipping)) return clipping as object | null;
  const isScalar = (limit: unknown) => isTensor(limit) && limit.size === 1;
  return Object.fromEntries(Object.entries(clipping).filter(([, limit]) => !isScalar(limit)));
}

/** @throws ValueError where moments cannot be those of all ranks */
function checkSynchronizable({ fused, virtualBatchSize }: Options): void {
  if (fused === true) refuseTogether('synchronized: true', 'fused: true');
  if (virtualBatchSize === null) return;
  // tf-keras takes both, and merges the ghost batches of all workers, which is neither of the two.
  throw new ValueError(
    `synchronized: true cannot be combined with virtualBatchSize: ${virtualBatchSize}, whose moments are those of a part ` +
      'of the batch. Leave one of them out.',
  );
}

function checkBoolean(name: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(TypeError, name, 'true or false', value);
}

function checkFunction(name: string, value: unknown): Adjustment {
  if (typeof value === 'function') return value as Adjustment;
  return refuse(TypeError, name, "a function from the input's shape to [scale, bias]", value);
}

function checkShape(name: string, value: unknown): (number | null)[] {
  const expected = 'an array of dimensions, null for a free one';
  if (!Array.isArray(value)) refuse(TypeError, name, expected, value);
  for (const dimension of value as unknown[]) {
    if (typeof dimension !== 'number' && dimension !== null) refuse(TypeError, name, expected, value);
    if (dimension !== null && !(Number.isInteger(dimension) && dimension >= 0)) {
      refuse(ValueError, name, expected, value);
    }
  }
  return [...(value as (number | null)[])];
}

function checkBatchSize(name: string, value: unknown): number {
  checkNumber(name, value, (size) => Number.isInteger(size) && size > 0, 'a positive integer');
  return value;
}

function checkDataType(name: string, value: unknown): DataType {
  if (value === 'float32' || value === 'int32' || value === 'bool') return value;
  if (value === 'float16' || value === 'bfloat16' || value === 'float64') {
    throw new ValueError(
      `${name}: ${show(value)} does not exist in TF.js, which computes in float32. Use 'float32'` +
        (value === 'float64' ? ", or 'evenkeel/core' for double precision." : '.'),
    );
  }
  throw new ValueError(`${name}: expected 'float32', 'int32' or 'bool', received ${show(value)}.`);
}

function checkName(name: string, value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : refuse(TypeError, name, 'a string', value);
}

function checkWeights(name: string, value: unknown): readonly WeightValues[] {
  if (!Array.isArray(value)) {
    return refuse(
      TypeError,
      name,
      "an array with one tensor, typed array or array of numbers per weight, in Keras' order",
      value,
    );
  }
  return value as readonly WeightValues[];
}
