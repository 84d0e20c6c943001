/** @file Keras' RandomBrightness. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_brightness.py`. */
import { type Tensor, type Tensor4D, add, clipByValue, tensor } from '@tensorflow/tfjs-core';
import { checkRange } from './checks.js';
import {
  type Factor,
  RANDOM,
  type RandomArguments,
  RandomLayer,
  checkFactor,
  within,
} from './random-layer.js';

/** The arguments of {@link RandomBrightness}. */
export interface RandomBrightnessArguments extends RandomArguments {
  /** How much is added, from −1 to 1: 1 is the whole of `valueRange`. */
  factor: Factor;
  /** What the result is clipped to. Default: 0 to 255. */
  valueRange?: readonly [number, number];
}

/**
 * In training, adds one number to all pixels of an image, drawn for each, and clips to `valueRange`. Images
 * as `[batch, height, width, channels]`, or one alone, in and out, float32.
 */
export class RandomBrightness extends RandomLayer {
  static readonly className = 'RandomBrightness';
  static override readonly settings = ['factor', 'valueRange', ...RANDOM];
  readonly factor: readonly [number, number];
  readonly valueRange: readonly [number, number];

  constructor(args: RandomBrightnessArguments) {
    super(args);
    this.factor = checkFactor('factor', args.factor, within(-1, 1), 'from -1 to 1');
    this.valueRange = checkRange('valueRange', args.valueRange ?? [0, 255]);
  }

  protected override augment(images: Tensor4D): Tensor {
    const [least, most] = this.valueRange;
    const added = this.drawEach(images, this.factor).map((drawn) => drawn * (most - least));
    return clipByValue(add(images, tensor(added, [added.length, 1, 1, 1])), least, most);
  }
}

/**
 * Makes a {@link RandomBrightness}.
 *
 * @throws TypeError or ValueError for a `factor` outside −1 to 1, or a `valueRange` that is not two finite
 * numbers
 */
export const randomBrightness = (args: RandomBrightnessArguments) => new RandomBrightness(args);
