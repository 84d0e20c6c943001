/**
 * @file Convolutions with the padding 'same' on wasm, whose strides are longer than the filter: there TF.js (4.22) has
 * XNNPACK find the padding, which then begins elsewhere. With the padding in numbers it is right. It can go when TF.js
 * hands over the numbers itself.
 */
import { type KernelConfig, type Tensor, backend_util } from '@tensorflow/tfjs-core';

interface Attributes {
  readonly strides: [number, number] | number;
  readonly pad: unknown;
  /** TF.js' own layers give null to depthwise convolutions. */
  readonly dilations?: [number, number] | number | null;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** A convolution of two dimensions, in the place of `before`. */
export const paddedInNumbers =
  (isDepthwise: boolean) =>
  (before: KernelConfig): KernelConfig => ({
    ...before,
    kernelFunc: (call) => {
      const { strides, pad, dilations, dimRoundingMode } = call.attrs as unknown as Attributes;
      const [x, filter] = [call.inputs.x as Tensor, call.inputs.filter as Tensor];
      const isLonger = [strides]
        .flat()
        .some((stride) => stride > Math.min(filter.shape[0], filter.shape[1]!));
      if (pad !== 'same' || !isLonger) return before.kernelFunc(call);
      const { padInfo } = backend_util.computeConv2DInfo(
        x.shape as [number, number, number, number],
        filter.shape as [number, number, number, number],
        strides,
        dilations ?? 1,
        pad,
        dimRoundingMode,
        isDepthwise,
      );
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
