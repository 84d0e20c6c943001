/**
 * @file Keras' pooling. TF.js' own lacks the data format in one dimension; in three, its first window begins outside of
 * the input where strides are longer than windows; and its gradients are others at borders and where values are equal.
 * MaxPooling2D is TF.js' own. Source: tf-keras 2.18 and Keras 3.15, `layers/pooling`.
 */
import {
  type Tensor,
  type Tensor4D,
  avgPool,
  customGrad,
  engine,
  expandDims,
  maxPool,
  squeeze,
  tidy,
} from '@tensorflow/tfjs-core';
import { InputSpec } from '@tensorflow/tfjs-layers';
import { type HiddenWork, type RunShape, type Work, countNumbers, workOfAny } from '../../model/run-cost.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { checkWord } from './checks.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { type Rows, largestOf, numbersHeld, resample, transposeRows } from './resampling.js';
import {
  type DataFormat,
  type PerDimension,
  checkDataFormat,
  checkSizes,
  fromChannelsLast,
  spatialAxes,
  toChannelsLast,
} from './spatial.js';

/** The arguments of all pooling by windows. */
export interface PoolingArguments extends LayerArguments {
  /** The size of each window; default: 2. */
  poolSize?: PerDimension<number>;
  /** How far it is from window to window; default: the size of a window. */
  strides?: PerDimension<number> | null;
  /** 'same' fills windows at the ends up. Default: 'valid'. */
  padding?: 'valid' | 'same';
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
}

/** The windows along an axis, each as the mean of what it has within. */
function windowsAlong(size: number, window: number, stride: number, padding: 'valid' | 'same'): Rows {
  const count = padding === 'same' ? Math.ceil(size / stride) : Math.ceil((size - window + 1) / stride);
  const outside = padding === 'same' ? Math.max(0, (count - 1) * stride + window - size) : 0;
  return Array.from({ length: count }, (_, i) => {
    const begin = i * stride - Math.floor(outside / 2);
    const [first, end] = [Math.max(begin, 0), Math.min(begin + window, size)];
    return Array.from({ length: end - first }, (__, j) => [first + j, 1 / (end - first)] as const);
  });
}

type AxisWindows = readonly [axis: number, rows: Rows];

abstract class Pooling extends KerasLayer implements HiddenWork {
  static override readonly settings: readonly string[] = ['poolSize', 'strides', 'padding', 'dataFormat'];
  readonly poolSize: number[];
  readonly strides: number[];
  readonly padding: 'valid' | 'same';
  readonly dataFormat: DataFormat;

  constructor(dimensions: number, args: PoolingArguments) {
    super(args);
    this.poolSize = checkSizes('poolSize', args.poolSize ?? 2, dimensions);
    this.strides = checkSizes('strides', args.strides ?? this.poolSize, dimensions);
    this.padding = checkWord('padding', args.padding ?? 'valid', ['valid', 'same']);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.supportsMasking = false;
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  /** @param x has the channels last */
  protected abstract pool(x: Tensor): Tensor;

  /** Of each axis with windows along it, from the last on. */
  protected windowsOf(shape: readonly number[]): AxisWindows[] {
    const axes = spatialAxes('channelsLast', this.poolSize.length).map((axis, i): AxisWindows => [
      axis,
      windowsAlong(shape[axis]!, this.poolSize[i]!, this.strides[i]!, this.padding),
    ]);
    return axes.reverse();
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const last = toChannelsLast(only(inputs), this.dataFormat);
      return fromChannelsLast(this.pool(last), this.dataFormat);
    });
  }

  workOf([input]: readonly RunShape[], [output]: readonly RunShape[]): Work {
    const largest = Math.max(countNumbers(input!), countNumbers(output!));
    const axes = spatialAxes(this.dataFormat, this.poolSize.length);
    const windows = axes.map((axis, i) => Math.min(this.poolSize[i]!, input![axis] ?? 1));
    // One axis after the other in three dimensions; TF.js' kernels go over all of a window.
    const result = axes.length === 3 ? largest : 0;
    const held = axes.map((axis, i) => numbersHeld(output![axis] ?? 1, windows[i]!, result));
    const { numbers, multiplications } = workOfAny(this, [input!], [output!]);
    return { numbers: held.reduce((sum, one) => sum + one, numbers), multiplications };
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = [...onlyShape(inputShape)];
    spatialAxes(this.dataFormat, this.poolSize.length).forEach((axis, i) => {
      const size = shape[axis] ?? null;
      const whole = this.padding === 'same' ? 1 : this.poolSize[i]!;
      if (size === null) return;
      if (size < whole) {
        throw new ValueError(
          `Layer ${show(this.name)}: its windows (poolSize ${show(this.poolSize)}) are larger than its input ` +
            `${show(onlyShape(inputShape))}. Give it larger ones, or padding 'same'.`,
        );
      }
      shape[axis] = Math.ceil((size - whole + 1) / this.strides[i]!);
    });
    return shape;
  }
}

type Pair = [number, number];

/** TF.js' gradient of a mean at a border divides by the whole window, though part of it lies outside. */
abstract class AveragePooling extends Pooling {
  protected override pool(x: Tensor): Tensor {
    const windows = this.windowsOf(x.shape);
    const average = customGrad((input) => ({
      value: this.average(input as Tensor, windows),
      gradFunc: (dy: Tensor) =>
        windows.reduce((back, [axis, rows]) => resample(back, axis, transposeRows(rows, x.shape[axis]!)), dy),
    }));
    return average(x);
  }

  protected average(x: Tensor, windows: readonly AxisWindows[]): Tensor {
    return windows.reduce((y, [axis, rows]) => resample(y, axis, rows), x);
  }
}

/**
 * Means of windows: `[batch, steps, channels]` → `[batch, newSteps, channels]`. `newSteps` is
 * `⌈(steps − poolSize + 1) / strides⌉`, with `'same'` `⌈steps / strides⌉`; what lies outside counts for
 * nothing.
 */
export class AveragePooling1D extends AveragePooling {
  static readonly className = 'AveragePooling1D';

  constructor(args: PoolingArguments = {}) {
    super(1, args);
  }

  protected override average(x: Tensor): Tensor {
    const [size, stride] = [this.poolSize[0]!, this.strides[0]!];
    return squeeze(avgPool(expandDims<Tensor4D>(x, 2), [size, 1], [stride, 1], this.padding), [2]);
  }
}

/**
 * Means of windows: `[batch, height, width, channels]` → `[batch, newHeight, newWidth, channels]`. What lies
 * outside counts for nothing.
 */
export class AveragePooling2D extends AveragePooling {
  static readonly className = 'AveragePooling2D';

  constructor(args: PoolingArguments = {}) {
    super(2, args);
  }

  protected override average(x: Tensor): Tensor {
    return avgPool(x as Tensor4D, this.poolSize as Pair, this.strides as Pair, this.padding);
  }
}

/**
 * Means of windows: `[batch, depth, height, width, channels]` → `[batch, …newSizes, channels]`. What lies
 * outside counts for nothing.
 */
export class AveragePooling3D extends AveragePooling {
  static readonly className = 'AveragePooling3D';

  constructor(args: PoolingArguments = {}) {
    super(3, args);
  }
}

const largestAlong = (x: Tensor, windows: readonly AxisWindows[], isShared: boolean): Tensor =>
  windows.reduce((y, [axis, rows]) => largestOf(y, axis, rows, isShared), x);

/**
 * Largest values of windows: `[batch, steps, channels]` → `[batch, newSteps, channels]`. Of equally large
 * values the first gets the gradient.
 */
export class MaxPooling1D extends Pooling {
  static readonly className = 'MaxPooling1D';

  constructor(args: PoolingArguments = {}) {
    super(1, args);
  }

  protected override pool(x: Tensor): Tensor {
    // The gradient of TF.js' kernel on wasm goes elsewhere where a maximum is not positive (4.22).
    if (engine().isTapeOn()) return largestAlong(x, this.windowsOf(x.shape), false);
    const [size, stride] = [this.poolSize[0]!, this.strides[0]!];
    return squeeze(maxPool(expandDims<Tensor4D>(x, 2), [size, 1], [stride, 1], this.padding), [2]);
  }
}

/**
 * Largest values of windows: `[batch, depth, height, width, channels]` → `[batch, …newSizes, channels]`. All
 * that are equally large get the gradient.
 */
export class MaxPooling3D extends Pooling {
  static readonly className = 'MaxPooling3D';

  constructor(args: PoolingArguments = {}) {
    super(3, args);
  }

  protected override pool(x: Tensor): Tensor {
    return largestAlong(x, this.windowsOf(x.shape), true);
  }
}

/**
 * Makes a {@link MaxPooling1D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const maxPooling1d = (args: PoolingArguments = {}) => new MaxPooling1D(args);
/**
 * Makes an {@link AveragePooling1D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const averagePooling1d = (args: PoolingArguments = {}) => new AveragePooling1D(args);
/**
 * Makes an {@link AveragePooling2D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const averagePooling2d = (args: PoolingArguments = {}) => new AveragePooling2D(args);
/**
 * Makes a {@link MaxPooling3D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const maxPooling3d = (args: PoolingArguments = {}) => new MaxPooling3D(args);
/**
 * Makes an {@link AveragePooling3D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const averagePooling3d = (args: PoolingArguments = {}) => new AveragePooling3D(args);
