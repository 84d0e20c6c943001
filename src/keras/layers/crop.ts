/** @file Parts of images with the proportions of another size, as Keras cuts them before it resizes. */
import { type Tensor4D, slice } from '@tensorflow/tfjs-core';
import { resizeImages, type Interpolation } from './resize.js';

export type Size = readonly [height: number, width: number];

/** How many pixels of `size` keep the proportions that `across` has to `along` in the target, as Keras rounds. */
export const proportional = (size: number, along: number, across: number): number =>
  Math.trunc(Math.fround(Math.fround(size * along) / across));

export const cropTo = (images: Tensor4D, [top, left]: Size, [height, width]: Size): Tensor4D =>
  slice(images, [0, top, left, 0], [-1, height, width, -1]);

/** The largest part in the middle that has the proportions of a size, in that size. */
export function resizeByCrop(
  images: Tensor4D,
  size: Size,
  interpolation: Interpolation,
  isAntialiased = false,
): Tensor4D {
  const [, height, width] = images.shape;
  const [cropHeight, cropWidth] = proportionsOf([height, width], size);
  const middle = cropTo(
    images,
    [Math.trunc((height - cropHeight) / 2), Math.trunc((width - cropWidth) / 2)],
    [cropHeight, cropWidth],
  );
  return resizeImages(middle, size, interpolation, isAntialiased);
}

/** The largest size within another that has the proportions of a target. */
export function proportionsOf([height, width]: Size, [targetHeight, targetWidth]: Size): Size {
  return [
    Math.max(1, Math.min(height, proportional(width, targetHeight, targetWidth))),
    Math.max(1, Math.min(width, proportional(height, targetWidth, targetHeight))),
  ];
}
