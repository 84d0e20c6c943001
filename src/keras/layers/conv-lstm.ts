/**
 * @file Keras' ConvLSTM1D, ConvLSTM2D and ConvLSTM3D. Source: tf-keras 2.18 `layers/rnn/base_conv_lstm.py`.
 *
 * TF.js has the second alone, and neither masks for it nor, on wasm, channels that come first.
 */
import {
  type Tensor,
  type Tensor4D,
  type Tensor5D,
  add,
  conv2d,
  conv3d,
  expandDims,
  split,
  squeeze,
  tidy,
} from '@tensorflow/tfjs-core';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { CELL_SETTINGS, addBias } from './cell.js';
import { checkSize, checkWord } from './checks.js';
import type { Shape } from './keras-layer.js';
import { LongShortCell, type LongShortArguments } from './lstm.js';
import { type RecurrentArguments, RecurrentOfCell, SEQUENCE_SETTINGS } from './rnn.js';
import {
  type DataFormat,
  type PerDimension,
  checkDataFormat,
  checkSizes,
  fromChannelsLast,
  toChannelsLast,
} from './spatial.js';

/** The arguments of the cells of ConvLSTM. */
export interface ConvLSTMCellArguments extends LongShortArguments {
  /** How many channels the output and both states have. */
  filters: number;
  /** The size of the windows, over the input and over the state, along each dimension of space. */
  kernelSize: PerDimension<number>;
  /** How far it is from window to window of the input. Default: 1. */
  strides?: PerDimension<number>;
  /**
   * Whether zeros surround the input, so that without strides its size stays. Default: `'valid'`, without.
   */
  padding?: 'valid' | 'same';
  /** Where the channels stand. Default: 'channelsLast'. */
  dataFormat?: DataFormat;
  /** How far the pixels of a window of the input lie apart. Default: 1. */
  dilationRate?: PerDimension<number>;
}

const CONVOLUTION_SETTINGS = ['filters', 'kernelSize', 'strides', 'padding', 'dataFormat', 'dilationRate'];

/** How the windows of a convolution lie. */
interface Windows {
  readonly strides: readonly number[];
  readonly padding: 'valid' | 'same';
  readonly dilationRate: readonly number[];
}

abstract class ConvLSTMCell extends LongShortCell {
  static override readonly settings = [
    ...CONVOLUTION_SETTINGS,
    ...CELL_SETTINGS,
    'recurrentActivation',
    'unitForgetBias',
  ];
  readonly filters: number;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: 'valid' | 'same';
  readonly dataFormat: DataFormat;
  readonly dilationRate: readonly number[];

  /** @param rank of the images */
  constructor(args: ConvLSTMCellArguments, rank: number) {
    super(args);
    this.filters = checkSize('filters', args.filters);
    this.kernelSize = checkSizes('kernelSize', args.kernelSize, rank);
    this.strides = checkSizes('strides', args.strides ?? 1, rank);
    this.padding = checkWord('padding', args.padding ?? 'valid', ['valid', 'same']);
    this.dataFormat = checkDataFormat(args.dataFormat);
    this.dilationRate = checkSizes('dilationRate', args.dilationRate ?? 1, rank);
  }

  get stateSize(): number[] {
    return [this.filters, this.filters];
  }

  override get sampleRank(): number {
    return this.kernelSize.length + 1;
  }

  override stateShapes(step: Shape): Shape[] {
    const [batch, ...sizes] = this.#channelsLast(step);
    const spatial = sizes.slice(0, -1).map((size, i) => {
      if (size === null) {
        throw new ValueError(
          `Layer ${show(this.name)}: the size of its images is open, which its states need.`,
        );
      }
      const window = (this.kernelSize[i]! - 1) * this.dilationRate[i]! + 1;
      const count = this.padding === 'same' ? size : size - window + 1;
      if (count < 1) {
        throw new ValueError(
          `Layer ${show(this.name)}: its windows (kernelSize ${show(this.kernelSize)}, dilationRate ` +
            `${show(this.dilationRate)}) are larger than its images ${show(sizes.slice(0, -1))}.`,
        );
      }
      return Math.ceil(count / this.strides[i]!);
    });
    const shape =
      this.dataFormat === 'channelsFirst'
        ? [batch!, this.filters, ...spatial]
        : [batch!, ...spatial, this.filters];
    return [shape, shape];
  }

  #channelsLast(shape: Shape): Shape {
    const [batch, channels, ...spatial] = shape;
    return this.dataFormat === 'channelsFirst' ? [batch!, ...spatial, channels!] : shape;
  }

  override build(step: Shape): void {
    const channels = this.#channelsLast(step).at(-1)!;
    this.kernel = this.addParameter('kernel', 'kernel', [...this.kernelSize, channels, 4 * this.filters]);
    this.recurrentKernel = this.addParameter('recurrent', 'recurrent_kernel', [
      ...this.kernelSize,
      this.filters,
      4 * this.filters,
    ]);
    this.addForgetBias(this.filters);
    this.built = true;
  }

  override call(inputs: Tensor[]): Tensor[] {
    return tidy(() => {
      const [x, h, c] = inputs as [Tensor, Tensor, Tensor];
      // TF.js convolves so on every backend.
      const toLast = (tensor: Tensor) => toChannelsLast(tensor, this.dataFormat);
      const fromInput = convolve(toLast(this.dropInput(x)), this.kernel.read(), this);
      const fromState = convolve(toLast(this.dropState(h)), this.recurrentKernel.read(), {
        strides: this.strides.map(() => 1),
        padding: 'same',
        dilationRate: this.strides.map(() => 1),
      });
      const gates = split(add(addBias(fromInput, this.bias?.read()), fromState), 4, -1);
      return this.step(gates, toLast(c)).map((output) => fromChannelsLast(output, this.dataFormat));
    });
  }
}

/** Of one, two or three dimensions, with the channels last. */
function convolve(x: Tensor, kernel: Tensor, { strides, padding, dilationRate }: Windows): Tensor {
  if (strides.length === 3) {
    const [s, d] = [strides, dilationRate] as [number, number, number][];
    return conv3d(x as Tensor5D, kernel as Tensor5D, s!, padding, 'NDHWC', d);
  }
  if (strides.length === 2) {
    const [s, d] = [strides, dilationRate] as [number, number][];
    return conv2d(x as Tensor4D, kernel as Tensor4D, s!, padding, 'NHWC', d);
  }
  const windows = { strides: [1, ...strides], padding, dilationRate: [1, ...dilationRate] };
  return squeeze(convolve(expandDims(x, 1), expandDims(kernel, 0), windows), [1]);
}

class ConvLSTM1DCell extends ConvLSTMCell {
  static readonly className = 'ConvLSTM1DCell';

  constructor(args: ConvLSTMCellArguments) {
    super(args, 1);
  }
}

class ConvLSTM2DCell extends ConvLSTMCell {
  static readonly className = 'ConvLSTM2DCell';

  constructor(args: ConvLSTMCellArguments) {
    super(args, 2);
  }
}

class ConvLSTM3DCell extends ConvLSTMCell {
  static readonly className = 'ConvLSTM3DCell';

  constructor(args: ConvLSTMCellArguments) {
    super(args, 3);
  }
}

/**
 * The arguments of {@link ConvLSTM1D}, {@link ConvLSTM2D} and {@link ConvLSTM3D}: those of a cell and of a
 * recurrent layer.
 */
export type ConvLSTMArguments = ConvLSTMCellArguments & Omit<RecurrentArguments, 'timeMajor'>;

const SETTINGS = [...ConvLSTMCell.settings, ...SEQUENCE_SETTINGS.filter((name) => name !== 'timeMajor')];

/**
 * An LSTM with convolutions instead of products: `[batch, steps, size, channels]` →
 * `[batch, newSize, filters]`, with `returnSequences` `[batch, steps, newSize, filters]`. Weights: kernel,
 * recurrent kernel, bias.
 */
export class ConvLSTM1D extends RecurrentOfCell<ConvLSTMCellArguments> {
  static readonly className = 'ConvLSTM1D';
  static override readonly settings = SETTINGS;

  constructor(args: ConvLSTMArguments) {
    super(args, ConvLSTM1DCell, 'conv_lstm_cell');
  }
}

/**
 * An LSTM with convolutions instead of products: `[batch, steps, height, width, channels]` →
 * `[batch, newHeight, newWidth, filters]`; with `returnSequences` the steps stay. Weights: kernel, recurrent
 * kernel, bias.
 */
export class ConvLSTM2D extends RecurrentOfCell<ConvLSTMCellArguments> {
  static readonly className = 'ConvLSTM2D';
  static override readonly settings = SETTINGS;

  constructor(args: ConvLSTMArguments) {
    super(args, ConvLSTM2DCell, 'conv_lstm_cell');
  }
}

/**
 * An LSTM with convolutions instead of products: `[batch, steps, depth, height, width, channels]` →
 * `[batch, newDepth, newHeight, newWidth, filters]`; with `returnSequences` the steps stay. Weights: as
 * ConvLSTM2D.
 */
export class ConvLSTM3D extends RecurrentOfCell<ConvLSTMCellArguments> {
  static readonly className = 'ConvLSTM3D';
  static override readonly settings = SETTINGS;

  constructor(args: ConvLSTMArguments) {
    super(args, ConvLSTM3DCell, 'conv_lstm_cell');
  }
}

/**
 * Makes a {@link ConvLSTM1D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const convLstm1d = (args: ConvLSTMArguments) => new ConvLSTM1D(args);
/**
 * Makes a {@link ConvLSTM2D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const convLstm2d = (args: ConvLSTMArguments) => new ConvLSTM2D(args);
/**
 * Makes a {@link ConvLSTM3D}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, an unknown `padding` or
 * `dataFormat`
 */
export const convLstm3d = (args: ConvLSTMArguments) => new ConvLSTM3D(args);
