/** @file tf-keras' ThresholdedReLU, which Keras 3 lacks. Source: tf-keras 2.18 `layers/activation/thresholded_relu.py`. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { checkNumber } from '../../text/refusal.js';
import { zeroBelow } from '../activations.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

/** The arguments of {@link ThresholdedReLU}. */
export interface ThresholdedReluArguments extends LayerArguments {
  /** What a number has to exceed. Default: 1. */
  readonly theta?: number;
}

/** `x` above theta, 0 elsewhere. Takes any shape. TF.js' own has no gradient. */
export class ThresholdedReLU extends KerasLayer {
  static readonly className = 'ThresholdedReLU';
  static override readonly settings = ['theta'];

  readonly theta: number;

  constructor(args: ThresholdedReluArguments = {}) {
    super(args);
    const { theta = 1 } = args;
    checkNumber('theta', theta, (value) => value >= 0, 'a number that is not negative');
    this.theta = theta;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => zeroBelow(only(inputs), this.theta));
  }
}

/**
 * Makes a {@link ThresholdedReLU}.
 *
 * @throws TypeError or ValueError for a `theta` that is not a number from 0 on
 */
export const thresholdedRelu = (args: ThresholdedReluArguments = {}) => new ThresholdedReLU(args);
