/**
 * @file What options mean for an input of a given shape: which dimensions are channels, what shape the parameters have,
 * and which of its implementations Keras would run. The last place that looks at `axis` and `fused`.
 *
 * Source: keras-team/tf-keras:tf_keras/src/layers/normalization/batch_normalization.py, `build`.
 */
import { resolveOptions, type BatchNormalizationOptions, type ResolvedOptions } from './options.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** Options together with a shape. */
export interface Plan {
  readonly options: ResolvedOptions;
  readonly shape: readonly number[];
  /** The kept dimensions, counted from the front, ascending. */
  readonly axes: readonly number[];
  /** The shape of gamma, beta and every statistic. */
  readonly parameterShape: readonly number[];
  /** Whether Keras would run its fused kernel, so long as the call brings no adjustment. */
  readonly isFusedInKeras: boolean;
}

/**
 * Checks options and shape against each other and works out what follows.
 *
 * @throws ValueError where they do not go together, and whatever resolveOptions throws.
 */
export function makePlan(options: BatchNormalizationOptions, shape: readonly number[]): Plan {
  const resolved = resolveOptions(options);
  if (!shape.every((dim) => Number.isInteger(dim) && dim >= 0)) {
    throw new ValueError(`The shape is ${show(shape)}. Give every dimension as an integer of at least 0.`);
  }
  const axes = countFromFront(resolved.axis, shape);
  if (resolved.virtualBatchSize !== null && axes[0] === 0) {
    throw new ValueError(
      `axis ${show(resolved.axis)} includes the batch, which virtualBatchSize divides into ghost batches: ` +
        'choose other axes, or leave virtualBatchSize out.',
    );
  }
  return {
    options: resolved,
    shape,
    axes,
    parameterShape: shapeOfParameters(axes, shape, resolved.virtualBatchSize !== null),
    isFusedInKeras: isFusedInKeras(resolved, axes, shape),
  };
}

function countFromFront(axis: readonly number[], shape: readonly number[]): readonly number[] {
  const rank = shape.length;
  const axes = axis.map((written) => (written < 0 ? written + rank : written)).sort((a, b) => a - b);
  const refuse = (problem: string) => {
    throw new ValueError(
      `axis ${show(axis)} ${problem}. The shape is ${show(shape)}: choose from ${-rank} to ${rank - 1}, each once.`,
    );
  };
  if (axes.some((d) => d < 0 || d >= rank)) refuse('is out of range');
  if (new Set(axes).size < axes.length) refuse('names a dimension twice');
  return axes;
}

/** `[C]` for one axis; else 1 in every dimension that is not an axis; with ghost batches one more 1 at index 1. */
function shapeOfParameters(
  axes: readonly number[],
  shape: readonly number[],
  hasGhosts: boolean,
): readonly number[] {
  if (axes.length === 1 && !hasGhosts) return [shape[axes[0]!]!];
  const kept = shape.map((dim, d) => (axes.includes(d) ? dim : 1));
  return hasGhosts ? kept.toSpliced(1, 0, 1) : kept;
}

function isFusedInKeras(
  options: ResolvedOptions,
  axes: readonly number[],
  shape: readonly number[],
): boolean {
  const rank = shape.length;
  const hasImageRank = rank === 4 || rank === 5;
  const isChannelAxis = axes.length === 1 && (axes[0] === 1 || axes[0] === rank - 1);
  // Of rank 5, Keras takes any axis and quietly does without the kernel (golden: fused rank 5 axis 2 is not fused).
  if (options.fused === true && !(rank === 5 || (rank === 4 && isChannelAxis))) {
    throw new ValueError(
      `fused: true takes rank 4 with axis 1 or 3, or rank 5, but the shape is ${show(shape)} and axis ` +
        `${show(options.axis)}: leave fused out.`,
    );
  }
  const isAllowed = options.fused !== false && !options.renorm && options.virtualBatchSize === null;
  return isAllowed && hasImageRank && isChannelAxis;
}
