/** @file What Keras' convolutions have in common: arguments, shapes, bias, activation, and where the channels stand. */
import { type Tensor, tidy, transpose } from '@tensorflow/tfjs-core';
import { InputSpec, type LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import { fusedNow } from '../../model/fused-activation.js';
import { type HiddenWork, type RunShape, type Work, workOfAny } from '../../model/run-cost.js';
import { checkNumber, refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type Activation, resolveActivation } from '../activations.js';
import { type Ending, type Margins, reachOf, sameMargin } from './convolution-operations.js';
import { checkFlag } from './checks.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import {
  type ParameterArguments,
  type ParameterSettings,
  readParameters,
  settingsOfParameter,
} from './parameters.js';
import { type DataFormat, type PerDimension, checkDataFormat, checkSizes, spatialAxes } from './spatial.js';

/**
 * `'valid'`: no zeros; `'same'`: zeros at both ends, so that without strides sizes stay; `'causal'`: all of
 * them in front.
 */
export type Padding = 'valid' | 'same' | 'causal';

/** The kernel's initializer (default: `'glorotUniform'`), regularizer and constraint (default: none). */
export type KernelArguments = ParameterArguments<'kernel'>;
/** The same of the kernel that each channel meets by itself. */
export type DepthwiseArguments = ParameterArguments<'depthwise'>;
/** The same of the kernel that mixes channels. */
export type PointwiseArguments = ParameterArguments<'pointwise'>;

/** The arguments that all convolutions have. */
export interface ConvolutionArguments extends LayerArguments, ParameterArguments<'bias'> {
  /** The size of the windows along each dimension of space; one number stands for all. */
  readonly kernelSize: PerDimension<number>;
  /** How far it is from window to window. Default: 1. */
  readonly strides?: PerDimension<number>;
  /** Which zeros surround the input. `'causal'` is for one dimension alone. Default: 'valid', none. */
  readonly padding?: Padding;
  /** Where the channels stand. Default: 'channelsLast'. */
  readonly dataFormat?: DataFormat;
  /** How far the values of a window lie apart. Default: 1. */
  readonly dilationRate?: PerDimension<number>;
  /** An activation or its name. Default: none. */
  readonly activation?: unknown;
  /** Whether each output channel has a bias. Default: true. */
  readonly useBias?: boolean;
}

export const FILTERS = ['filters'];
export const WINDOW = ['kernelSize', 'strides', 'padding', 'dataFormat', 'dilationRate'];
export const ENDING = ['activation', 'useBias', ...settingsOfParameter('bias')];
export const KERNEL = settingsOfParameter('kernel');
export const DEPTHWISE = ['depthMultiplier', ...settingsOfParameter('depthwise')];
export const POINTWISE = settingsOfParameter('pointwise');

/** @throws TypeError or ValueError for anything but a positive integer */
export function checkCount(name: string, value: unknown): number {
  checkNumber(name, value, (count) => Number.isSafeInteger(count) && count > 0, 'a positive integer');
  return value;
}

/**
 * A convolution along the dimensions of space, then an activation. One that is not transposed makes of a size
 * `⌈(size − reach + 1) / stride⌉` with `'valid'`, else `⌈size / stride⌉`; reach is
 * `(kernelSize − 1) · dilationRate + 1`.
 */
export abstract class ConvolutionLayer extends KerasLayer implements HiddenWork, ParameterSettings<'bias'> {
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
  readonly dilationRate: readonly number[];
  readonly activation: Activation;
  readonly useBias: boolean;
  declare readonly biasInitializer: Initializer;
  declare readonly biasRegularizer: Regularizer | null;
  declare readonly biasConstraint: Constraint | null;
  protected bias: LayerVariable | null = null;

  /** @param dimensions of space */
  constructor(
    private readonly dimensions: number,
    args: ConvolutionArguments,
    paddings: readonly Padding[] = ['valid', 'same'],
  ) {
    super(args);
    const { padding = 'valid' } = args;
    this.kernelSize = checkSizes('kernelSize', args.kernelSize, dimensions);
    this.strides = checkSizes('strides', args.strides ?? 1, dimensions);
    if (!paddings.includes(padding)) {
      refuse(ValueError, 'padding', paddings.map((one) => `'${one}'`).join(' or '), padding);
    }
    this.padding = padding;
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.dilationRate = checkSizes('dilationRate', args.dilationRate ?? 1, dimensions);
    this.activation = resolveActivation('activation', args.activation);
    this.useBias = checkFlag('useBias', args.useBias, true);
    Object.assign(this, readParameters(args, { bias: 'zeros' }));
    this.supportsMasking = false;
    this.inputSpec = [new InputSpec({ ndim: dimensions + 2 })];
  }

  /** How many channels come of so many. */
  protected abstract outputChannels(channels: number): number;
  /** How long a dimension of space becomes. */
  protected abstract outputSize(size: number, dimension: number): number;
  protected abstract buildKernels(channels: number): void;
  /** The layer's output, but for an activation that is left, of an input with its channels last. */
  protected abstract convolve(x: Tensor, ending: Ending): Tensor;

  override build(inputShape: Shape | Shape[]): void {
    const shape = onlyShape(inputShape);
    const axis = this.dataFormat === 'channelsFirst' ? 1 : shape.length - 1;
    const channels = shape[axis];
    if (channels == null) {
      throw new ValueError(
        `Layer ${show(this.name)}: the channels (axis ${axis}) of its input ${show(shape)} are open. Fix their number.`,
      );
    }
    // Refuses an input that is too small.
    this.computeOutputShape(shape);
    this.buildKernels(channels);
    if (this.useBias) this.bias = this.addParameter('bias', 'bias', [this.outputChannels(channels)]);
    this.inputSpec = [new InputSpec({ ndim: this.dimensions + 2, axes: { [axis]: channels } })];
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      const ending = {
        bias: this.bias && this.bias.read(),
        activation: fusedNow(this.activation.getClassName()),
      };
      const activate = (y: Tensor) => (ending.activation === 'linear' ? this.activation.apply(y) : y);
      if (this.dataFormat === 'channelsLast') return activate(this.convolve(x, ending));
      const [batch, channels, ...space] = x.shape.keys() as Iterable<number> as number[];
      const y = this.convolve(transpose(x, [batch!, ...space, channels!]), ending);
      const back = [0, y.rank - 1, ...space.map((axis) => axis - 1)];
      return activate(transpose(y, back));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = onlyShape(inputShape);
    const isFirst = this.dataFormat === 'channelsFirst';
    const space = isFirst ? shape.slice(2) : shape.slice(1, -1);
    const channels = shape[isFirst ? 1 : shape.length - 1]!;
    const sizes = space.map((size, i) => (size === null ? null : this.outputSize(size, i)));
    if (sizes.some((size) => size !== null && size < 1)) {
      throw new ValueError(
        `Layer ${show(this.name)}: its windows (kernelSize ${show(this.kernelSize)}, dilationRate ` +
          `${show(this.dilationRate)}) are larger than its input ${show(shape)}. Give it larger ones, or padding 'same'.`,
      );
    }
    const filters = this.outputChannels(channels);
    return isFirst ? [shape[0]!, filters, ...sizes] : [shape[0]!, ...sizes, filters];
  }

  /** Zeros stand around a copy of what is dilated, or has three dimensions. */
  workOf(inputs: readonly RunShape[], outputs: readonly RunShape[]): Work {
    const { numbers, multiplications } = workOfAny(this, inputs, outputs);
    if (this.dimensions < 3 && Math.max(...this.dilationRate) === 1) return { numbers, multiplications };
    const copies = [...inputs, ...outputs].map((shape) => {
      const space = spatialAxes(this.dataFormat, this.dimensions);
      return shape.reduce<number>((product, size, axis) => {
        const i = space.indexOf(axis);
        return product * ((size ?? 1) + (i < 0 ? 0 : 2 * this.reach(i)));
      }, 1);
    });
    return { numbers: copies.reduce((sum, copy) => sum + 2 * copy, numbers), multiplications };
  }

  protected reach(dimension: number): number {
    return reachOf(this.kernelSize[dimension]!, this.dilationRate[dimension]!);
  }

  /** What is put around an input's dimensions of space, and strides and dilations, for a convolution forward. */
  protected windowOn(x: Tensor): {
    strides: readonly number[];
    dilations: readonly number[];
    margins: Margins;
  } {
    const margins = x.shape.slice(1, -1).map((size, i): [number, number] => {
      if (this.padding === 'valid') return [0, 0];
      const reach = this.reach(i);
      return this.padding === 'causal' ? [reach - 1, 0] : sameMargin(size, reach, this.strides[i]!);
    });
    return { strides: this.strides, dilations: this.dilationRate, margins };
  }

  /** How long a dimension of space becomes in a convolution forward. */
  protected sizeAfterWindows(size: number, dimension: number): number {
    const windows = this.padding === 'valid' ? size - this.reach(dimension) + 1 : size;
    return Math.ceil(windows / this.strides[dimension]!);
  }

  /** @throws ValueError for what no Keras computes */
  protected checkDilation(): void {
    if (Math.max(...this.strides) > 1 && Math.max(...this.dilationRate) > 1) {
      throw new ValueError(
        `strides and dilationRate: at most one of them can be above 1, received ${show(this.strides)} and ` +
          `${show(this.dilationRate)}.`,
      );
    }
  }
}
