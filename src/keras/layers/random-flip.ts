/** @file Keras' RandomFlip. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `random_flip.py`. */
import { type Tensor, type Tensor4D, reverse, tensor, where } from '@tensorflow/tfjs-core';
import { DIALECTS, type Dialect } from './dialect.js';
import { checkWord } from './checks.js';
import { RANDOM, type RandomArguments, RandomLayer } from './random-layer.js';

const MODES = ['horizontal', 'vertical', 'horizontalAndVertical'] as const;

/** The arguments of {@link RandomFlip}. */
export interface RandomFlipArguments extends RandomArguments {
  /** Left to right, upside down, or both. Default: `'horizontalAndVertical'`. */
  mode?: (typeof MODES)[number];
  /** Both ways are drawn apart in tf-keras, and Keras 3 (the default) flips both or neither. */
  dialect?: Dialect;
}

/**
 * In training, flips each image with a probability of one half. Images as `[batch, height, width, channels]`,
 * or one alone, in and out, float32.
 */
export class RandomFlip extends RandomLayer {
  static readonly className = 'RandomFlip';
  static override readonly settings = ['mode', 'dialect', ...RANDOM];
  readonly mode: (typeof MODES)[number];
  readonly dialect: Dialect;

  constructor(args: RandomFlipArguments) {
    super(args);
    this.mode = checkWord('mode', args.mode ?? 'horizontalAndVertical', MODES);
    this.dialect = checkWord('dialect', args.dialect ?? 'keras3', DIALECTS);
  }

  protected override augment(images: Tensor4D): Tensor {
    const flips = this.#drawFlips(images);
    const flipAlong = (axis: number, isFlipped: readonly boolean[], x: Tensor4D): Tensor4D =>
      where(tensor([...isFlipped], [isFlipped.length, 1, 1, 1], 'bool'), reverse(x, axis), x);
    const across = this.mode === 'vertical' ? images : flipAlong(2, flips, images);
    if (this.mode === 'horizontal') return across;
    const isApart = this.dialect === 'tf-keras' && this.mode !== 'vertical';
    return flipAlong(1, isApart ? this.#drawFlips(images) : flips, across);
  }

  #drawFlips(images: Tensor4D): boolean[] {
    return this.drawEach(images, [0, 1]).map((drawn) => drawn < 0.5);
  }
}

/**
 * Makes a {@link RandomFlip}.
 *
 * @throws TypeError or ValueError for an unknown `mode` or `dialect`
 */
export const randomFlip = (args: RandomFlipArguments = {}) => new RandomFlip(args);
