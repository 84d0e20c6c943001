/** @file Keras 3's AutoContrast. Source: Keras 3.15 `auto_contrast.py`. */
import {
  type Tensor,
  type Tensor4D,
  add,
  broadcastTo,
  clipByValue,
  div,
  equal,
  max,
  min,
  mul,
  neg,
  sub,
  where,
} from '@tensorflow/tfjs-core';
import { checkRange } from './checks.js';
import { type ImageArguments, ImageLayer } from './image-layer.js';
import { changeRange } from './value-range.js';

/** The arguments of {@link AutoContrast}. */
export interface AutoContrastArguments extends ImageArguments {
  /** The values that pixels may have. Default: 0 to 255. */
  valueRange?: readonly [number, number];
}

const BYTES = [0, 255] as const;

/**
 * Stretches each channel of each image, from its lowest to its highest value, over the whole range, in
 * training and inference. A channel of one value stays. `[batch, height, width, channels]`, or one image, in
 * and out.
 */
export class AutoContrast extends ImageLayer {
  static readonly className = 'AutoContrast';
  static override readonly settings = ['valueRange', 'dataFormat'];
  readonly valueRange: readonly [number, number];

  constructor(args: AutoContrastArguments) {
    super(args);
    this.valueRange = checkRange('valueRange', args.valueRange ?? BYTES);
  }

  protected override change(images: Tensor4D): Tensor {
    const bytes = changeRange(images, this.valueRange, BYTES);
    // Keras goes over the same axes wherever the channels are.
    const axes = this.dataFormat === 'channelsFirst' ? [3, 1] : [1, 2];
    const [low, high] = [min(bytes, axes, true), max(bytes, axes, true)];
    const scale = div(255, sub(high, low));
    const stretched = clipByValue(add(mul(bytes, scale), mul(neg(low), scale)), ...BYTES);
    // One value cannot be stretched.
    const isFlat = broadcastTo(equal(low, high), images.shape);
    return where(isFlat, images, changeRange(stretched, BYTES, this.valueRange));
  }
}

/**
 * Makes an {@link AutoContrast}.
 *
 * @throws TypeError or ValueError for a `valueRange` that is not two finite numbers
 */
export const autoContrast = (args: AutoContrastArguments = {}) => new AutoContrast(args);
