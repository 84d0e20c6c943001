/**
 * @file The plan: what the layer's options mean for inputs of a known rank, made once, when the layer is built. The core
 * decides; TF.js' fused operation and the adjustment, which is an argument of the layer, are added here.
 */
import { type ChannelPlan, planChannels } from '../core/plan.js';
import type { Options } from './arguments.js';

/** The options, given the rank and channels of the input. */
export interface Plan extends ChannelPlan {
  /** The rank of every input. */
  readonly rank: number;
  /** The sizes of the axes. */
  readonly dimensions: readonly number[];
  /** Whether TF.js' fused operation serves for inference: only where the channels are the last dimensions. */
  readonly infersByFusedOperation: boolean;
}

/** What the plan depends on. */
interface PlannedOptions extends Pick<
  Options,
  'fused' | 'renorm' | 'virtualBatchSize' | 'adjustment' | 'synchronized'
> {
  readonly axis: number | readonly number[];
}

/**
 * @param inputShape with the batch first, null where a dimension is free
 * @throws ValueError where the axes do not fit the shape, or `fused: true` does not
 */
export function makePlan(
  { axis, fused, renorm, virtualBatchSize, adjustment, synchronized }: PlannedOptions,
  inputShape: readonly (number | null)[],
): Plan {
  const rank = inputShape.length;
  const plan = planChannels({ axis: [axis].flat(), fused, renorm, virtualBatchSize }, inputShape);
  const { axes, isFusedInKeras } = plan;
  return {
    ...plan,
    rank,
    dimensions: axes.map((axis) => inputShape[axis]!),
    isFusedInKeras: isFusedInKeras && adjustment === null && !synchronized,
    infersByFusedOperation: fused !== false && axes[0] === rank - axes.length,
  };
}
