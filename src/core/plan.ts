/**
 * @file What options mean for an input of a given shape: which dimensions are channels, what shape the parameters have,
 * and which of its implementations Keras would run. The last place that looks at `axis` and `fused`, for the core and
 * for the layer.
 *
 * Source: keras-team/tf-keras:tf_keras/src/layers/normalization/batch_normalization.py, `build`.
 */
import {
  refuseFused,
  refuseTogether,
  resolveOptions,
  type BatchNormalizationOptions,
  type ResolvedOptions,
} from './options.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** A shape of which the dimensions that are not kept may be null: free. */
export type OpenShape = readonly (number | null)[];

/** What the shape says of the channels. */
export interface ChannelPlan {
  /** The kept dimensions, counted from the front, ascending. */
  readonly axes: readonly number[];
  /** The shape of gamma, beta and every statistic. */
  readonly parameterShape: number[];
  /** Whether Keras would run its fused kernel, so long as there is no adjustment. */
  readonly isFusedInKeras: boolean;
}

/** Options together with a shape. */
export interface Plan extends ChannelPlan {
  readonly options: ResolvedOptions;
  readonly shape: readonly number[];
}

/**
 * Checks options and shape against each other and works out what follows.
 *
 * @throws ValueError where they do not go together, and whatever resolveOptions throws.
 */
export function makePlan(options: BatchNormalizationOptions, shape: readonly number[]): Plan {
  const resolved = resolveOptions(options);
  if (!shape.every((dim) => Number.isInteger(dim) && dim >= 0)) {
    throw new ValueError(`shape: expected integers of at least 0, received ${show(shape)}.`);
  }
  return { options: resolved, shape, ...planChannels(resolved, shape) };
}

/**
 * The part of the plan that the layer needs before it knows the batch.
 *
 * @throws ValueError where options and shape do not go together.
 */
export function planChannels(
  options: Pick<ResolvedOptions, 'axis' | 'fused' | 'renorm' | 'virtualBatchSize'>,
  shape: OpenShape,
): ChannelPlan {
  const axes = countFromFront(options.axis, shape);
  if (options.virtualBatchSize !== null && axes[0] === 0) {
    refuseTogether('virtualBatchSize', `axis ${show(options.axis)}, which includes the batch`);
  }
  return {
    axes,
    parameterShape: shapeOfParameters(axes, shape, options.virtualBatchSize !== null),
    isFusedInKeras: isFusedInKeras(options, axes, shape),
  };
}

/** @throws ValueError for a batch that training cannot split into ghost batches. */
export function checkGhosts(owner: string, virtualBatchSize: number, batch: number): void {
  if (batch % virtualBatchSize === 0) return;
  throw new ValueError(
    `${owner}: virtualBatchSize ${virtualBatchSize} does not divide the batch of ${batch}. Drop the last incomplete ` +
      "batch, or choose a divisor of every batch's size. Inference takes any number.",
  );
}

function countFromFront(axis: readonly number[], shape: OpenShape): readonly number[] {
  const rank = shape.length;
  const axes = axis.map((written) => (written < 0 ? written + rank : written)).sort((a, b) => a - b);
  const refuse = (problem: string) => {
    throw new ValueError(
      `axis: ${show(axis)} ${problem} in an input of shape ${show(shape)}. ` +
        `Choose from ${-rank} to ${rank - 1}, each once.`,
    );
  };
  if (rank === 0) throw new ValueError('The input is a scalar. Give it a batch and a dimension of channels.');
  if (axes.some((d) => d < 0 || d >= rank)) refuse('does not exist');
  if (new Set(axes).size < axes.length) refuse('names a dimension twice');
  const free = axes.filter((d) => shape[d] === null);
  if (free.length > 0) {
    throw new ValueError(
      `Axis ${show(free)} of the input must have a known size, since each of its elements has parameters of its own. ` +
        `Received an input of shape ${show(shape)}. Give that dimension in inputShape.`,
    );
  }
  return axes;
}

/** `[C]` for one axis; else 1 in every dimension that is not an axis; with ghost batches one more 1 at index 1. */
function shapeOfParameters(axes: readonly number[], shape: OpenShape, hasGhosts: boolean): number[] {
  if (axes.length === 1 && !hasGhosts) return [shape[axes[0]!]!];
  const kept = shape.map((dim, d) => (axes.includes(d) ? dim! : 1));
  return hasGhosts ? kept.toSpliced(1, 0, 1) : kept;
}

/** Keras' rule, without its refusal of `fused: null` with axis −4 of rank 4. */
function isFusedInKeras(
  { fused, renorm, virtualBatchSize, axis }: Parameters<typeof planChannels>[0],
  axes: readonly number[],
  shape: OpenShape,
): boolean {
  const rank = shape.length;
  const isChannelAxis = axes.length === 1 && (axes[0] === 1 || axes[0] === rank - 1);
  // Of rank 5, Keras takes any axis and quietly does without the kernel (golden: fused rank 5 axis 2 is not fused).
  if (fused === true && !(rank === 5 || (rank === 4 && isChannelAxis))) {
    refuseFused(`axis ${show(axis)} of an input of shape ${show(shape)}`);
  }
  const isAllowed = fused !== false && !renorm && virtualBatchSize === null;
  return isAllowed && isChannelAxis && (rank === 4 || rank === 5);
}
