/** @file Keras' ELU. Sources: tf-keras 2.18 `layers/activation/elu.py`, Keras 3 `layers/activations/elu.py`. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { checkNumber } from '../../text/refusal.js';
import { scaledElu } from '../activations.js';

import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

/** The arguments of {@link ELU}. */
export interface EluArguments extends LayerArguments {
  /** Very negative numbers become `−alpha`. Default: 1. */
  readonly alpha?: number;
}

/** `x` above 0, `alpha·(eˣ − 1)` below. Takes any shape. TF.js' own takes an alpha of 1 only. */
export class ELU extends KerasLayer {
  static readonly className = 'ELU';
  static override readonly settings = ['alpha'];

  readonly alpha: number;

  constructor(args: EluArguments = {}) {
    super(args);
    const { alpha = 1 } = args;
    checkNumber('alpha', alpha, Number.isFinite, 'a finite number');
    this.alpha = alpha;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => scaledElu(only(inputs), this.alpha));
  }
}

/**
 * Makes an {@link ELU}.
 *
 * @throws TypeError or ValueError for an `alpha` that is not a finite number
 */
export const elu = (args: EluArguments = {}) => new ELU(args);
