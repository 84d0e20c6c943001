/** @file Keras 3's RMSNormalization. Source: Keras 3.15 `layers/normalization/rms_normalization.py`. */
import { type Tensor, add, mean, mul, rsqrt, square, tidy } from '@tensorflow/tfjs-core';
import { type LayerVariable, initializers } from '@tensorflow/tfjs-layers';
import { checkAxes, resolveAxes } from './axes.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { checkEpsilon, checkKnown } from './sample-normalization.js';

/** The arguments of {@link RMSNormalization}. */
export interface RMSNormalizationArguments extends LayerArguments {
  /** The axes whose squares are averaged. Default: -1. */
  axis?: number | number[];
  /** Added to the mean of the squares; default: 1e-6. */
  epsilon?: number;
}

/**
 * `y = scale · x / √(mean of x² + epsilon)`, with the mean of each sample along `axis`. Takes any shape; the
 * weight scale has the sizes of these axes.
 */
export class RMSNormalization extends KerasLayer {
  static readonly className = 'RMSNormalization';
  static override readonly settings = ['axis', 'epsilon'];
  readonly axis: number | number[];
  readonly epsilon: number;
  scale!: LayerVariable;

  constructor(args: RMSNormalizationArguments = {}) {
    super(args);
    this.axis = checkAxes(args.axis ?? -1);
    this.epsilon = checkEpsilon(args.epsilon ?? 1e-6);
    this.supportsMasking = false;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = onlyShape(inputShape);
    const sizes = checkKnown(this.name, shape, resolveAxes(this.name, this.axis, shape.length));
    this.scale = this.addWeight('scale', sizes, 'float32', initializers.ones());
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      const squares = mean(square(x), resolveAxes(this.name, this.axis, x.rank), true);
      // As in Keras, its shape is not that of the axes: it meets the last ones.
      return mul(mul(x, rsqrt(add(squares, this.epsilon))), this.scale.read());
    });
  }
}

/**
 * Makes an {@link RMSNormalization}.
 *
 * @throws TypeError or ValueError for an `axis` that is not one integer or more, or an `epsilon` below 0
 */
export const rmsNormalization = (args: RMSNormalizationArguments = {}) => new RMSNormalization(args);
