/** @file The gradients of a normalization by TF.js' operations, for a tape to differentiate them. */
import { type Tensor, broadcastTo, reshape } from '@tensorflow/tfjs-core';
import type { ElementWeights, Normalization } from '../backends/backend.js';
import { gradientsOf } from './composed/normalize.js';
import { sumOver } from './sums.js';

/** What the gradients are computed of. */
export type Given = Readonly<{ dy: Tensor; x: Tensor; scale: Tensor | null }>;

/**
 * The gradient of x, scale or offset, as many numbers as it has, in their order.
 *
 * The canonical layout serves as the view of the composed operations, with a parameter for every group and channel.
 */
export function composedGradient(
  name: 'x' | 'scale' | 'offset',
  normalization: Normalization,
  { dy, x, scale }: Given,
): Tensor {
  const { layout, epsilon, call } = normalization;
  const { outer, groups, middle, channels, inner, ghosts } = layout;
  const view = [outer, groups, middle, channels, inner];
  const perGhost = [ghosts, (groups * channels) / ghosts];
  const { perChannel, weights } = normalization.numbers();
  const gradients = gradientsOf(
    reshape(dy, view),
    {
      ...perChannel,
      x: reshape(x, view),
      scale: scale && reshape(broadcastTo(reshape(scale, [1, -1]), perGhost), [1, groups, 1, channels, 1]),
      weights: weights && reshape(spread(weights), view),
    },
    { epsilon, call },
  );
  return name === 'x' ? gradients.x : sumOver(reshape(gradients[name], perGhost), [0]);
}

const spread = ({ tensor, span }: ElementWeights) =>
  broadcastTo(reshape(tensor, [-1, 1]), [tensor.size, span]);
