/** @file The values of pixels, moved from one range to another, as Keras 3's layers on images do. */
import { type Tensor, add, div, mul, sub } from '@tensorflow/tfjs-core';

export type Range = readonly [number, number];

export function changeRange<T extends Tensor>(images: T, from: Range, to: Range): T {
  if (from[0] === to[0] && from[1] === to[1]) return images;
  return add(mul(div(sub(images, from[0]), from[1] - from[0]), to[1] - to[0]), to[0]);
}
