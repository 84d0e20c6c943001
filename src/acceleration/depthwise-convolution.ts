/** @file Sizes of a depthwise convolution, as its two gradients give them to their kernels. */
import { type Conv2DAttributes, conv2DInfo } from './conv2d-info.js';

type Shape = readonly number[];

/** Dilation is refused by TF.js' gradient. */
export function depthwiseSizes(attributes: unknown, inputShape: Shape, filterShape: Shape) {
  const info = conv2DInfo(attributes as Conv2DAttributes, inputShape, filterShape, true);
  const { batchSize, inHeight, inWidth, outChannels, outHeight, outWidth } = info;
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  return {
    /** How many channels of the output there are for each of the input. */
    multiplier: outChannels / info.inChannels,
    /** As the kernels take them: each channel of the output is one of the input, too. */
    sizes: [
      ...([batchSize, inHeight, inWidth, outChannels, outHeight, outWidth] as const),
      ...([filterHeight, filterWidth, strideHeight, strideWidth, padInfo.top, padInfo.left] as const),
    ] as const,
  };
}
