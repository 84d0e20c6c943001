/**
 * @file Keras' UpSampling1D, UpSampling2D and UpSampling3D. TF.js has the second, which interpolates between other
 * points. Source: tf-keras 2.18 and Keras 3.15, `layers/reshaping`.
 */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { InputSpec } from '@tensorflow/tfjs-layers';
import type { HiddenWork, RunShape, Work } from '../../model/run-cost.js';
import { refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { resample } from './resampling.js';
import { INTERPOLATIONS, type Interpolation, tapsFor, workOfResize } from './resize.js';
import { type DataFormat, type PerDimension, checkDataFormat, checkSizes, spatialAxes } from './spatial.js';

/** The arguments of {@link UpSampling1D}. */
export interface UpSampling1DArguments extends LayerArguments {
  /** How often each step is repeated; default: 2. */
  size?: number;
}

/** The arguments of {@link UpSampling3D}. */
export interface UpSampling3DArguments extends LayerArguments {
  /** By how much each dimension grows; default: 2. */
  size?: PerDimension<number>;
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
}

/** The arguments of {@link UpSampling2D}. */
export interface UpSampling2DArguments extends UpSampling3DArguments {
  /** Default: 'nearest', which repeats. Keras 3 lacks 'area', 'gaussian' and 'mitchellcubic'. */
  interpolation?: Interpolation;
}

abstract class UpSampling extends KerasLayer implements HiddenWork {
  /** One for each dimension. */
  readonly #sizes: readonly number[];
  readonly dataFormat: DataFormat;
  readonly interpolation: Interpolation;

  constructor(dimensions: number, args: UpSampling2DArguments) {
    super(args);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.#sizes = checkSizes('size', args.size ?? 2, dimensions);
    this.interpolation = args.interpolation ?? 'nearest';
    if (!INTERPOLATIONS.includes(this.interpolation)) {
      refuse(ValueError, 'interpolation', `one of ${INTERPOLATIONS.join(', ')}`, this.interpolation);
    }
    this.supportsMasking = false;
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  get size(): PerDimension<number> {
    return this.#sizes;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() =>
      this.#axesOf(only(inputs).shape).reduce((x, [axis, grown]) => {
        const rows = tapsFor(this.interpolation, x.shape[axis]!, grown!);
        return resample(x, axis, rows);
      }, only(inputs)),
    );
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = [...onlyShape(inputShape)];
    for (const [axis, grown] of this.#axesOf(shape)) shape[axis] = grown;
    return shape;
  }

  workOf([input]: readonly RunShape[], [output]: readonly RunShape[]): Work {
    return workOfResize(input!, output!, this.interpolation);
  }

  /** The axes that grow, and to what. */
  #axesOf(shape: Shape): [axis: number, grown: number | null][] {
    return spatialAxes(this.dataFormat, this.#sizes.length).map((axis, i) => {
      const size = shape[axis] ?? null;
      return [axis, size === null ? null : size * this.#sizes[i]!];
    });
  }
}

/** Repeats each step: `[batch, steps, channels]` → `[batch, size · steps, channels]`. */
export class UpSampling1D extends UpSampling {
  static readonly className = 'UpSampling1D';
  static override readonly settings = ['size'];

  constructor(args: UpSampling1DArguments = {}) {
    super(1, args);
  }

  override get size(): number {
    return (super.size as readonly number[])[0]!;
  }
}

/**
 * Repeats pixels, or interpolates: `[batch, height, width, channels]` →
 * `[batch, size · height, size · width, channels]`.
 */
export class UpSampling2D extends UpSampling {
  static readonly className = 'UpSampling2D';
  static override readonly settings = ['size', 'dataFormat', 'interpolation'];

  constructor(args: UpSampling2DArguments = {}) {
    super(2, args);
  }
}

/**
 * Repeats along depth, height and width, each by its size: `[batch, depth, height, width, channels]` in and
 * out.
 */
export class UpSampling3D extends UpSampling {
  static readonly className = 'UpSampling3D';
  static override readonly settings = ['size', 'dataFormat'];

  constructor(args: UpSampling3DArguments = {}) {
    super(3, args);
  }
}

/**
 * Makes an {@link UpSampling1D}.
 *
 * @throws TypeError or ValueError for a `size` that is no positive integer
 */
export const upSampling1d = (args: UpSampling1DArguments = {}) => new UpSampling1D(args);
/**
 * Makes an {@link UpSampling2D}.
 *
 * @throws TypeError or ValueError for a `size` that is not one or two positive integers, or an unknown
 * `interpolation`
 */
export const upSampling2d = (args: UpSampling2DArguments = {}) => new UpSampling2D(args);
/**
 * Makes an {@link UpSampling3D}.
 *
 * @throws TypeError or ValueError for a `size` that is not one or three positive integers
 */
export const upSampling3d = (args: UpSampling3DArguments = {}) => new UpSampling3D(args);
