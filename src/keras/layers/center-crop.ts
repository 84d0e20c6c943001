/** @file Keras' CenterCrop. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `center_crop.py`. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { cropTo, resizeByCrop } from './crop.js';
import { checkSize } from './checks.js';
import { type ImageArguments, ImageLayer } from './image-layer.js';
import type { Shape } from './keras-layer.js';

export interface CenterCropArguments extends ImageArguments {
  height: number;
  width: number;
}

/** Cuts out the middle. A smaller image is cut to the proportions, and resized. */
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

export const centerCrop = (args: CenterCropArguments) => new CenterCrop(args);
