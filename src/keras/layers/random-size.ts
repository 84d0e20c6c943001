/** @file tf-keras' RandomHeight and RandomWidth, which Keras 3 lacks. Source: tf-keras 2.18 `image_preprocessing.py`. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { checkWord } from './checks.js';
import { type Shape, onlyShape } from './keras-layer.js';
import { type Factor, type RandomArguments, RandomLayer, checkFactor } from './random-layer.js';
import { INTERPOLATIONS, type Interpolation, resizeImages } from './resize.js';

/** The arguments of {@link RandomHeight} and {@link RandomWidth}. */
export interface RandomSizeArguments extends RandomArguments {
  /** By how much the size grows, from −1 on: 0.2 makes it larger by a fifth. */
  factor: Factor;
  /** `bilinear` by default. */
  interpolation?: Interpolation;
}

abstract class RandomSize extends RandomLayer {
  static override readonly settings = ['factor', 'interpolation', 'seed'];
  readonly factor: Factor;
  readonly interpolation: Interpolation;
  readonly #range: readonly [number, number];

  constructor(args: RandomSizeArguments) {
    super(args);
    this.factor = args.factor;
    this.#range = checkFactor('factor', args.factor, (value) => value >= -1, 'from -1 on');
    this.interpolation = checkWord('interpolation', args.interpolation ?? 'bilinear', INTERPOLATIONS);
  }

  /** One size for all images of the batch, of at least a pixel. */
  protected drawSize(size: number): number {
    const [from, to] = this.#range;
    return Math.max(1, Math.trunc(Math.fround(this.draws.between(1 + from, 1 + to)) * size));
  }
}

/**
 * In training, stretches the images of a batch in height, all to one that is drawn: `⌊(1 + drawn) · height⌋`,
 * at least 1. `[batch, height, width, channels]`, or one image, in and out, float32.
 */
export class RandomHeight extends RandomSize {
  static readonly className = 'RandomHeight';

  protected override augment(images: Tensor4D): Tensor {
    const [, height, width] = images.shape;
    return resizeImages(images, [this.drawSize(height), width], this.interpolation);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.withSize(inputShape, null, onlyShape(inputShape).at(-2)!);
  }
}

/**
 * In training, stretches the images of a batch in width, all to one that is drawn: `⌊(1 + drawn) · width⌋`,
 * at least 1. `[batch, height, width, channels]`, or one image, in and out, float32.
 */
export class RandomWidth extends RandomSize {
  static readonly className = 'RandomWidth';

  protected override augment(images: Tensor4D): Tensor {
    const [, height, width] = images.shape;
    return resizeImages(images, [height, this.drawSize(width)], this.interpolation);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.withSize(inputShape, onlyShape(inputShape).at(-3)!, null);
  }
}

/**
 * Makes a {@link RandomHeight}.
 *
 * @throws TypeError or ValueError for a `factor` below −1, or an unknown `interpolation`
 */
export const randomHeight = (args: RandomSizeArguments) => new RandomHeight(args);
/**
 * Makes a {@link RandomWidth}.
 *
 * @throws TypeError or ValueError for a `factor` below −1, or an unknown `interpolation`
 */
export const randomWidth = (args: RandomSizeArguments) => new RandomWidth(args);
