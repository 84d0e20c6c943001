/** @file Keras' Cropping1D and Cropping3D. Source: tf-keras 2.18 and Keras 3.15, `layers/reshaping`. */
import { type Tensor, slice } from '@tensorflow/tfjs-core';
import { InputSpec } from '@tensorflow/tfjs-layers';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { type DataFormat, type Margins, checkDataFormat, checkMargins, spatialAxes } from './spatial.js';

/** The arguments of {@link Cropping1D}. */
export interface Cropping1DArguments extends LayerArguments {
  /** How much is cut off each end; default: 1. */
  cropping?: Margins;
}

/** The arguments of {@link Cropping3D}. */
export interface Cropping3DArguments extends Cropping1DArguments {
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
}

abstract class Cropping extends KerasLayer {
  readonly cropping: readonly [number, number][];
  readonly dataFormat: DataFormat;

  constructor(dimensions: number, args: Cropping3DArguments) {
    super(args);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.cropping = checkMargins('cropping', args.cropping ?? 1, dimensions);
    this.supportsMasking = false;
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = only(inputs);
    const begin = Array<number>(x.rank).fill(0);
    spatialAxes(this.dataFormat, x.rank - 2).forEach((axis, i) => {
      begin[axis] = this.cropping[i]![0];
    });
    return slice(x, begin, this.computeOutputShape(x.shape) as number[]);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = onlyShape(inputShape);
    const result = [...shape];
    spatialAxes(this.dataFormat, shape.length - 2).forEach((axis, i) => {
      const [before, after] = this.cropping[i]!;
      const size = shape[axis] ?? null;
      if (size === null) return;
      if (before + after >= size) {
        throw new ValueError(
          `Layer ${show(this.name)}: a cropping of ${show(this.cropping)} leaves nothing of the shape ${show(shape)}.`,
        );
      }
      result[axis] = size - before - after;
    });
    return result;
  }
}

/** Cuts off the ends: `[batch, steps, channels]` → `[batch, steps − before − after, channels]`. */
export class Cropping1D extends Cropping {
  static readonly className = 'Cropping1D';
  static override readonly settings = ['cropping'];

  constructor(args: Cropping1DArguments = {}) {
    super(1, args);
  }

  /** As Keras writes it. */
  override getConfig() {
    return { ...super.getConfig(), cropping: this.cropping[0]! };
  }
}

/**
 * Cuts off the ends of depth, height and width: `[batch, depth, height, width, channels]` → the same rank
 * with smaller sizes.
 */
export class Cropping3D extends Cropping {
  static readonly className = 'Cropping3D';
  static override readonly settings = ['cropping', 'dataFormat'];

  constructor(args: Cropping3DArguments = {}) {
    super(3, args);
  }
}

/**
 * Makes a {@link Cropping1D}.
 *
 * @throws TypeError or ValueError for a `cropping` that is not one or two integers from 0 on
 */
export const cropping1d = (args: Cropping1DArguments = {}) => new Cropping1D(args);
/**
 * Makes a {@link Cropping3D}.
 *
 * @throws TypeError or ValueError for a `cropping` that is not an integer from 0 on, or one or two for each
 * dimension
 */
export const cropping3d = (args: Cropping3DArguments = {}) => new Cropping3D(args);
