/** @file Keras' RandomRotation. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_rotation.py`. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { AffineMatrix } from './affine.js';
import { type Factor, MOVING, type MovingArguments, MovingLayer, checkFactor } from './random-layer.js';

export interface RandomRotationArguments extends MovingArguments {
  /** In whole turns, against the clock. */
  factor: Factor;
}

/** Turns each image about its centre in training. */
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

export const randomRotation = (args: RandomRotationArguments) => new RandomRotation(args);
