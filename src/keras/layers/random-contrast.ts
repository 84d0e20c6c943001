/** @file Keras' RandomContrast. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_contrast.py`. */
import { type Tensor, type Tensor4D, add, clipByValue, mean, mul, sub, tensor } from '@tensorflow/tfjs-core';
import { DIALECTS, type Dialect } from './dialect.js';
import { checkRange, checkWord } from './checks.js';
import {
  type Factor,
  RANDOM,
  type RandomArguments,
  RandomLayer,
  checkFactor,
  within,
} from './random-layer.js';

/** The arguments of {@link RandomContrast}. */
export interface RandomContrastArguments extends RandomArguments {
  /** `[a, b]`: contrasts from 1 − a to 1 + b. A number `f` is `[f, f]` in tf-keras and `[0, f]` in Keras 3. */
  factor: Factor;
  /** What the result is clipped to. Default: 0 to 255. */
  valueRange?: readonly [number, number];
  /** tf-keras draws once for all images, Keras 3 (the default) for each. */
  dialect?: Dialect;
}

/**
 * In training, `y = mean + contrast · (x − mean)`, clipped to `valueRange`, with the mean of each channel of
 * an image. Images as `[batch, height, width, channels]`, or one alone, in and out, float32.
 */
export class RandomContrast extends RandomLayer {
  static readonly className = 'RandomContrast';
  static override readonly settings = ['factor', 'valueRange', 'dialect', ...RANDOM];
  readonly factor: readonly [number, number];
  readonly valueRange: readonly [number, number];
  readonly dialect: Dialect;

  constructor(args: RandomContrastArguments) {
    super(args);
    this.dialect = checkWord('dialect', args.dialect ?? 'keras3', DIALECTS);
    const [least, most] = checkFactor('factor', args.factor, within(0, Infinity), 'from 0 on');
    const isKeras3 = this.dialect === 'keras3';
    if (typeof args.factor === 'number') this.factor = [isKeras3 ? 0 : most, most];
    else this.factor = isKeras3 ? [least, most] : args.factor;
    this.valueRange = checkRange('valueRange', args.valueRange ?? [0, 255]);
  }

  protected override augment(images: Tensor4D): Tensor {
    const range = [1 - this.factor[0], 1 + this.factor[1]] as const;
    const contrasts =
      this.dialect === 'keras3' ? this.drawEach(images, range) : [this.draws.between(...range)];
    const centre = mean(images, [1, 2], true);
    const changed = mul(sub(images, centre), tensor(contrasts, [contrasts.length, 1, 1, 1]));
    return clipByValue(add(changed, centre), ...this.valueRange);
  }
}

/**
 * Makes a {@link RandomContrast}.
 *
 * @throws TypeError or ValueError for a `factor` below 0, a `valueRange` that is not two finite numbers, an
 * unknown `dialect`
 */
export const randomContrast = (args: RandomContrastArguments) => new RandomContrast(args);
