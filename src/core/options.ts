/**
 * @file The options of batch normalization: their meaning, defaults and checks, for the core and for the layer, which
 * adds what is TF.js': initializers, regularizers, constraints, types and shapes. What an option does to a given shape
 * stands in plan.ts.
 *
 * Source of names, defaults and refusals: keras-team/tf-keras:tf_keras/src/layers/normalization/batch_normalization.py.
 */
import { checkNumber, refuse, type Refusal } from '../text/refusal.js';
import { isTensor, show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** Limits of the batch renormalization correction. Numbers; what is left out or null does not limit. */
export interface RenormClipping {
  /** r is at most this. At least `rmin`, and never below 0. */
  rmax?: number | null;
  /** r is at least this. */
  rmin?: number | null;
  /** d stays within ±dmax. At least 0. */
  dmax?: number | null;
}

/** Keras' arguments in camelCase. Left out, undefined and (but for `axis`) null all mean the default. */
export interface BatchNormalizationOptions {
  /**
   * The axis (or axes, normalized jointly) that keeps its own statistics and parameters: the features, the channels.
   * Counted from 0; negative ones from the end. 1 for channels first. Default -1: the last axis.
   */
  axis?: number | readonly number[];
  /**
   * How much of the moving mean and variance is kept in a training step:
   * `moving −= (moving − batch) · (1 − momentum)`. Usually in [0, 1]. Default 0.99.
   */
  momentum?: number | null;
  /** Added to the variance before the square root: `√(variance + epsilon)`. At least 0. Default 0.001. */
  epsilon?: number | null;
  /** Whether `beta` is added. Default true. */
  center?: boolean | null;
  /** Whether the result is multiplied by `gamma`. Can be off where the next layer is linear. Default true. */
  scale?: boolean | null;
  /**
   * Batch renormalization (Ioffe 2017, arXiv:1702.03275): in training `x̂ · r + d`, which lies near what inference does,
   * replaces `x̂`, with `σ = √(variance + epsilon)`, `r = σ / renormStddev`, `d = (mean − renormMean) / renormStddev`,
   * both without a gradient. Inference is unchanged. Default false.
   */
  renorm?: boolean | null;
  /** Limits of r and d in renorm. Default none: no clipping. */
  renormClipping?: RenormClipping | null;
  /** The momentum of renormMean and renormStddev. Default 0.99. */
  renormMomentum?: number | null;
  /**
   * Which of its two implementations Keras would run, for they differ in what they mean: where the fused one runs (rank
   * 4 with axis 1 or 3, rank 5 with axis 1 or 4), the moving variance gets Bessel's correction, and masks are ignored.
   * null: where it can. false: nowhere. true: where it can, and a ValueError where Keras raises one. Default null.
   */
  fused?: boolean | null;
  /**
   * Ghost batches (Hoffer 2017, arXiv:1705.08741): in training the batch is split into groups of so many samples,
   * each normalized by itself; sample i belongs to group i mod (batch / virtualBatchSize). Must divide the batch.
   * Default null: the whole batch.
   */
  virtualBatchSize?: number | null;
}

/** Options with nothing left open. */
export interface ResolvedOptions {
  /** As written, not yet counted from the front: that needs the shape's rank. */
  readonly axis: readonly number[];
  readonly momentum: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly renorm: boolean;
  readonly renormClipping: { readonly rmax: number; readonly rmin: number; readonly dmax: number };
  readonly renormMomentum: number;
  readonly fused: boolean | null;
  readonly virtualBatchSize: number | null;
}

/** Options with the defaults filled in, whose types a JavaScript program may not have kept to. */
type UncheckedOptions = Record<keyof ResolvedOptions, unknown>;

const DEFAULTS: UncheckedOptions = {
  axis: -1,
  momentum: 0.99,
  epsilon: 0.001,
  center: true,
  scale: true,
  renorm: false,
  renormClipping: {},
  renormMomentum: 0.99,
  fused: null,
  virtualBatchSize: null,
};

/** The names of all options. */
export const OPTION_NAMES = Object.keys(DEFAULTS) as readonly (keyof ResolvedOptions)[];

/** r is never negative and nothing exceeds infinity, so these limit nothing. */
const NO_CLIPPING = { rmax: Infinity, rmin: 0, dmax: Infinity };

/** Where an axis may be written for Keras' fused kernel: 1 and the last one, of rank 4 or 5, from either end. */
const FUSED_AXES = [-4, -3, -1, 1, 3, 4];

/** The defaults, overwritten by what was given; `Refusal` is raised for a name that is not among them. */
function withDefaults<Defaults extends object>(
  noun: string,
  Refusal: Refusal,
  defaults: Defaults,
  given: object,
): Defaults {
  const isGiven = ([key, value]: [string, unknown]) => {
    if (!Object.hasOwn(defaults, key)) {
      throw new Refusal(`Unknown ${noun} ${show(key)}. Known are ${Object.keys(defaults).join(', ')}.`);
    }
    return value !== undefined && (value !== null || key === 'axis');
  };
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(isGiven)) };
}

function resolveAxis(axis: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(axis) ? axis : [axis];
  if (!list.every(Number.isInteger)) {
    refuse(
      TypeError,
      'axis',
      'an integer or an array of integers (1 for channels first, -1 for the last axis)',
      axis,
    );
  }
  if (list.length === 0) refuse(ValueError, 'axis', 'at least one axis, such as -1, the last', axis);
  return [...list] as readonly number[];
}

function resolveClipping(clipping: unknown): ResolvedOptions['renormClipping'] {
  if (typeof clipping !== 'object' || clipping === null || Array.isArray(clipping) || isTensor(clipping)) {
    return refuse(TypeError, 'renormClipping', 'an object such as { rmax: 3, rmin: 0.3, dmax: 5 }', clipping);
  }
  const resolved = withDefaults('limit in renormClipping', ValueError, NO_CLIPPING, clipping);
  const { rmin } = resolved;
  checkNumber('renormClipping.rmin', rmin, (limit) => !Number.isNaN(limit), 'a number');
  const noLess = `a number no less than rmin, which is ${rmin}`;
  checkNumber('renormClipping.rmax', resolved.rmax, (limit) => limit >= rmin, noLess);
  checkNumber('renormClipping.dmax', resolved.dmax, (limit) => limit >= 0, 'a number of at least 0');
  return resolved;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws TypeError for an option that is not known, or of the wrong type.
 * @throws ValueError for a value out of range, and for options that exclude each other.
 */
export function resolveOptions(options: BatchNormalizationOptions = {}): ResolvedOptions {
  const given = withDefaults('option', TypeError, DEFAULTS, options);
  for (const name of ['momentum', 'renormMomentum'] as const) {
    checkNumber(name, given[name], Number.isFinite, 'a finite number, usually from 0 to 1');
  }
  const isEpsilon = (epsilon: number) => Number.isFinite(epsilon) && epsilon >= 0;
  checkNumber('epsilon', given.epsilon, isEpsilon, 'a finite number of at least 0');
  for (const name of ['center', 'scale', 'renorm', 'fused'] as const) {
    const isAutomatic = name === 'fused' && given[name] === null;
    if (typeof given[name] !== 'boolean' && !isAutomatic) {
      refuse(TypeError, name, 'true or false', given[name]);
    }
  }
  if (given.virtualBatchSize !== null) {
    const isSize = (size: number) => Number.isInteger(size) && size > 0;
    const expected = 'a positive integer that divides the batch';
    checkNumber('virtualBatchSize', given.virtualBatchSize, isSize, expected);
  }
  const axis = resolveAxis(given.axis);
  const renormClipping = resolveClipping(given.renormClipping);
  const resolved = { ...given, axis, renormClipping } as ResolvedOptions;
  checkFused(resolved);
  return resolved;
}

function checkFused({ fused, axis, renorm, virtualBatchSize }: ResolvedOptions): void {
  if (fused !== true) return;
  if (renorm) refuseTogether('fused: true', 'renorm: true');
  if (virtualBatchSize !== null) refuseTogether('fused: true', `virtualBatchSize: ${virtualBatchSize}`);
  if (axis.length > 1 || !FUSED_AXES.includes(axis[0]!)) refuseFused(`axis ${show(axis)}`);
}

/** @throws ValueError where Keras takes no adjustment. */
export function checkAdjustable({ fused, virtualBatchSize }: ResolvedOptions): void {
  if (fused === true) refuseTogether('fused: true', 'an adjustment');
  if (virtualBatchSize !== null) refuseTogether('virtualBatchSize', 'an adjustment');
}

/** @throws ValueError for what Keras has only without each other. */
export function refuseTogether(one: string, other: string): never {
  throw new ValueError(`${one} cannot be combined with ${other}, as in Keras. Leave one of them out.`);
}

/** @throws ValueError for where Keras' fused kernel does not run. */
export function refuseFused(received: string): never {
  throw new ValueError(
    `fused: true needs axis 1 or 3 of rank 4, or axis 1 or 4 of rank 5, received ${received}. ` +
      'Use fused: null or false.',
  );
}
