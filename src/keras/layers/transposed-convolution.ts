/**
 * @file Keras' Conv1DTranspose, Conv2DTranspose and Conv3DTranspose. Sources: tf-keras 2.18 `layers/convolutional` and
 * `utils/conv_utils.py` (`deconv_output_length`), Keras 3.15 `layers/convolutional/base_conv_transpose.py`.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import { checkNumber } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import {
  type ConvolutionArguments,
  ConvolutionLayer,
  ENDING,
  FILTERS,
  KERNEL,
  type KernelArguments,
  WINDOW,
  checkCount,
} from './convolution-layer.js';
import { type Ending, end, transposeConvolve } from './convolution-operations.js';
import { type ParameterSettings, readParameters } from './parameters.js';
import type { PerDimension } from './spatial.js';

/** The arguments of {@link Conv1DTranspose}, {@link Conv2DTranspose} and {@link Conv3DTranspose}. */
export interface TransposedConvArguments extends ConvolutionArguments, KernelArguments {
  /** How many channels the output has. */
  readonly filters: number;
  /** How much longer the output is than it has to be, less than the strides. Default: as long as `padding` says. */
  readonly outputPadding?: PerDimension<number> | null;
}

/**
 * Every number of the input lays the kernel down on the output, a stride further for the next. Without
 * `outputPadding` a size becomes `size · stride` with `'same'`, else
 * `(size − 1) · stride + max(reach, stride)`.
 */
abstract class TransposedConvolution extends ConvolutionLayer implements ParameterSettings<'kernel'> {
  static override readonly settings = [...FILTERS, ...WINDOW, 'outputPadding', ...ENDING, ...KERNEL];

  readonly filters: number;
  readonly outputPadding: readonly number[] | null;
  declare readonly kernelInitializer: Initializer;
  declare readonly kernelRegularizer: Regularizer | null;
  declare readonly kernelConstraint: Constraint | null;
  private kernel: LayerVariable | null = null;

  constructor(dimensions: number, args: TransposedConvArguments) {
    super(dimensions, args);
    this.filters = checkCount('filters', args.filters);
    Object.assign(this, readParameters(args, { kernel: 'glorotUniform' }));
    const given = args.outputPadding ?? null;
    this.outputPadding =
      given === null ? null : this.kernelSize.map((_, i) => [given].flat()[i] ?? [given].flat()[0]!);
    this.outputPadding?.forEach((padding, i) => {
      const isLess = (value: number) => Number.isSafeInteger(value) && value >= 0 && value < this.strides[i]!;
      checkNumber(
        'outputPadding',
        padding,
        isLess,
        `integers from 0 on, less than strides (${show(this.strides)})`,
      );
    });
    this.checkDilation();
  }

  protected override outputChannels(): number {
    return this.filters;
  }

  protected override outputSize(size: number, dimension: number): number {
    const stride = this.strides[dimension]!;
    const reach = this.reach(dimension);
    const added = this.outputPadding?.[dimension];
    if (added === undefined) {
      return this.padding === 'same' ? size * stride : (size - 1) * stride + Math.max(reach, stride);
    }
    return (size - 1) * stride + added + (this.padding === 'same' ? reach % 2 : reach);
  }

  protected override buildKernels(channels: number): void {
    this.kernel = this.addParameter('kernel', 'kernel', [...this.kernelSize, this.filters, channels]);
  }

  protected override convolve(x: Tensor, ending: Ending): Tensor {
    const space = x.shape.slice(1, -1);
    const sizes = space.map((size, i) => this.outputSize(size, i));
    // A convolution of the output to the input would be padded so.
    const margins = space.map((size, i): [number, number] => {
      const total = Math.max((size - 1) * this.strides[i]! + this.reach(i) - sizes[i]!, 0);
      return this.padding === 'same' ? [Math.floor(total / 2), Math.ceil(total / 2)] : [0, 0];
    });
    const window = { strides: this.strides, dilations: this.dilationRate, margins };
    return end(transposeConvolve(x, this.kernel!.read(), window, sizes), ending);
  }
}

/**
 * `[batch, steps, channels]` → `[batch, newSteps, filters]`. Weights: kernel `[size, filters, channels]`,
 * bias `[filters]`.
 */
export class Conv1DTranspose extends TransposedConvolution {
  static readonly className = 'Conv1DTranspose';

  constructor(args: TransposedConvArguments) {
    super(1, args);
  }
}

/**
 * `[batch, height, width, channels]` → `[batch, newHeight, newWidth, filters]`. Weights: kernel
 * `[…kernelSize, filters, channels]`, bias `[filters]`.
 */
export class Conv2DTranspose extends TransposedConvolution {
  static readonly className = 'Conv2DTranspose';

  constructor(args: TransposedConvArguments) {
    super(2, args);
  }
}

/**
 * `[batch, depth, height, width, channels]` → `[batch, …newSizes, filters]`. Weights: kernel
 * `[…kernelSize, filters, channels]`, bias `[filters]`.
 */
export class Conv3DTranspose extends TransposedConvolution {
  static readonly className = 'Conv3DTranspose';

  constructor(args: TransposedConvArguments) {
    super(3, args);
  }
}

/**
 * Makes a {@link Conv1DTranspose}.
 *
 * @throws TypeError or ValueError for a value that cannot be: an `outputPadding` from the strides on, strides
 * and dilation both above 1
 */
export const conv1dTranspose = (args: TransposedConvArguments) => new Conv1DTranspose(args);
/**
 * Makes a {@link Conv2DTranspose}.
 *
 * @throws TypeError or ValueError for a value that cannot be: an `outputPadding` from the strides on, strides
 * and dilation both above 1
 */
export const conv2dTranspose = (args: TransposedConvArguments) => new Conv2DTranspose(args);
/**
 * Makes a {@link Conv3DTranspose}.
 *
 * @throws TypeError or ValueError for a value that cannot be: an `outputPadding` from the strides on, strides
 * and dilation both above 1
 */
export const conv3dTranspose = (args: TransposedConvArguments) => new Conv3DTranspose(args);
