/**
 * @file Keras' Softmax, along any axes; TF.js' own takes the last alone. Source: tf-keras 2.18
 * `layers/activation/softmax.py`, Keras 3.15 `layers/activations/softmax.py`.
 */
import { checkWord } from './checks.js';
import {
  type Tensor,
  add,
  cast,
  exp,
  logSumExp,
  mul,
  softmax as alongLast,
  sub,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { stopGradient } from '../../operation/stop-gradient.js';
import { checkAxes, resolveAxes } from './axes.js';
import { DIALECTS, type Dialect } from './dialect.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';

/** The arguments of {@link Softmax}. */
export interface SoftmaxArguments extends LayerArguments {
  /** Along which the outputs add up to 1; default: -1. */
  axis?: number | number[];
  /** Where a mask leaves nothing, Keras 3 gives zeros, tf-keras equal shares. Default: 'keras3'. */
  dialect?: Dialect;
}

/** What is added to values that a mask leaves out. */
const LEFT_OUT = -1e9;

/** `y = eˣ / Σeˣ` along `axis`; under a mask, of what it lets through. Takes any shape. */
export class Softmax extends KerasLayer {
  static readonly className = 'Softmax';
  static override readonly settings = ['axis', 'dialect'];
  readonly axis: number | number[];
  readonly dialect: Dialect;

  constructor(args: SoftmaxArguments = {}) {
    super(args);
    this.axis = checkAxes(args.axis ?? -1);
    this.dialect = checkWord('dialect', args.dialect ?? 'keras3', DIALECTS);
  }

  override call(inputs: Tensor | Tensor[], kwargs: { mask?: Tensor | Tensor[] | null } = {}): Tensor {
    return tidy(() => {
      const x = only(inputs);
      if (kwargs.mask == null) return this.#along(x);
      const mask = cast(stopGradient(only(kwargs.mask)), x.dtype);
      const y = this.#along(add(x, mul(sub(1, mask), LEFT_OUT)));
      return this.dialect === 'keras3' ? mul(y, mask) : y;
    });
  }

  #along(x: Tensor): Tensor {
    const axes = resolveAxes(this.name, this.axis, x.rank);
    if (axes.length > 1) return exp(sub(x, logSumExp(x, axes, true)));
    // TF.js has it along the last axis alone.
    const order = x.shape.map((_, i) => i);
    [order[axes[0]!], order[x.rank - 1]] = [x.rank - 1, axes[0]!];
    return axes[0] === x.rank - 1 ? alongLast(x) : transpose(alongLast(transpose(x, order)), order);
  }
}

/**
 * Makes a {@link Softmax}.
 *
 * @throws TypeError or ValueError for an `axis` that is not one integer or more, or an unknown `dialect`
 */
export const softmax = (args: SoftmaxArguments = {}) => new Softmax(args);
