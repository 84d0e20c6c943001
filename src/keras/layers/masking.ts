/**
 * @file Keras' Masking. TF.js' own has no gradient with regard to its input. Source: tf-keras 2.18 and Keras 3.15,
 * `layers/core/masking.py`.
 */
import { type Tensor, any, cast, expandDims, mul, notEqual, tidy } from '@tensorflow/tfjs-core';
import { stopGradient } from '../../operation/stop-gradient.js';
import { checkNumber } from '../../text/refusal.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

/** The arguments of {@link Masking}. */
export interface MaskingArguments extends LayerArguments {
  /** Steps that have it everywhere are left out; default: 0. */
  maskValue?: number;
}

/**
 * Sets the steps that have `maskValue` everywhere to 0, and makes a mask that leaves them out.
 * `[batch, steps, features]` in and out; the mask has the shape `[batch, steps]`.
 */
export class Masking extends KerasLayer {
  static readonly className = 'Masking';
  static override readonly settings = ['maskValue'];
  readonly maskValue: number;

  constructor(args: MaskingArguments = {}) {
    super(args);
    this.maskValue = args.maskValue ?? 0;
    checkNumber('maskValue', this.maskValue, Number.isFinite, 'a number');
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      return mul(x, cast(expandDims(this.computeMask(x), -1), x.dtype));
    });
  }

  override computeMask(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => stopGradient(any(notEqual(only(inputs), this.maskValue), -1)));
  }
}

/**
 * Makes a {@link Masking}.
 *
 * @throws TypeError or ValueError for a `maskValue` that is not a finite number
 */
export const masking = (args: MaskingArguments = {}) => new Masking(args);
