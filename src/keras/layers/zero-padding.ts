/** @file Keras' ZeroPadding1D and ZeroPadding3D. Source: tf-keras 2.18 and Keras 3.15, `layers/reshaping`. */
import { type Tensor, pad } from '@tensorflow/tfjs-core';
import { InputSpec } from '@tensorflow/tfjs-layers';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { type DataFormat, type Margins, checkDataFormat, checkMargins, spatialAxes } from './spatial.js';

/** The arguments of {@link ZeroPadding1D} and {@link ZeroPadding3D}. */
export interface ZeroPaddingArguments extends LayerArguments {
  /** How many zeros at each end of each dimension; default: 1. */
  padding?: Margins;
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
}

abstract class ZeroPadding extends KerasLayer {
  static override readonly settings: readonly string[] = ['padding', 'dataFormat'];
  readonly padding: readonly [number, number][];
  readonly dataFormat: DataFormat;

  constructor(dimensions: number, args: ZeroPaddingArguments) {
    super(args);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.padding = checkMargins('padding', args.padding ?? 1, dimensions);
    this.supportsMasking = false;
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs);
    return pad(x, this.#marginsOf(x.rank));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = onlyShape(inputShape);
    const margins = this.#marginsOf(shape.length);
    return shape.map((size, i) => (size === null ? null : size + margins[i]![0] + margins[i]![1]));
  }

  #marginsOf(rank: number): [number, number][] {
    const margins = Array.from({ length: rank }, (): [number, number] => [0, 0]);
    spatialAxes(this.dataFormat, rank - 2).forEach((axis, i) => {
      margins[axis] = this.padding[i]!;
    });
    return margins;
  }
}

/** Zeros at both ends: `[batch, steps, channels]` → `[batch, before + steps + after, channels]`. */
export class ZeroPadding1D extends ZeroPadding {
  static readonly className = 'ZeroPadding1D';

  constructor(args: ZeroPaddingArguments = {}) {
    super(1, args);
  }

  /** As Keras writes it. */
  override getConfig() {
    return { ...super.getConfig(), padding: this.padding[0]! };
  }
}

/**
 * Zeros at both ends of depth, height and width: `[batch, depth, height, width, channels]` → the same rank
 * with larger sizes.
 */
export class ZeroPadding3D extends ZeroPadding {
  static readonly className = 'ZeroPadding3D';

  constructor(args: ZeroPaddingArguments = {}) {
    super(3, args);
  }
}

/**
 * Makes a {@link ZeroPadding1D}.
 *
 * @throws TypeError or ValueError for a `padding` that is not one or two integers from 0 on
 */
export const zeroPadding1d = (args: ZeroPaddingArguments = {}) => new ZeroPadding1D(args);
/**
 * Makes a {@link ZeroPadding3D}.
 *
 * @throws TypeError or ValueError for a `padding` that is not an integer from 0 on, or one or two for each
 * dimension
 */
export const zeroPadding3d = (args: ZeroPaddingArguments = {}) => new ZeroPadding3D(args);
