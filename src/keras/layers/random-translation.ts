/** @file Keras' RandomTranslation. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_translation.py`. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { AffineMatrix } from './affine.js';
import {
  type Factor,
  MOVING,
  type MovingArguments,
  MovingLayer,
  checkFactor,
  within,
} from './random-layer.js';

/** The arguments of {@link RandomTranslation}. */
export interface RandomTranslationArguments extends MovingArguments {
  /** Downwards, in heights of the image. */
  heightFactor: Factor;
  /** To the right, in widths of the image. */
  widthFactor: Factor;
}

/**
 * In training, moves each image by distances drawn for each. Images as `[batch, height, width, channels]`, or
 * one alone, in and out, float32.
 */
export class RandomTranslation extends MovingLayer {
  static readonly className = 'RandomTranslation';
  static override readonly settings = ['heightFactor', 'widthFactor', ...MOVING];
  readonly heightFactor: Factor;
  readonly widthFactor: Factor;
  readonly #heights: readonly [number, number];
  readonly #widths: readonly [number, number];

  constructor(args: RandomTranslationArguments) {
    super(args);
    this.heightFactor = args.heightFactor;
    this.widthFactor = args.widthFactor;
    this.#heights = checkFactor('heightFactor', args.heightFactor, within(-1, 1), 'from -1 to 1');
    this.#widths = checkFactor('widthFactor', args.widthFactor, within(-1, 1), 'from -1 to 1');
  }

  protected override drawMatrices(images: Tensor4D): AffineMatrix[] {
    const [, height, width] = images.shape;
    const down = this.drawEach(images, this.#heights);
    const right = this.drawEach(images, this.#widths);
    return down.map((drawn, i): AffineMatrix => [1, 0, -right[i]! * width, 0, 1, -drawn * height]);
  }
}

/**
 * Makes a {@link RandomTranslation}.
 *
 * @throws TypeError or ValueError for factors outside −1 to 1, or an unknown `fillMode`
 */
export const randomTranslation = (args: RandomTranslationArguments) => new RandomTranslation(args);
