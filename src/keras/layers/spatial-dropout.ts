/**
 * @file Keras' SpatialDropout2D and SpatialDropout3D, which drop whole channels of a sample.
 * Source: tf-keras 2.18 and Keras 3.15, `layers/regularization`.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { InputSpec } from '@tensorflow/tfjs-layers';
import { checkRate, drop } from './dropping.js';
import { KerasLayer, type LayerArguments, only } from './keras-layer.js';
import { type DataFormat, checkDataFormat, spatialAxes } from './spatial.js';

/** The arguments of {@link SpatialDropout2D} and {@link SpatialDropout3D}. */
export interface SpatialDropoutArguments extends LayerArguments {
  /** The probability that a channel is dropped, from 0 to 1. */
  rate: number;
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
}

abstract class SpatialDropout extends KerasLayer {
  static override readonly settings: readonly string[] = ['rate', 'dataFormat'];
  readonly rate: number;
  readonly dataFormat: DataFormat;

  constructor(dimensions: number, args: SpatialDropoutArguments) {
    super(args);
    this.rate = checkRate('rate', args.rate);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  override call(inputs: Tensor | Tensor[], { training }: { training?: boolean }): Tensor {
    const x = only(inputs);
    const axes = spatialAxes(this.dataFormat, x.rank - 2);
    const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
    return drop(x, this.rate, kept, training);
  }
}

/**
 * In training, sets whole channels of a sample to 0 and divides the others by `1 − rate`.
 * `[batch, height, width, channels]` in and out.
 */
export class SpatialDropout2D extends SpatialDropout {
  static readonly className = 'SpatialDropout2D';

  constructor(args: SpatialDropoutArguments) {
    super(2, args);
  }
}

/**
 * In training, sets whole channels of a sample to 0 and divides the others by `1 − rate`.
 * `[batch, depth, height, width, channels]` in and out.
 */
export class SpatialDropout3D extends SpatialDropout {
  static readonly className = 'SpatialDropout3D';

  constructor(args: SpatialDropoutArguments) {
    super(3, args);
  }
}

/**
 * Makes a {@link SpatialDropout2D}.
 *
 * @throws TypeError or ValueError for a `rate` that is not from 0 to 1, or an unknown `dataFormat`
 */
export const spatialDropout2d = (args: SpatialDropoutArguments) => new SpatialDropout2D(args);
/**
 * Makes a {@link SpatialDropout3D}.
 *
 * @throws TypeError or ValueError for a `rate` that is not from 0 to 1, or an unknown `dataFormat`
 */
export const spatialDropout3d = (args: SpatialDropoutArguments) => new SpatialDropout3D(args);
