/** @file Keras' CategoryEncoding. Source: tf-keras 2.18 and Keras 3.15 `category_encoding.py`, `encode_categorical_inputs`. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { HiddenWork, RunShape, Work } from '../../model/run-cost.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { VECTOR_MODES, encode, encodedShape, workOfEncoding } from './categories.js';
import { checkSize, checkWord } from './checks.js';
import {
  type AcceptedInputs,
  KerasLayer,
  type LayerArguments,
  type Shape,
  onlyShape,
} from './keras-layer.js';

/** The arguments of {@link CategoryEncoding}. */
export interface CategoryEncodingArguments extends LayerArguments {
  /** How many categories there are. Numbers outside count for nothing; tf-keras refuses them. */
  numTokens: number;
  /**
   * `'oneHot'`: a vector for each number; `'multiHot'` and `'count'`: one for each row, of what occurs or how
   * often. Default: `'multiHot'`.
   */
  outputMode?: (typeof VECTOR_MODES)[number];
  /** `['count_weights']` where there is a second input. Default: none. */
  tensorArguments?: readonly string[];
}

/**
 * Numbers from 0 to `numTokens − 1` as vectors. With `'count'`, a second input says what each number counts
 * for. `[batch, n]` becomes `[batch, numTokens]`, with `'oneHot'` `[batch, n, numTokens]`, where an n of 1 is
 * left out.
 */
export class CategoryEncoding extends KerasLayer implements HiddenWork {
  static readonly className = 'CategoryEncoding';
  static override readonly settings = ['numTokens', 'outputMode', 'tensorArguments'];
  readonly numTokens: number;
  readonly outputMode: (typeof VECTOR_MODES)[number];
  readonly tensorArguments: readonly string[];

  constructor(args: CategoryEncodingArguments) {
    super(args);
    this.supportsMasking = false;
    this.numTokens = checkSize('numTokens', args.numTokens);
    this.outputMode = checkWord('outputMode', args.outputMode ?? 'multiHot', VECTOR_MODES);
    this.tensorArguments = args.tensorArguments ?? [];
  }

  protected override get acceptedInputs(): AcceptedInputs {
    return { least: 1, most: 2, expected: 'categories, or [categories, weights]' };
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [numbers, weights = null] = [inputs].flat() as [Tensor, Tensor?];
    if (weights !== null && this.outputMode !== 'count') {
      throw new ValueError(
        `Layer ${show(this.name)}: weights are for outputMode 'count', and its own is ${show(this.outputMode)}.`,
      );
    }
    return tidy(() => encode(numbers, this.outputMode, this.numTokens, weights));
  }

  workOf(inputs: readonly RunShape[]): Work {
    return workOfEncoding(inputs, this.outputMode, this.numTokens);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return encodedShape(onlyShape(inputShape), this.outputMode, this.numTokens);
  }
}

/**
 * Makes a {@link CategoryEncoding}.
 *
 * @throws TypeError or ValueError for a `numTokens` that is no positive integer, or an unknown `outputMode`
 */
export const categoryEncoding = (args: CategoryEncodingArguments) => new CategoryEncoding(args);
