/** @file What the two gradients of a depthwise convolution share: what TF.js gives them, and dy stretched by the stride. */
import { type Tensor4D, backend_util, type depthwiseConv2d, pad, reshape } from '@tensorflow/tfjs-core';

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

/**
 * `[N, H, W, C]` → `[N, H·height, W·width, C]`: every pixel followed by zeros, to the right and below, for
 * what the stride stepped over.
 */
export function dilate(image: Tensor4D, height: number, width: number): Tensor4D {
  const [n, h, w, c] = image.shape;
  const columns = reshape(image, [n * h * w, c]);
  const wide =
    width === 1
      ? columns
      : pad(columns, [
          [0, 0],
          [0, (width - 1) * c],
        ]);
  const rows = reshape(wide, [n * h, w * width * c]);
  const high =
    height === 1
      ? rows
      : pad(rows, [
          [0, 0],
          [0, (height - 1) * w * width * c],
        ]);
  return reshape(high, [n, h * height, w * width, c]);
}
