/** @file Keras' ActivityRegularization. Source: tf-keras 2.18 and Keras 3.15, `layers/regularization`. */
import {
  type Scalar,
  type Tensor,
  add,
  clone,
  div,
  engine,
  keep,
  mul,
  neg,
  relu,
  square,
  sum,
  tidy,
} from '@tensorflow/tfjs-core';
import { checkNumber } from '../../text/refusal.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

export interface ActivityRegularizationArguments extends LayerArguments {
  /** What the magnitudes weigh; default: 0. */
  l1?: number;
  /** What the squares weigh; default: 0. */
  l2?: number;
}

/** A training of one's own that never asks for penalties must not fill the memory. */
const MOST_WAITING = 64;

/** Gives what it gets; in training it adds a penalty on it to the loss, as a mean over the samples. */
export class ActivityRegularization extends KerasLayer {
  static readonly className = 'ActivityRegularization';
  static override readonly settings = ['l1', 'l2'];
  readonly l1: number;
  readonly l2: number;
  /** Of each call since the losses were last asked for. */
  readonly #waiting: Scalar[] = [];

  constructor(args: ActivityRegularizationArguments = {}) {
    super(args);
    this.l1 = args.l1 ?? 0;
    this.l2 = args.l2 ?? 0;
    for (const name of ['l1', 'l2'] as const) checkNumber(name, this[name], Number.isFinite, 'a number');
  }

  override call(inputs: Tensor | Tensor[], { training }: { training?: boolean }): Tensor {
    const x = only(inputs);
    if (training && engine().isTapeOn()) {
      this.#waiting.push(keep(tidy(() => this.#penaltyOn(x))));
      if (this.#waiting.length > MOST_WAITING) this.#waiting.shift()!.dispose();
    }
    // A tensor of its own: TF.js frees what a layer was given.
    return clone(x);
  }

  override calculateLosses(): Scalar[] {
    const own = this.#waiting.splice(0).map((penalty) => {
      const loss = clone(penalty);
      penalty.dispose();
      return loss;
    });
    return [...super.calculateLosses(), ...own];
  }

  #penaltyOn(x: Tensor): Scalar {
    // The gradient of TF.js' magnitude is −1 at 0, Keras' is 0.
    const magnitudes = sum(add(relu(x), relu(neg(x))));
    return div(add(mul(magnitudes, this.l1), mul(sum(square(x)), this.l2)), x.shape[0]);
  }
}

export const activityRegularization = (args: ActivityRegularizationArguments = {}) =>
  new ActivityRegularization(args);
