/**
 * @file Keras' LayerNormalization. TF.js' own lacks constraints, and the scaling without a centre that Keras 3 has.
 * Source: tf-keras 2.18 and Keras 3.15, `layers/normalization/layer_normalization.py`.
 */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { resolveAxes } from './axes.js';
import { checkFlag } from './checks.js';
import { type Shape, only, onlyShape } from './keras-layer.js';
import {
  SampleNormalization,
  type SampleNormalizationArguments,
  checkKnown,
} from './sample-normalization.js';

/** The arguments of {@link LayerNormalization}. */
export interface LayerNormalizationArguments extends SampleNormalizationArguments {
  /** Divides by the deviation, and subtracts and adds nothing; gamma is there then. Keras 3 alone. Default: false. */
  rmsScaling?: boolean;
}

/**
 * `y = gamma · (x − mean) / √(variance + epsilon) + beta`, with the moments of each sample along `axis`.
 * Takes any shape; gamma and beta have the sizes of these axes.
 */
export class LayerNormalization extends SampleNormalization {
  static readonly className = 'LayerNormalization';
  static override readonly settings = [...SampleNormalization.settings, 'rmsScaling'];
  readonly rmsScaling: boolean;

  constructor(args: LayerNormalizationArguments = {}) {
    super(args);
    this.rmsScaling = checkFlag('rmsScaling', args.rmsScaling, false);
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = onlyShape(inputShape);
    const sizes = checkKnown(this.name, shape, resolveAxes(this.name, this.axis, shape.length));
    if (this.scale || this.rmsScaling) this.gamma = this.addParameter('gamma', 'gamma', sizes);
    if (this.center && !this.rmsScaling) this.beta = this.addParameter('beta', 'beta', sizes);
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      const axes = resolveAxes(this.name, this.axis, x.rank);
      const shape = x.shape.map((size, i) => (axes.includes(i) ? size : 1));
      return this.normalize(x, axes, shape, !this.rmsScaling);
    });
  }
}

/**
 * Makes a {@link LayerNormalization}.
 *
 * @throws TypeError or ValueError for an `axis` that is not one integer or more, or an `epsilon` below 0
 */
export const layerNormalization = (args: LayerNormalizationArguments = {}) => new LayerNormalization(args);
