/** @file Keras' RandomZoom. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_zoom.py`. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { AffineMatrix } from './affine.js';
import { type Factor, MOVING, type MovingArguments, MovingLayer, checkFactor } from './random-layer.js';

/** The arguments of {@link RandomZoom}. */
export interface RandomZoomArguments extends MovingArguments {
  /** By how much the height that is seen grows: 0.2 makes the image smaller. */
  heightFactor: Factor;
  /** The same of the width. Default: what is drawn for the height. */
  widthFactor?: Factor | null;
}

const isAccepted = (value: number) => value > -1 && value <= 1;

/**
 * In training, zooms each image about its centre, by what is drawn for each. Images as
 * `[batch, height, width, channels]`, or one alone, in and out, float32.
 */
export class RandomZoom extends MovingLayer {
  static readonly className = 'RandomZoom';
  static override readonly settings = ['heightFactor', 'widthFactor', ...MOVING];
  readonly heightFactor: Factor;
  readonly widthFactor: Factor | null;
  readonly #heights: readonly [number, number];
  readonly #widths: readonly [number, number] | null;

  constructor(args: RandomZoomArguments) {
    super(args);
    this.heightFactor = args.heightFactor;
    this.widthFactor = args.widthFactor ?? null;
    const check = (name: string, factor: Factor) =>
      checkFactor(name, factor, isAccepted, 'above -1 and up to 1');
    this.#heights = check('heightFactor', this.heightFactor);
    this.#widths = this.widthFactor === null ? null : check('widthFactor', this.widthFactor);
  }

  protected override drawMatrices(images: Tensor4D): AffineMatrix[] {
    const [, height, width] = images.shape;
    const heights = this.drawEach(images, this.#heights);
    const widths = this.#widths ? this.drawEach(images, this.#widths) : heights;
    return heights.map((drawn, i): AffineMatrix => {
      const [x, y] = [1 + widths[i]!, 1 + drawn];
      return [x, 0, ((width - 1) / 2) * (1 - x), 0, y, ((height - 1) / 2) * (1 - y)];
    });
  }
}

/**
 * Makes a {@link RandomZoom}.
 *
 * @throws TypeError or ValueError for factors that are not above −1 and up to 1, or an unknown `fillMode`
 */
export const randomZoom = (args: RandomZoomArguments) => new RandomZoom(args);
