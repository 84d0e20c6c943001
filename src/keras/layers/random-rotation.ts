/** @file Keras' RandomRotation. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_rotation.py`. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { AffineMatrix } from './affine.js';
import { type Factor, MOVING, type MovingArguments, MovingLayer, checkFactor } from './random-layer.js';

/** The arguments of {@link RandomRotation}. */
export interface RandomRotationArguments extends MovingArguments {
  /** In whole turns, against the clock. */
  factor: Factor;
}

/**
 * In training, turns each image about its centre, by an angle drawn for each. Images as
 * `[batch, height, width, channels]`, or one alone, in and out, float32.
 */
export class RandomRotation extends MovingLayer {
  static readonly className = 'RandomRotation';
  static override readonly settings = ['factor', ...MOVING];
  readonly factor: Factor;
  readonly #range: readonly [number, number];

  constructor(args: RandomRotationArguments) {
    super(args);
    this.factor = args.factor;
    this.#range = checkFactor('factor', args.factor, Number.isFinite, 'of turns');
  }

  protected override drawMatrices(images: Tensor4D): AffineMatrix[] {
    const [, height, width] = images.shape;
    const [x, y] = [(width - 1) / 2, (height - 1) / 2];
    return this.drawEach(images, this.#range).map((turns): AffineMatrix => {
      const [cosine, sine] = [Math.cos(2 * Math.PI * turns), Math.sin(2 * Math.PI * turns)];
      return [cosine, -sine, x - x * cosine + y * sine, sine, cosine, y - x * sine - y * cosine];
    });
  }
}

/**
 * Makes a {@link RandomRotation}.
 *
 * @throws TypeError or ValueError for a `factor` that is not a finite number or a range of two, or an unknown
 * `fillMode`
 */
export const randomRotation = (args: RandomRotationArguments) => new RandomRotation(args);
