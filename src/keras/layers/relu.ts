/** @file Keras' ReLU. Sources: tf-keras 2.18 `layers/activation/relu.py`, Keras 3 `layers/activations/relu.py`. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { checkNumber } from '../../text/refusal.js';
import { type ReluSettings, generalRelu } from '../activations.js';

import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

const isNotNegative = (value: number) => value >= 0;
const NOT_NEGATIVE = 'a number that is not negative';

/**
 * The arguments of {@link ReLU}: `maxValue` (default: null, none), `negativeSlope` (0) and `threshold` (0).
 */
export interface ReluArguments extends LayerArguments, Partial<ReluSettings> {}

/** `x` from the threshold up to the largest value, `negativeSlope·(x − threshold)` below. Takes any shape. */
export class ReLU extends KerasLayer implements ReluSettings {
  static readonly className = 'ReLU';
  static override readonly settings = ['maxValue', 'negativeSlope', 'threshold'];

  readonly maxValue: number | null;
  readonly negativeSlope: number;
  readonly threshold: number;

  constructor(args: ReluArguments = {}) {
    super(args);
    const { maxValue = null, negativeSlope = 0, threshold = 0 } = args;
    if (maxValue !== null) checkNumber('maxValue', maxValue, isNotNegative, NOT_NEGATIVE);
    checkNumber('negativeSlope', negativeSlope, isNotNegative, NOT_NEGATIVE);
    checkNumber('threshold', threshold, isNotNegative, NOT_NEGATIVE);
    this.maxValue = maxValue;
    this.negativeSlope = negativeSlope;
    this.threshold = threshold;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => generalRelu(only(inputs), this));
  }
}

/**
 * Makes a {@link ReLU}.
 *
 * @throws TypeError or ValueError for an argument that is not a number from 0 on
 */
export const relu = (args: ReluArguments = {}) => new ReLU(args);
