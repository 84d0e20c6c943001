/** @file Sizes of a depthwise convolution, as its two gradients give them to their kernels. */
import { backend_util, type depthwiseConv2d } from '@tensorflow/tfjs-core';

interface Attributes {
  readonly strides: [number, number] | number;
  readonly pad: Parameters<typeof depthwiseConv2d>[3];
  readonly dilations: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape = [number, number, number, number];

/** Dilation is refused by TF.js' gradient. */
export function depthwiseSizes(attributes: unknown, inputShape: Shape, filterShape: Shape) {
  const { strides, pad, dilations, dimRoundingMode } = attributes as Attributes;
  const info = backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
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
