/**
 * @file Keras' pooling of everything there is in space, with `keepdims`, along any axes, and under a mask.
 * Source: tf-keras 2.18 and Keras 3.15, `layers/pooling`.
 */
import { type Tensor, cast, div, expandDims, mean, sum, tidy, where, zerosLike } from '@tensorflow/tfjs-core';
import { InputSpec } from '@tensorflow/tfjs-layers';
import { stopGradient } from '../../operation/stop-gradient.js';
import { checkFlag } from './checks.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { maxAlong } from './max-along.js';
import { type DataFormat, checkDataFormat, spatialAxes } from './spatial.js';

/** The arguments of all global pooling. */
export interface GlobalPoolingArguments extends LayerArguments {
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
  /** Whether the dimensions of space stay, with a size of 1; default: false. */
  keepdims?: boolean;
}

abstract class GlobalPooling extends KerasLayer {
  static override readonly settings: readonly string[] = ['dataFormat', 'keepdims'];
  readonly dataFormat: DataFormat;
  readonly keepdims: boolean;
  protected readonly axes: number[];

  constructor(dimensions: number, args: GlobalPoolingArguments) {
    super(args);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.keepdims = checkFlag('keepdims', args.keepdims, false);
    this.axes = spatialAxes(this.dataFormat, dimensions);
    this.supportsMasking = false;
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const pooled = onlyShape(inputShape).map((size, i) => (this.axes.includes(i) ? 1 : size));
    return this.keepdims ? pooled : pooled.filter((_, i) => !this.axes.includes(i));
  }
}

class GlobalAveragePooling extends GlobalPooling {
  override call(inputs: Tensor | Tensor[]): Tensor {
    return mean(only(inputs), this.axes, this.keepdims);
  }
}

class GlobalMaxPooling extends GlobalPooling {
  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => maxAlong(only(inputs), this.axes, this.keepdims));
  }
}

/**
 * The mean over the steps: `[batch, steps, channels]` → `[batch, channels]`. Under a mask, the mean of the
 * steps that it lets through; NaN where it lets none.
 */
export class GlobalAveragePooling1D extends GlobalAveragePooling {
  static readonly className = 'GlobalAveragePooling1D';

  constructor(args: GlobalPoolingArguments = {}) {
    super(1, args);
    this.supportsMasking = true;
  }

  override call(inputs: Tensor | Tensor[], kwargs: { mask?: Tensor | Tensor[] | null } = {}): Tensor {
    const mask = kwargs.mask == null ? null : only(kwargs.mask);
    if (!mask) return super.call(inputs);
    return tidy(() => {
      const x = only(inputs);
      const steps = expandDims(cast(stopGradient(mask), 'bool'), this.dataFormat === 'channelsLast' ? 2 : 1);
      const total = sum(where(steps, x, zerosLike(x)), this.axes, this.keepdims);
      return div(total, sum(cast(steps, 'float32'), this.axes, this.keepdims));
    });
  }

  override computeMask(): Tensor {
    return null as unknown as Tensor;
  }
}

/** The mean over height and width: `[batch, height, width, channels]` → `[batch, channels]`. */
export class GlobalAveragePooling2D extends GlobalAveragePooling {
  static readonly className = 'GlobalAveragePooling2D';

  constructor(args: GlobalPoolingArguments = {}) {
    super(2, args);
  }
}

/** The mean over depth, height and width: `[batch, depth, height, width, channels]` → `[batch, channels]`. */
export class GlobalAveragePooling3D extends GlobalAveragePooling {
  static readonly className = 'GlobalAveragePooling3D';

  constructor(args: GlobalPoolingArguments = {}) {
    super(3, args);
  }
}

/** The largest value over the steps: `[batch, steps, channels]` → `[batch, channels]`. */
export class GlobalMaxPooling1D extends GlobalMaxPooling {
  static readonly className = 'GlobalMaxPooling1D';

  constructor(args: GlobalPoolingArguments = {}) {
    super(1, args);
  }
}

/** The largest value over height and width: `[batch, height, width, channels]` → `[batch, channels]`. */
export class GlobalMaxPooling2D extends GlobalMaxPooling {
  static readonly className = 'GlobalMaxPooling2D';

  constructor(args: GlobalPoolingArguments = {}) {
    super(2, args);
  }
}

/**
 * The largest value over depth, height and width: `[batch, depth, height, width, channels]` →
 * `[batch, channels]`.
 */
export class GlobalMaxPooling3D extends GlobalMaxPooling {
  static readonly className = 'GlobalMaxPooling3D';

  constructor(args: GlobalPoolingArguments = {}) {
    super(3, args);
  }
}

/**
 * Makes a {@link GlobalAveragePooling1D}.
 *
 * @throws TypeError or ValueError for a `keepdims` that is no boolean, or an unknown `dataFormat`
 */
export const globalAveragePooling1d = (args: GlobalPoolingArguments = {}) => new GlobalAveragePooling1D(args);
/**
 * Makes a {@link GlobalAveragePooling2D}.
 *
 * @throws TypeError or ValueError for a `keepdims` that is no boolean, or an unknown `dataFormat`
 */
export const globalAveragePooling2d = (args: GlobalPoolingArguments = {}) => new GlobalAveragePooling2D(args);
/**
 * Makes a {@link GlobalAveragePooling3D}.
 *
 * @throws TypeError or ValueError for a `keepdims` that is no boolean, or an unknown `dataFormat`
 */
export const globalAveragePooling3d = (args: GlobalPoolingArguments = {}) => new GlobalAveragePooling3D(args);
/**
 * Makes a {@link GlobalMaxPooling1D}.
 *
 * @throws TypeError or ValueError for a `keepdims` that is no boolean, or an unknown `dataFormat`
 */
export const globalMaxPooling1d = (args: GlobalPoolingArguments = {}) => new GlobalMaxPooling1D(args);
/**
 * Makes a {@link GlobalMaxPooling2D}.
 *
 * @throws TypeError or ValueError for a `keepdims` that is no boolean, or an unknown `dataFormat`
 */
export const globalMaxPooling2d = (args: GlobalPoolingArguments = {}) => new GlobalMaxPooling2D(args);
/**
 * Makes a {@link GlobalMaxPooling3D}.
 *
 * @throws TypeError or ValueError for a `keepdims` that is no boolean, or an unknown `dataFormat`
 */
export const globalMaxPooling3d = (args: GlobalPoolingArguments = {}) => new GlobalMaxPooling3D(args);
