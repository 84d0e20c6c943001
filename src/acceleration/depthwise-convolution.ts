/** @file What the two gradients of a depthwise convolution are given, as TF.js gives it. */
import { backend_util, type depthwiseConv2d } from '@tensorflow/tfjs-core';

interface Attributes {
  readonly strides: [number, number] | number;
  readonly pad: Parameters<typeof depthwiseConv2d>[3];
  readonly dilations: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape = [number, number, number, number];

/** Sizes and padding of the convolution. Dilation is refused by TF.js' gradient. */
export function depthwiseInfo(attributes: unknown, inputShape: Shape, filterShape: Shape) {
  const { strides, pad, dilations, dimRoundingMode } = attributes as Attributes;
  return backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
}
