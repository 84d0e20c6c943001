/**
 * @file Convolutions with the padding 'same' on wasm, whose strides are longer than the filter: there TF.js (4.22) has
 * XNNPACK find the padding, which then begins elsewhere. With the padding in numbers it is right. It can go when TF.js
 * hands over the numbers itself.
 */
import type { KernelConfig, Tensor } from '@tensorflow/tfjs-core';
import { type Conv2DAttributes, conv2DInfo } from './conv2d-info.js';

/** A convolution of two dimensions, in the place of `before`. */
export const paddedInNumbers =
  (isDepthwise: boolean) =>
  (before: KernelConfig): KernelConfig => ({
    ...before,
    kernelFunc: (call) => {
      const attributes = call.attrs as unknown as Conv2DAttributes;
      const [x, filter] = [call.inputs.x as Tensor, call.inputs.filter as Tensor];
      const isLonger = [attributes.strides]
        .flat()
        .some((stride) => stride > Math.min(filter.shape[0], filter.shape[1]!));
      if (attributes.pad !== 'same' || !isLonger) return before.kernelFunc(call);
      const { padInfo } = conv2DInfo(attributes, x.shape, filter.shape, isDepthwise);
      const { top, bottom, left, right } = padInfo;
      const around = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ];
      return before.kernelFunc({ ...call, attrs: { ...call.attrs, pad: around } });
    },
  });
