/** @file Keras' CenterCrop. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `center_crop.py`. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { cropTo, resizeByCrop } from './crop.js';
import { checkSize } from './checks.js';
import { type ImageArguments, ImageLayer } from './image-layer.js';
import type { Shape } from './keras-layer.js';

/** The arguments of {@link CenterCrop}. */
export interface CenterCropArguments extends ImageArguments {
  /** Of the output, in pixels. */
  height: number;
  /** Of the output, in pixels. */
  width: number;
}

/**
 * Cuts out the middle. A smaller image is cut to the proportions, and resized with bilinear interpolation.
 * `[batch, …, …, channels]`, or one image, becomes `[batch, height, width, channels]`, always float32.
 */
export class CenterCrop extends ImageLayer {
  static readonly className = 'CenterCrop';
  static override readonly settings = ['height', 'width', 'dataFormat'];
  readonly height: number;
  readonly width: number;

  constructor(args: CenterCropArguments) {
    super(args);
    this.height = checkSize('height', args.height);
    this.width = checkSize('width', args.width);
  }

  protected override change(images: Tensor4D): Tensor {
    const [, height, width] = images.shape;
    const size = [this.height, this.width] as const;
    if (height < this.height || width < this.width) return resizeByCrop(images, size, 'bilinear');
    return cropTo(
      images,
      [Math.floor((height - this.height) / 2), Math.floor((width - this.width) / 2)],
      size,
    );
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.withSize(inputShape, this.height, this.width);
  }
}

/**
 * Makes a {@link CenterCrop}.
 *
 * @throws TypeError or ValueError for a `height` or `width` that is no positive integer
 */
export const centerCrop = (args: CenterCropArguments) => new CenterCrop(args);
