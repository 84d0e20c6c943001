/**
 * @file Keras' DepthwiseConv1D and DepthwiseConv2D. Sources: tf-keras 2.18 and Keras 3.15,
 * `layers/convolutional/base_depthwise_conv.py`.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import {
  type ConvolutionArguments,
  ConvolutionLayer,
  DEPTHWISE,
  type DepthwiseArguments,
  ENDING,
  WINDOW,
  checkCount,
} from './convolution-layer.js';
import { type Ending, convolveDepthwise } from './convolution-operations.js';
import { type ParameterSettings, readParameters } from './parameters.js';

/** The arguments of {@link DepthwiseConv1D} and {@link DepthwiseConv2D}. */
export interface DepthwiseConvArguments extends ConvolutionArguments, DepthwiseArguments {
  /** How many channels come of each. Default: 1. */
  readonly depthMultiplier?: number;
}

abstract class DepthwiseConvolution extends ConvolutionLayer implements ParameterSettings<'depthwise'> {
  static override readonly settings = [...WINDOW, ...ENDING, ...DEPTHWISE];

  readonly depthMultiplier: number;
  declare readonly depthwiseInitializer: Initializer;
  declare readonly depthwiseRegularizer: Regularizer | null;
  declare readonly depthwiseConstraint: Constraint | null;
  private depthwiseKernel: LayerVariable | null = null;

  constructor(dimensions: number, args: DepthwiseConvArguments) {
    super(dimensions, args);
    this.depthMultiplier = checkCount('depthMultiplier', args.depthMultiplier ?? 1);
    Object.assign(this, readParameters(args, { depthwise: 'glorotUniform' }));
  }

  protected override outputChannels(channels: number): number {
    return channels * this.depthMultiplier;
  }

  protected override outputSize(size: number, dimension: number): number {
    return this.sizeAfterWindows(size, dimension);
  }

  protected override buildKernels(channels: number): void {
    const shape = [...this.kernelSize, channels, this.depthMultiplier];
    this.depthwiseKernel = this.addParameter('depthwise', 'depthwise_kernel', shape);
  }

  protected override convolve(x: Tensor, ending: Ending): Tensor {
    return convolveDepthwise(x, this.depthwiseKernel!.read(), this.windowOn(x), ending);
  }
}

/**
 * Convolves each channel by itself: `[batch, steps, channels]` →
 * `[batch, newSteps, channels · depthMultiplier]`. Weights: depthwise kernel
 * `[size, channels, depthMultiplier]`, bias.
 */
export class DepthwiseConv1D extends DepthwiseConvolution {
  static readonly className = 'DepthwiseConv1D';

  constructor(args: DepthwiseConvArguments) {
    super(1, args);
  }
}

/**
 * Convolves each channel by itself: `[batch, height, width, channels]` →
 * `[batch, newHeight, newWidth, channels · depthMultiplier]`. Weights: depthwise kernel
 * `[…kernelSize, channels, depthMultiplier]`, bias.
 */
export class DepthwiseConv2D extends DepthwiseConvolution {
  static readonly className = 'DepthwiseConv2D';

  constructor(args: DepthwiseConvArguments) {
    super(2, args);
  }
}

/**
 * Makes a {@link DepthwiseConv1D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const depthwiseConv1d = (args: DepthwiseConvArguments) => new DepthwiseConv1D(args);
/**
 * Makes a {@link DepthwiseConv2D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const depthwiseConv2d = (args: DepthwiseConvArguments) => new DepthwiseConv2D(args);
