/**
 * @file Keras' Flatten, which takes samples of any rank and of open sizes; TF.js' own takes those of two dimensions and
 * more, all known. Source: tf-keras 2.18 and Keras 3.15, `layers/reshaping/flatten.py`.
 */
import { type Tensor, reshape, tidy } from '@tensorflow/tfjs-core';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { type DataFormat, checkDataFormat, toChannelsLast } from './spatial.js';

/** The arguments of {@link Flatten}. */
export interface FlattenArguments extends LayerArguments {
  /** Where the channels stand; they come last in the output. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
}

/** `[batch, …sizes]` → `[batch, product of the sizes]`; `[batch]` → `[batch, 1]`. */
export class Flatten extends KerasLayer {
  static readonly className = 'Flatten';
  static override readonly settings = ['dataFormat'];
  readonly dataFormat: DataFormat;

  constructor(args: FlattenArguments = {}) {
    super(args);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.supportsMasking = false;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      const moved = x.rank > 2 ? toChannelsLast(x, this.dataFormat) : x;
      return reshape(moved, this.computeOutputShape(x.shape) as number[]);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, ...sizes] = onlyShape(inputShape);
    const size = sizes.reduce((product, one) => (product === null || one === null ? null : product * one), 1);
    return [batch!, size];
  }
}

/**
 * Makes a {@link Flatten}.
 *
 * @throws ValueError for an unknown `dataFormat`
 */
export const flatten = (args: FlattenArguments = {}) => new Flatten(args);
