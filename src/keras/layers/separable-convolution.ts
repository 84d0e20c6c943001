/**
 * @file Keras' SeparableConv1D and SeparableConv2D. Sources: tf-keras 2.18 and Keras 3.15,
 * `layers/convolutional/base_separable_conv.py`.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import { type RunShape, type Work, countNumbers } from '../../model/run-cost.js';
import {
  type ConvolutionArguments,
  ConvolutionLayer,
  DEPTHWISE,
  type DepthwiseArguments,
  ENDING,
  FILTERS,
  POINTWISE,
  type Padding,
  type PointwiseArguments,
  WINDOW,
  checkCount,
} from './convolution-layer.js';
import { type Ending, convolve, convolveDepthwise } from './convolution-operations.js';
import { type ParameterSettings, readParameters } from './parameters.js';

/** The arguments of {@link SeparableConv1D} and {@link SeparableConv2D}. */
export interface SeparableConvArguments extends ConvolutionArguments, DepthwiseArguments, PointwiseArguments {
  /** How many channels the output has. */
  readonly filters: number;
  /** How many channels come of each, before they are mixed. Default: 1. */
  readonly depthMultiplier?: number;
}

abstract class SeparableConvolution
  extends ConvolutionLayer
  implements ParameterSettings<'depthwise' | 'pointwise'>
{
  static override readonly settings = [...FILTERS, ...WINDOW, ...ENDING, ...DEPTHWISE, ...POINTWISE];

  readonly filters: number;
  readonly depthMultiplier: number;
  declare readonly depthwiseInitializer: Initializer;
  declare readonly depthwiseRegularizer: Regularizer | null;
  declare readonly depthwiseConstraint: Constraint | null;
  declare readonly pointwiseInitializer: Initializer;
  declare readonly pointwiseRegularizer: Regularizer | null;
  declare readonly pointwiseConstraint: Constraint | null;
  private depthwiseKernel: LayerVariable | null = null;
  private pointwiseKernel: LayerVariable | null = null;

  constructor(dimensions: number, args: SeparableConvArguments, paddings?: readonly Padding[]) {
    super(dimensions, args, paddings);
    this.filters = checkCount('filters', args.filters);
    this.depthMultiplier = checkCount('depthMultiplier', args.depthMultiplier ?? 1);
    Object.assign(this, readParameters(args, { depthwise: 'glorotUniform', pointwise: 'glorotUniform' }));
  }

  protected override outputChannels(): number {
    return this.filters;
  }

  protected override outputSize(size: number, dimension: number): number {
    return this.sizeAfterWindows(size, dimension);
  }

  protected override buildKernels(channels: number): void {
    const one = this.kernelSize.map(() => 1);
    const between = channels * this.depthMultiplier;
    this.depthwiseKernel = this.addParameter('depthwise', 'depthwise_kernel', [
      ...this.kernelSize,
      channels,
      this.depthMultiplier,
    ]);
    this.pointwiseKernel = this.addParameter('pointwise', 'pointwise_kernel', [
      ...one,
      between,
      this.filters,
    ]);
  }

  /** Between the two kernels, each channel has become `depthMultiplier` of them. */
  override workOf(inputs: readonly RunShape[], outputs: readonly RunShape[]): Work {
    const { numbers, multiplications } = super.workOf(inputs, outputs);
    const channels = inputs[0]!.at(this.dataFormat === 'channelsFirst' ? 1 : -1) ?? 1;
    const between = (countNumbers(outputs[0]!) / this.filters) * channels * this.depthMultiplier;
    return { numbers: numbers + between, multiplications };
  }

  protected override convolve(x: Tensor, ending: Ending): Tensor {
    const ones = this.kernelSize.map(() => 1);
    const everywhere = { strides: ones, dilations: ones, margins: ones.map((): [number, number] => [0, 0]) };
    const between = convolveDepthwise(x, this.depthwiseKernel!.read(), this.windowOn(x));
    return convolve(between, this.pointwiseKernel!.read(), everywhere, 1, ending);
  }
}

/**
 * Convolves each channel by itself, then mixes the channels of each step: `[batch, steps, channels]` →
 * `[batch, newSteps, filters]`. Weights: depthwise kernel, pointwise kernel, bias. Has `'causal'` padding,
 * too.
 */
export class SeparableConv1D extends SeparableConvolution {
  static readonly className = 'SeparableConv1D';

  constructor(args: SeparableConvArguments) {
    super(1, args, ['valid', 'same', 'causal']);
  }
}

/**
 * Convolves each channel by itself, then mixes the channels of each pixel: `[batch, height, width, channels]`
 * → `[batch, newHeight, newWidth, filters]`. Weights: depthwise kernel, pointwise kernel, bias.
 */
export class SeparableConv2D extends SeparableConvolution {
  static readonly className = 'SeparableConv2D';

  constructor(args: SeparableConvArguments) {
    super(2, args);
  }
}

/**
 * Makes a {@link SeparableConv1D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const separableConv1d = (args: SeparableConvArguments) => new SeparableConv1D(args);
/**
 * Makes a {@link SeparableConv2D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const separableConv2d = (args: SeparableConvArguments) => new SeparableConv2D(args);
