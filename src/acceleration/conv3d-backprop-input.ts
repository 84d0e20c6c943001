/**
 * @file The gradient of a convolution's input in three dimensions, which is also what a transposed convolution computes.
 * TF.js' own is wrong on wasm. It is a convolution itself: of dy, stretched by the stride, with the filter turned.
 * Can go when Conv3DBackpropInputV2 of tfjs-backend-wasm gives the cpu backend's numbers (4.22 does not).
 */
import {
  Conv3DBackpropInputV2,
  type KernelConfig,
  type Tensor,
  type Tensor5D,
  backend_util,
  conv3d,
  pad,
  reshape,
  reverse,
  slice,
  tidy,
  transpose,
  util,
} from '@tensorflow/tfjs-core';

type Shape = [number, number, number, number, number];

interface Inputs {
  readonly dy: Tensor5D;
  readonly filter: Tensor5D;
}

interface Attributes {
  readonly strides: [number, number, number] | number;
  readonly pad: 'valid' | 'same';
  readonly inputShape: Shape;
}

/** `Conv3DBackpropInputV2`. */
export const conv3DBackpropInput = (stock: KernelConfig): KernelConfig => ({
  ...stock,
  kernelName: Conv3DBackpropInputV2,
  kernelFunc: ({ inputs, attrs }) => {
    const { dy, filter } = inputs as unknown as Inputs;
    const { strides, pad: padding, inputShape } = attrs as unknown as Attributes;
    const info = backend_util.computeConv3DInfo(inputShape, filter.shape, strides, 1, padding);
    const { padInfo } = info;
    return tidy(() => {
      const strideOf = [info.strideDepth, info.strideHeight, info.strideWidth];
      const steps = strideOf.reduce<Tensor>((image, stride, i) => stretch(image, i + 1, stride), dy);
      const turned = transpose(reverse(filter, [0, 1, 2]), [0, 1, 2, 4, 3]);
      const before = [padInfo.front, padInfo.top, padInfo.left].map((size, i) => filter.shape[i]! - 1 - size);
      const after = before.map(
        (size, i) => inputShape[i + 1]! + filter.shape[i]! - 1 - size - steps.shape[i + 1]!,
      );
      // What is negative is cut off.
      const begin = [0, ...before.map((size) => Math.max(-size, 0)), 0];
      const end = [0, ...after.map((size) => Math.max(-size, 0)), 0];
      const sizes = steps.shape.map((size, i) => size - begin[i]! - end[i]!);
      const around = before.map((size, i) => [Math.max(size, 0), Math.max(after[i]!, 0)] as [number, number]);
      const image = pad(slice(steps, begin, sizes), [[0, 0], ...around, [0, 0]]) as Tensor5D;
      return conv3d(image, turned, 1, 'valid');
    });
  },
});

/** Every value along an axis followed by zeros, for what the stride stepped over. */
function stretch(image: Tensor, axis: number, stride: number): Tensor {
  if (stride === 1) return image;
  const behind = util.sizeFromShape(image.shape.slice(axis + 1));
  const rows = reshape(image, [image.size / behind, behind]);
  const stretched = pad(rows, [
    [0, 0],
    [0, (stride - 1) * behind],
  ]);
  return reshape(stretched, image.shape.with(axis, image.shape[axis]! * stride));
}
