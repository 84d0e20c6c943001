/** @file Keras' RandomCrop. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_crop.py`. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { cropTo, proportionsOf, resizeByCrop } from './crop.js';
import { DIALECTS, type Dialect } from './dialect.js';
import { checkSize, checkWord } from './checks.js';
import type { Shape } from './keras-layer.js';
import { RANDOM, type RandomArguments, RandomLayer } from './random-layer.js';
import { resizeImages } from './resize.js';

/** The arguments of {@link RandomCrop}. */
export interface RandomCropArguments extends RandomArguments {
  /** Of the output, in pixels. */
  height: number;
  /** Of the output, in pixels. */
  width: number;
  /** In inference tf-keras resizes, and Keras 3 (the default) leaves images as they are. */
  dialect?: Dialect;
}

/**
 * In training, cuts one part out of all images of a batch; where they are smaller, a part that is resized.
 * `[batch, …, …, channels]`, or one image, becomes `[batch, height, width, channels]`, float32.
 */
export class RandomCrop extends RandomLayer {
  static readonly className = 'RandomCrop';
  static override readonly settings = ['height', 'width', 'dialect', ...RANDOM];
  readonly height: number;
  readonly width: number;
  readonly dialect: Dialect;

  constructor(args: RandomCropArguments) {
    super(args);
    this.height = checkSize('height', args.height);
    this.width = checkSize('width', args.width);
    this.dialect = checkWord('dialect', args.dialect ?? 'keras3', DIALECTS);
  }

  protected override change(images: Tensor4D, isTraining: boolean): Tensor {
    if (isTraining) return this.augment(images);
    return this.dialect === 'keras3' ? images : resizeByCrop(images, [this.height, this.width], 'bilinear');
  }

  protected override augment(images: Tensor4D): Tensor {
    const [, height, width] = images.shape;
    const size = [this.height, this.width] as const;
    const [down, across] = [height - this.height, width - this.width];
    const draw = (most: number) => Math.floor(this.draws.between(0, most + 1));
    if (this.dialect === 'tf-keras') {
      if (down < 0 || across < 0) return resizeByCrop(images, size, 'bilinear');
      return cropTo(images, [draw(down), draw(across)], size);
    }
    if (down > 0 && across > 0) return cropTo(images, [draw(down), draw(across)], size);
    // Keras 3 begins where the part with the right proportions would, and takes as much as there is.
    const [cropHeight, cropWidth] = proportionsOf([height, width], size);
    const [top, left] = [Math.trunc((height - cropHeight) / 2), Math.trunc((width - cropWidth) / 2)];
    const part = [Math.min(this.height, height - top), Math.min(this.width, width - left)] as const;
    return resizeImages(cropTo(images, [top, left], part), size, 'bilinear');
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.withSize(inputShape, this.height, this.width);
  }
}

/**
 * Makes a {@link RandomCrop}.
 *
 * @throws TypeError or ValueError for a `height` or `width` that is no positive integer, or an unknown
 * `dialect`
 */
export const randomCrop = (args: RandomCropArguments) => new RandomCrop(args);
