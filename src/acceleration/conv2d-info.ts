/** @file What a convolution of two dimensions comes to, by the attributes that TF.js gives its kernel and gradients. */
import { backend_util } from '@tensorflow/tfjs-core';

/** Gradients have no dilations, and TF.js' own depthwise layers give null. */
export interface Conv2DAttributes {
  readonly strides: [number, number] | number;
  readonly pad: Parameters<typeof backend_util.computeConv2DInfo>[4];
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number | null;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Of dataFormat NHWC. */
export function conv2DInfo(
  { strides, pad, dilations, dimRoundingMode }: Conv2DAttributes,
  inputShape: readonly number[],
  filterShape: readonly number[],
  isDepthwise = false,
): backend_util.Conv2DInfo {
  return backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
  );
}
