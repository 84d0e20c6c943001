/**
 * @file Keras 3's adaptive pooling, whose windows are as long as the size of the output asks for.
 * Source: Keras 3.15, `layers/pooling`, `backend/tensorflow/nn.py`.
 */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { InputSpec } from '@tensorflow/tfjs-layers';
import { type HiddenWork, type RunShape, type Work, countNumbers, workOfAny } from '../../model/run-cost.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { type Rows, largestOf, numbersHeld, resample } from './resampling.js';
import { type DataFormat, type PerDimension, checkDataFormat, checkSizes, spatialAxes } from './spatial.js';

/** The arguments of all adaptive pooling. */
export interface AdaptivePoolingArguments extends LayerArguments {
  /** How many windows there are along each dimension of space; one number stands for all. */
  outputSize: PerDimension<number>;
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
}

/** The windows along an axis, each as the mean of what it has within. */
const windowsAlong = (size: number, outputSize: number): Rows =>
  Array.from({ length: outputSize }, (_, i) => {
    const begin = Math.floor((i * size) / outputSize);
    const length = Math.ceil(((i + 1) * size) / outputSize) - begin;
    return Array.from({ length }, (__, j) => [begin + j, 1 / length] as const);
  });

/**
 * Window i of an axis goes from `⌊i·size/outputSize⌋` up to `⌈(i + 1)·size/outputSize⌉`, so that neighbours
 * may overlap.
 */
abstract class AdaptivePooling extends KerasLayer implements HiddenWork {
  static override readonly settings: readonly string[] = ['outputSize', 'dataFormat'];
  readonly outputSize: number[];
  readonly dataFormat: DataFormat;

  constructor(dimensions: number, args: AdaptivePoolingArguments) {
    super(args);
    this.outputSize = checkSizes('outputSize', args.outputSize, dimensions);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.supportsMasking = false;
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  protected abstract poolAlong(x: Tensor, axis: number, windows: Rows): Tensor;

  /** Windows are products of those along each axis, so one axis follows the other, from the last on. */
  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() =>
      spatialAxes(this.dataFormat, this.outputSize.length).reduceRight(
        (x, axis, i) => this.poolAlong(x, axis, windowsAlong(x.shape[axis]!, this.outputSize[i]!)),
        only(inputs),
      ),
    );
  }

  workOf([input]: readonly RunShape[], [output]: readonly RunShape[]): Work {
    const largest = Math.max(countNumbers(input!), countNumbers(output!));
    const held = spatialAxes(this.dataFormat, this.outputSize.length).map((axis) => {
      const [size, count] = [input![axis] ?? 1, output![axis] ?? 1];
      // Windows overlap by one at most, so that together they are little longer than the axis.
      return numbersHeld(count, Math.ceil(size / count) + 1, 0) + 2 * largest;
    });
    const { numbers } = workOfAny(this, [input!], [output!]);
    const all = held.reduce((sum, one) => sum + one, numbers);
    return { numbers: all, multiplications: all };
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = [...onlyShape(inputShape)];
    spatialAxes(this.dataFormat, this.outputSize.length).forEach((axis, i) => {
      if (shape[axis] == null) {
        throw new ValueError(
          `Layer ${show(this.name)}: axis ${axis} of its input ${show(shape)} is open. Fix its size.`,
        );
      }
      shape[axis] = this.outputSize[i]!;
    });
    return shape;
  }
}

class AdaptiveAveragePooling extends AdaptivePooling {
  protected override poolAlong(x: Tensor, axis: number, windows: Rows): Tensor {
    return resample(x, axis, windows);
  }
}

/** The first of equally large values gets the gradient, in three dimensions all of them. */
class AdaptiveMaxPooling extends AdaptivePooling {
  protected override poolAlong(x: Tensor, axis: number, windows: Rows): Tensor {
    return largestOf(x, axis, windows, this.outputSize.length === 3);
  }
}

/**
 * Means of windows: `[batch, steps, channels]` → `[batch, outputSize, channels]`. The number of steps has to
 * be known.
 */
export class AdaptiveAveragePooling1D extends AdaptiveAveragePooling {
  static readonly className = 'AdaptiveAveragePooling1D';

  constructor(args: AdaptivePoolingArguments) {
    super(1, args);
  }
}

/**
 * Means of windows: `[batch, height, width, channels]` → `[batch, …outputSize, channels]`. Sizes have to be
 * known.
 */
export class AdaptiveAveragePooling2D extends AdaptiveAveragePooling {
  static readonly className = 'AdaptiveAveragePooling2D';

  constructor(args: AdaptivePoolingArguments) {
    super(2, args);
  }
}

/**
 * Means of windows: `[batch, depth, height, width, channels]` → `[batch, …outputSize, channels]`. Sizes have
 * to be known.
 */
export class AdaptiveAveragePooling3D extends AdaptiveAveragePooling {
  static readonly className = 'AdaptiveAveragePooling3D';

  constructor(args: AdaptivePoolingArguments) {
    super(3, args);
  }
}

/**
 * Largest values of windows: `[batch, steps, channels]` → `[batch, outputSize, channels]`. The number of
 * steps has to be known.
 */
export class AdaptiveMaxPooling1D extends AdaptiveMaxPooling {
  static readonly className = 'AdaptiveMaxPooling1D';

  constructor(args: AdaptivePoolingArguments) {
    super(1, args);
  }
}

/**
 * Largest values of windows: `[batch, height, width, channels]` → `[batch, …outputSize, channels]`. Sizes
 * have to be known.
 */
export class AdaptiveMaxPooling2D extends AdaptiveMaxPooling {
  static readonly className = 'AdaptiveMaxPooling2D';

  constructor(args: AdaptivePoolingArguments) {
    super(2, args);
  }
}

/**
 * Largest values of windows: `[batch, depth, height, width, channels]` → `[batch, …outputSize, channels]`.
 * Sizes have to be known.
 */
export class AdaptiveMaxPooling3D extends AdaptiveMaxPooling {
  static readonly className = 'AdaptiveMaxPooling3D';

  constructor(args: AdaptivePoolingArguments) {
    super(3, args);
  }
}

/**
 * Makes an {@link AdaptiveAveragePooling1D}.
 *
 * @throws TypeError or ValueError for an `outputSize` that is not a positive integer
 */
export const adaptiveAveragePooling1d = (args: AdaptivePoolingArguments) =>
  new AdaptiveAveragePooling1D(args);
/**
 * Makes an {@link AdaptiveAveragePooling2D}.
 *
 * @throws TypeError or ValueError for an `outputSize` that is not one or two positive integers
 */
export const adaptiveAveragePooling2d = (args: AdaptivePoolingArguments) =>
  new AdaptiveAveragePooling2D(args);
/**
 * Makes an {@link AdaptiveAveragePooling3D}.
 *
 * @throws TypeError or ValueError for an `outputSize` that is not one or three positive integers
 */
export const adaptiveAveragePooling3d = (args: AdaptivePoolingArguments) =>
  new AdaptiveAveragePooling3D(args);
/**
 * Makes an {@link AdaptiveMaxPooling1D}.
 *
 * @throws TypeError or ValueError for an `outputSize` that is not a positive integer
 */
export const adaptiveMaxPooling1d = (args: AdaptivePoolingArguments) => new AdaptiveMaxPooling1D(args);
/**
 * Makes an {@link AdaptiveMaxPooling2D}.
 *
 * @throws TypeError or ValueError for an `outputSize` that is not one or two positive integers
 */
export const adaptiveMaxPooling2d = (args: AdaptivePoolingArguments) => new AdaptiveMaxPooling2D(args);
/**
 * Makes an {@link AdaptiveMaxPooling3D}.
 *
 * @throws TypeError or ValueError for an `outputSize` that is not one or three positive integers
 */
export const adaptiveMaxPooling3d = (args: AdaptivePoolingArguments) => new AdaptiveMaxPooling3D(args);
