/** @file tf-keras' ThresholdedReLU, which Keras 3 lacks. Source: tf-keras 2.18 `layers/activation/thresholded_relu.py`. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { checkNumber } from '../../text/refusal.js';
import { zeroBelow } from '../activations.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

export interface ThresholdedReluArguments extends LayerArguments {
  /** Default: 1. */
  readonly theta?: number;
}

/** `x` above theta, 0 elsewhere. TF.js' own has no gradient. */
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

export const thresholdedRelu = (args: ThresholdedReluArguments = {}) => new ThresholdedReLU(args);
