/**
 * @file The options of the layer on typed arrays: their meaning, defaults and checks. What an option does to a given
 * shape stands in plan.ts; initializers, regularizers and constraints belong to the layer, not to the core.
 *
 * Source of names, defaults and refusals: keras-team/tf-keras:tf_keras/src/layers/normalization/batch_normalization.py.
 */
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** Limits of the batch renormalization correction. Numbers; what is left out or null does not limit. */
export interface RenormClipping {
  /** r is at most this. At least `rmin`. */
  rmax?: number | null;
  /** r is at least this. */
  rmin?: number | null;
  /** d stays within ±dmax. At least 0. */
  dmax?: number | null;
}

/** Keras' arguments in camelCase. Left out, undefined and (but for `axis`) null all mean the default. */
export interface BatchNormalizationOptions {
  /**
   * The dimension, or the dimensions, that keep statistics and parameters of their own: the channels. Negative counts
   * from the end. Default: -1.
   */
  axis?: number | readonly number[];
  /** How much of a moving value stays at each step: `moving -= (moving − batch)·(1 − momentum)`. Default: 0.99. */
  momentum?: number | null;
  /** Added to the variance: `x̂ = (x − mean)/√(variance + epsilon)`. At least 0. Default: 0.001. */
  epsilon?: number | null;
  /** Whether there is a beta: `y = … + beta`. Default: true. */
  center?: boolean | null;
  /** Whether there is a gamma: `y = x̂·gamma + …`. Default: true. */
  scale?: boolean | null;
  /**
   * Batch renormalization: training normalizes by `x̂·r + d`, which lies near what inference does. Default: false.
   * See Ioffe, "Batch Renormalization", arXiv 1702.03275, algorithm 1.
   */
  renorm?: boolean | null;
  /** Limits for r and d. Default: none. */
  renormClipping?: RenormClipping | null;
  /** The momentum of `renormMean` and `renormStddev`. Default: 0.99. */
  renormMomentum?: number | null;
  /**
   * Which of its two implementations Keras would run, for they differ in what they mean: where the fused one runs, the
   * moving variance takes variance·n/(n − 1), and a mask is ignored. `null`: where it can. `false`: nowhere. `true`:
   * where it can, and a ValueError where Keras raises one. Default: null.
   */
  fused?: boolean | null;
  /**
   * Ghost batches: training takes statistics of that many samples at a time. A positive integer that divides the
   * batch. Default: null, the whole batch.
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

/** r is never negative and nothing exceeds infinity, so these limit nothing. */
const NO_CLIPPING = { rmax: Infinity, rmin: 0, dmax: Infinity };

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

/** Where an axis may be written for Keras' fused kernel: 1 and the last one, of rank 4 or 5, from either end. */
const FUSED_AXES = [-4, -3, -1, 1, 3, 4];

/** The defaults, overwritten by what was given; `Refusal` is raised for a name that is not among them. */
function withDefaults<Defaults extends object>(
  what: string,
  Refusal: ErrorConstructor | typeof ValueError,
  defaults: Defaults,
  given: object,
): Defaults {
  const isGiven = ([key, value]: [string, unknown]) => {
    if (!Object.hasOwn(defaults, key)) {
      throw new Refusal(
        `${what} has no '${key}'. It has ${Object.keys(defaults).join(', ')}: correct the name or leave it out.`,
      );
    }
    return value !== undefined && (value !== null || key === 'axis');
  };
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(isGiven)) };
}

function checkNumber(
  name: string,
  value: unknown,
  isAccepted: (value: number) => boolean,
  accepted: string,
): void {
  const message = `${name} is ${show(value)}. Give ${accepted}.`;
  if (typeof value !== 'number') throw new TypeError(message);
  if (!isAccepted(value)) throw new ValueError(message);
}

function resolveAxis(axis: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(axis) ? axis : [axis];
  if (!list.every(Number.isInteger)) {
    throw new TypeError(
      `axis is ${show(axis)}. Give an integer or an array of integers, such as -1 or [1, 3].`,
    );
  }
  if (list.length === 0) {
    throw new ValueError('axis is an empty array. Name at least one dimension, such as [-1].');
  }
  return list as readonly number[];
}

function resolveClipping(clipping: unknown): ResolvedOptions['renormClipping'] {
  if (typeof clipping !== 'object' || clipping === null) {
    throw new TypeError(
      `renormClipping is ${show(clipping)}. Give an object such as { rmax: 3, rmin: 0.3, dmax: 5 }.`,
    );
  }
  const resolved = withDefaults('renormClipping', ValueError, NO_CLIPPING, clipping);
  const isNumber = (value: number) => !Number.isNaN(value);
  checkNumber('renormClipping.rmin', resolved.rmin, isNumber, 'a number');
  checkNumber(
    'renormClipping.rmax',
    resolved.rmax,
    (rmax) => rmax >= resolved.rmin,
    `a number no less than rmin, which is ${resolved.rmin}`,
  );
  checkNumber('renormClipping.dmax', resolved.dmax, (dmax) => dmax >= 0, 'a number of at least 0');
  return resolved;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws TypeError for an option that is not known, or of the wrong type.
 * @throws ValueError for a value out of range, and for options that exclude each other.
 */
export function resolveOptions(options: BatchNormalizationOptions = {}): ResolvedOptions {
  const given = withDefaults('Batch normalization', TypeError, DEFAULTS, options);
  for (const name of ['momentum', 'renormMomentum'] as const) {
    checkNumber(name, given[name], Number.isFinite, 'a finite number, usually from 0 to 1');
  }
  checkNumber(
    'epsilon',
    given.epsilon,
    (epsilon) => Number.isFinite(epsilon) && epsilon >= 0,
    'a finite number of at least 0',
  );
  for (const name of ['center', 'scale', 'renorm', 'fused'] as const) {
    const isAutomatic = name === 'fused' && given[name] === null;
    if (typeof given[name] !== 'boolean' && !isAutomatic) {
      throw new TypeError(`${name} is ${show(given[name])}. Give true or false.`);
    }
  }
  if (given.virtualBatchSize !== null) {
    checkNumber(
      'virtualBatchSize',
      given.virtualBatchSize,
      (size) => Number.isInteger(size) && size > 0,
      'a positive integer that divides the batch, or null for no ghost batches',
    );
  }
  const axis = resolveAxis(given.axis);
  const renormClipping = resolveClipping(given.renormClipping);
  const resolved = { ...given, axis, renormClipping } as ResolvedOptions;
  checkFused(resolved);
  return resolved;
}

function checkFused({ fused, axis, renorm, virtualBatchSize }: ResolvedOptions): void {
  if (fused !== true) return;
  const refuse = (obstacle: string) => {
    throw new ValueError(
      `fused: true cannot be had with ${obstacle}: leave fused out, or give up the other.`,
    );
  };
  if (renorm) refuse('renorm: true');
  if (virtualBatchSize !== null) refuse(`virtualBatchSize: ${virtualBatchSize}`);
  if (axis.length > 1 || !FUSED_AXES.includes(axis[0]!)) {
    refuse(`axis: ${show(axis)}, as it takes one axis, 1 or 3 of rank 4 or 1 or 4 of rank 5`);
  }
}
