/** @file Keras' UnitNormalization. Source: tf-keras 2.18 and Keras 3.15, `layers/normalization`. */
import { type Tensor, maximum, mul, rsqrt, square, sum, tidy } from '@tensorflow/tfjs-core';
import { checkAxes } from './axes.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

/** The arguments of {@link UnitNormalization}. */
export interface UnitNormalizationArguments extends LayerArguments {
  /** Along which the squares are summed; default: -1. */
  axis?: number | number[];
}

/** No sum of squares counts as less. */
const EPSILON = 1e-12;

/**
 * `y = x / √Σx²`, so that the sum of squares along the axes is 1. Takes any shape; a sum below 1e-12 counts
 * as that.
 */
export class UnitNormalization extends KerasLayer {
  static readonly className = 'UnitNormalization';
  static override readonly settings = ['axis'];
  readonly axis: number | number[];

  constructor(args: UnitNormalizationArguments = {}) {
    super(args);
    this.axis = checkAxes(args.axis ?? -1);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      return mul(x, rsqrt(maximum(sum(square(x), this.axis, true), EPSILON)));
    });
  }
}

/**
 * Makes a {@link UnitNormalization}.
 *
 * @throws TypeError for an `axis` that is not one integer or more
 */
export const unitNormalization = (args: UnitNormalizationArguments = {}) => new UnitNormalization(args);
