/**
 * @file The gradient of a depthwise convolution's input, which TF.js lacks on wasm. It is a depthwise convolution
 * itself: of dy, stretched by the stride, with the filter turned by half a turn.
 */
import {
  type KernelFunc,
  type Rank,
  type Tensor4D,
  depthwiseConv2d,
  reshape,
  reverse,
  slice,
  sum,
  tidy,
} from '@tensorflow/tfjs-core';
import { depthwiseInfo, dilate } from './depthwise-convolution.js';

interface Inputs {
  readonly dy: Tensor4D;
  readonly filter: Tensor4D;
}

/** `DepthwiseConv2dNativeBackpropInput`. */
export const depthwiseBackpropInput: KernelFunc = ({ inputs, attrs }) => {
  const { dy, filter } = inputs as unknown as Inputs;
  const { inputShape } = attrs as unknown as { inputShape: [number, number, number, number] };
  const info = depthwiseInfo(attrs, inputShape, filter.shape);
  const { inHeight, inWidth, inChannels, outChannels, filterHeight, filterWidth, padInfo } = info;

  return tidy(() => {
    const steps = dilate(dy, info.strideHeight, info.strideWidth);
    const turned = reshape<Rank.R4>(reverse(filter, [0, 1]), [filterHeight, filterWidth, outChannels, 1]);
    // What is negative is cut off the result.
    const top = filterHeight - 1 - padInfo.top;
    const left = filterWidth - 1 - padInfo.left;
    const bottom = inHeight + padInfo.top - steps.shape[1];
    const right = inWidth + padInfo.left - steps.shape[2];
    const whole = depthwiseConv2d(steps, turned, 1, [
      [0, 0],
      [Math.max(top, 0), Math.max(bottom, 0)],
      [Math.max(left, 0), Math.max(right, 0)],
      [0, 0],
    ]);
    const dx = [top, left, bottom, right].some((padding) => padding < 0)
      ? slice(whole, [0, Math.max(-top, 0), Math.max(-left, 0), 0], [-1, inHeight, inWidth, -1])
      : whole;
    if (outChannels === inChannels) return dx;
    return reshape(sum(reshape(dx, [-1, outChannels / inChannels]), 1), inputShape);
  });
};
