/** @file Keras' Identity. Source: tf-keras 2.18 and Keras 3.15, `layers/core/identity.py`. */
import { type Tensor, clone } from '@tensorflow/tfjs-core';
import { checkFlag } from './checks.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

/** The arguments of {@link Identity}. */
export interface IdentityArguments extends LayerArguments {
  /** Whether a mask goes on behind it, as in Keras 3; in tf-keras it ends there. Default: true. */
  passesMask?: boolean;
}

/** `y = x`, of any shape. */
export class Identity extends KerasLayer {
  static readonly className = 'Identity';
  static override readonly settings = ['passesMask'];
  readonly passesMask: boolean;

  constructor(args: IdentityArguments = {}) {
    super(args);
    this.passesMask = checkFlag('passesMask', args.passesMask, true);
    this.supportsMasking = this.passesMask;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    // A tensor of its own: TF.js frees what a layer was given.
    return clone(only(inputs));
  }
}

/**
 * Makes an {@link Identity}.
 *
 * @throws TypeError for a `passesMask` that is no boolean
 */
export const identity = (args: IdentityArguments = {}) => new Identity(args);
