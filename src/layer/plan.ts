/**
 * @file The plan: what the options mean for an input of a known rank. Made once, when the layer is built.
 */
import { ValueError } from '../text/value-error.js';
import type { Options } from './arguments.js';
import { show } from '../text/show.js';

/** The options, given the rank and channels of the input. */
export interface Plan {
  /** The rank of every input. */
  readonly rank: number;
  /** The normalized axes, counted from 0, in increasing order. */
  readonly axes: readonly number[];
  /** The sizes of those axes. */
  readonly dimensions: readonly number[];
  /** The shape of gamma, beta and every statistic: Keras', so that weights can be exchanged. */
  readonly parameterShape: number[];
  /** Whether Keras would run its fused kernel here: Bessel's correction in the moving variance, no masks. */
  readonly fusedInKeras: boolean;
  /** Whether TF.js' fused operation serves for inference: only where the channels are the last dimensions. */
  readonly infersByFusedOperation: boolean;
}

/**
 * @param inputShape with the batch first, null where a dimension is free
 * @throws ValueError where the axes do not fit the shape, or `fused: true` does not
 */
export function makePlan(options: Options, inputShape: readonly (number | null)[]): Plan {
  const rank = inputShape.length;
  if (rank === 0)
    throw new ValueError('Expected an input of rank 1 to 6, received a scalar. Give it a batch dimension.');
  const axes = resolveAxes(options.axis, inputShape);
  if (options.virtualBatchSize !== null && axes.includes(0)) {
    throw new ValueError(
      `virtualBatchSize: the first dimension must be the batch, but axis ${show(axes)} includes 0. ` +
        `Leave axis 0 or virtualBatchSize out.`,
    );
  }
  const dimensions = axes.map((axis) => inputShape[axis]!);
  const onePerDimension = inputShape.map((dimension, i) => (axes.includes(i) ? dimension! : 1));
  // Keras inserts a dimension for the ghost batches, which shows in the shapes of saved weights.
  if (options.virtualBatchSize !== null) onePerDimension.splice(1, 0, 1);
  return {
    rank,
    axes,
    dimensions,
    parameterShape: axes.length === 1 && options.virtualBatchSize === null ? dimensions : onePerDimension,
    fusedInKeras: isFusedInKeras(options, axes, inputShape),
    infersByFusedOperation: options.fused !== false && axes[0] === rank - axes.length,
  };
}

function resolveAxes(axis: number | readonly number[], inputShape: readonly (number | null)[]): number[] {
  const rank = inputShape.length;
  const received = [axis].flat();
  const axes = received.map((a) => (a < 0 ? a + rank : a));
  const outside = received.filter((_, i) => axes[i]! < 0 || axes[i]! >= rank);
  if (outside.length > 0) {
    throw new ValueError(
      `axis: ${show(outside)} does not exist in inputs of shape ${show(inputShape)}. ` +
        `Accepted are ${-rank} to ${rank - 1}.`,
    );
  }
  if (new Set(axes).size < axes.length) {
    throw new ValueError(
      `axis: ${show(received)} names an axis twice in inputs of shape ${show(inputShape)}. ` +
        `Name each axis once.`,
    );
  }
  const free = axes.filter((a) => inputShape[a] === null);
  if (free.length > 0) {
    throw new ValueError(
      `Axis ${show(free)} of the input must have a known size, since each of its elements has a gamma and ` +
        `a beta. Received an input of shape ${show(inputShape)}. Give that dimension in inputShape.`,
    );
  }
  return axes.sort((a, b) => a - b);
}

/**
 * Keras' rule, without its refusal of `fused: null` with axis −4 of rank 4. `fused: true` has been checked against
 * the other options by `resolveArguments`.
 */
function isFusedInKeras(
  options: Options,
  axes: readonly number[],
  shape: readonly (number | null)[],
): boolean {
  const { fused, renorm, virtualBatchSize, adjustment } = options;
  if (fused === false || renorm || virtualBatchSize !== null || adjustment !== null || axes.length > 1)
    return false;
  const rank = shape.length;
  if (fused && rank !== 4 && rank !== 5) {
    throw new ValueError(
      `fused: true needs inputs of rank 4 or 5, received an input of shape ${show(shape)}. ` +
        `Use fused: null or false.`,
    );
  }
  const isFused = (rank === 4 || rank === 5) && (axes[0] === 1 || axes[0] === rank - 1);
  if (fused && rank === 4 && !isFused) {
    throw new ValueError(
      `fused: true needs axis 1 or 3 for inputs of rank 4, received axis ${show(options.axis)}. ` +
        `Use fused: null or false.`,
    );
  }
  return isFused;
}
