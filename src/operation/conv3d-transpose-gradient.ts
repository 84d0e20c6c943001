/**
 * @file The gradient of a transposed convolution in three dimensions, on every backend: TF.js (4.22) has none, so that its
 * Conv3DTranspose layers do not train. The transposed convolution is linear in dy, and the gradient of its input is the
 * convolution itself. It can go when TF.js has a gradient of `Conv3DBackpropInputV2`.
 */
import {
  Conv3DBackpropFilterV2,
  Conv3DBackpropInputV2,
  type GradConfig,
  type Tensor,
  type Tensor5D,
  conv3d,
  engine,
} from '@tensorflow/tfjs-core';

interface Attributes {
  readonly strides: [number, number, number] | number;
  readonly pad: 'valid' | 'same';
}

export const conv3DTransposeGradient: GradConfig = {
  kernelName: Conv3DBackpropInputV2,
  inputsToSave: ['dy', 'filter'],
  gradFunc(gradient, saved, attributes) {
    const [dy, filter] = saved as [Tensor5D, Tensor5D];
    const { strides, pad } = attributes as unknown as Attributes;
    const x = gradient as Tensor5D;
    return {
      dy: () => conv3d(x, filter, strides, pad),
      filter: () =>
        engine().runKernel<Tensor>(
          Conv3DBackpropFilterV2,
          { x, dy },
          { strides, pad, filterShape: filter.shape },
        ),
    };
  },
};
