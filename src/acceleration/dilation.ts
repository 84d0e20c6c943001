/** @file Zeros between the pixels of an image: what a stride stepped over, when its gradient goes back. */
import { type Tensor4D, pad, reshape } from '@tensorflow/tfjs-core';

/** `[N, H, W, C]` → `[N, H·height, W·width, C]`: every pixel followed by zeros, to the right and below. */
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
