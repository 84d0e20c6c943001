/** @file Keras' ActivityRegularization. Source: tf-keras 2.18 and Keras 3.15, `layers/regularization`. */
import { type Tensor, clone } from '@tensorflow/tfjs-core';
import { regularizers } from '@tensorflow/tfjs-layers';
import { penaltyOn } from '../../layer/variables.js';
import { penalizeActivity } from '../../model/activity-penalties.js';
import { checkNumber } from '../../text/refusal.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

/** The arguments of {@link ActivityRegularization}. */
export interface ActivityRegularizationArguments extends LayerArguments {
  /** What the magnitudes weigh; default: 0. */
  l1?: number;
  /** What the squares weigh; default: 0. */
  l2?: number;
}

/**
 * `y = x`. In training it adds `l1·Σ|y| + l2·Σy²`, divided by the size of the batch, to the loss. Takes any
 * shape.
 */
export class ActivityRegularization extends KerasLayer {
  static readonly className = 'ActivityRegularization';
  static override readonly settings = ['l1', 'l2'];
  readonly l1: number;
  readonly l2: number;

  constructor(args: ActivityRegularizationArguments = {}) {
    super(args);
    this.l1 = args.l1 ?? 0;
    this.l2 = args.l2 ?? 0;
    for (const name of ['l1', 'l2'] as const) checkNumber(name, this[name], Number.isFinite, 'a number');
    const regularizer = regularizers.l1l2({ l1: this.l1, l2: this.l2 });
    penalizeActivity(this, (output) => penaltyOn(regularizer, output));
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    // A tensor of its own: TF.js frees what a layer was given.
    return clone(only(inputs));
  }
}

/**
 * Makes an {@link ActivityRegularization}.
 *
 * @throws TypeError or ValueError for an `l1` or `l2` that is not a finite number
 */
export const activityRegularization = (args: ActivityRegularizationArguments = {}) =>
  new ActivityRegularization(args);
