/** @file Keras' Conv1D, Conv2D and Conv3D. Sources: tf-keras 2.18 and Keras 3.15, `layers/convolutional/base_conv.py`. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import {
  type ConvolutionArguments,
  ConvolutionLayer,
  ENDING,
  FILTERS,
  KERNEL,
  type KernelArguments,
  type Padding,
  WINDOW,
  checkCount,
} from './convolution-layer.js';
import { type Ending, convolve } from './convolution-operations.js';
import { type ParameterSettings, readParameters } from './parameters.js';

/** The arguments of {@link Conv1D}, {@link Conv2D} and {@link Conv3D}. */
export interface ConvArguments extends ConvolutionArguments, KernelArguments {
  /** How many channels the output has. */
  readonly filters: number;
  /** Into how many parts the channels are divided, each with filters of its own. Default: 1. */
  readonly groups?: number;
}

abstract class Convolution extends ConvolutionLayer implements ParameterSettings<'kernel'> {
  static override readonly settings = [...FILTERS, ...WINDOW, 'groups', ...ENDING, ...KERNEL];

  readonly filters: number;
  readonly groups: number;
  declare readonly kernelInitializer: Initializer;
  declare readonly kernelRegularizer: Regularizer | null;
  declare readonly kernelConstraint: Constraint | null;
  private kernel: LayerVariable | null = null;

  constructor(dimensions: number, args: ConvArguments, paddings?: readonly Padding[]) {
    super(dimensions, args, paddings);
    this.filters = checkCount('filters', args.filters);
    this.groups = checkCount('groups', args.groups ?? 1);
    if (this.filters % this.groups !== 0) {
      throw new ValueError(
        `groups: expected a divisor of filters (${this.filters}), received ${this.groups}.`,
      );
    }
    Object.assign(this, readParameters(args, { kernel: 'glorotUniform' }));
    this.checkDilation();
  }

  protected override outputChannels(): number {
    return this.filters;
  }

  protected override outputSize(size: number, dimension: number): number {
    return this.sizeAfterWindows(size, dimension);
  }

  protected override buildKernels(channels: number): void {
    if (channels % this.groups !== 0) {
      throw new ValueError(
        `Layer ${show(this.name)}: its input has ${channels} channels, which ${this.groups} groups do not divide.`,
      );
    }
    this.kernel = this.addParameter('kernel', 'kernel', [
      ...this.kernelSize,
      channels / this.groups,
      this.filters,
    ]);
  }

  protected override convolve(x: Tensor, ending: Ending): Tensor {
    return convolve(x, this.kernel!.read(), this.windowOn(x), this.groups, ending);
  }
}

/**
 * `activation(x ∗ kernel + bias)`: `[batch, steps, channels]` → `[batch, newSteps, filters]`. Weights: kernel
 * `[size, channels / groups, filters]`, bias `[filters]`. Has `'causal'` padding, too.
 */
export class Conv1D extends Convolution {
  static readonly className = 'Conv1D';

  constructor(args: ConvArguments) {
    super(1, args, ['valid', 'same', 'causal']);
  }
}

/**
 * `activation(x ∗ kernel + bias)`: `[batch, height, width, channels]` →
 * `[batch, newHeight, newWidth, filters]`. Weights: kernel `[…kernelSize, channels / groups, filters]`, bias
 * `[filters]`.
 */
export class Conv2D extends Convolution {
  static readonly className = 'Conv2D';

  constructor(args: ConvArguments) {
    super(2, args);
  }
}

/**
 * `activation(x ∗ kernel + bias)`: `[batch, depth, height, width, channels]` → `[batch, …newSizes, filters]`.
 * Weights: kernel `[…kernelSize, channels / groups, filters]`, bias `[filters]`.
 */
export class Conv3D extends Convolution {
  static readonly className = 'Conv3D';

  constructor(args: ConvArguments) {
    super(3, args);
  }
}

/**
 * Makes a {@link Conv1D}.
 *
 * @throws TypeError or ValueError for a value that cannot be: `groups` that do not divide `filters`, strides
 * and dilation both above 1, an unknown padding
 */
export const conv1d = (args: ConvArguments) => new Conv1D(args);
/**
 * Makes a {@link Conv2D}.
 *
 * @throws TypeError or ValueError for a value that cannot be: `groups` that do not divide `filters`, strides
 * and dilation both above 1, `'causal'` padding
 */
export const conv2d = (args: ConvArguments) => new Conv2D(args);
/**
 * Makes a {@link Conv3D}.
 *
 * @throws TypeError or ValueError for a value that cannot be: `groups` that do not divide `filters`, strides
 * and dilation both above 1, `'causal'` padding
 */
export const conv3d = (args: ConvArguments) => new Conv3D(args);
