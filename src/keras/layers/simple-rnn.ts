/** @file Keras' SimpleRNN and its cell. Source: tf-keras 2.18 `layers/rnn/simple_rnn.py`. */
import { type Tensor, add, matMul, tidy } from '@tensorflow/tfjs-core';
import { CELL_SETTINGS, type CellArguments, KernelCell, addBias } from './cell.js';
import { checkSize } from './checks.js';
import type { Shape } from './keras-layer.js';
import { type RecurrentArguments, RecurrentOfCell, SEQUENCE_SETTINGS } from './rnn.js';

/** The arguments of {@link SimpleRNNCell}. */
export interface SimpleRNNCellArguments extends CellArguments {
  /** How many numbers the output has, which is the state. */
  units: number;
}

/** `h' = activation(x·kernel + h·recurrentKernel + bias)`: `[batch, features]` → `[batch, units]`. */
export class SimpleRNNCell extends KernelCell {
  static readonly className = 'SimpleRNNCell';
  static override readonly settings = ['units', ...CELL_SETTINGS];
  readonly units: number;

  constructor(args: SimpleRNNCellArguments) {
    super(args);
    this.units = checkSize('units', args.units);
  }

  get stateSize(): number {
    return this.units;
  }

  override build(step: Shape): void {
    this.kernel = this.addParameter('kernel', 'kernel', [step.at(-1)!, this.units]);
    this.recurrentKernel = this.addParameter('recurrent', 'recurrent_kernel', [this.units, this.units]);
    if (this.useBias) this.bias = this.addParameter('bias', 'bias', [this.units]);
    this.built = true;
  }

  override call(inputs: Tensor[]): Tensor[] {
    return tidy(() => {
      const [x, h] = inputs as [Tensor, Tensor];
      const fromInput = addBias(matMul(this.dropInput(x), this.kernel.read()), this.bias?.read());
      const output = this.activation.apply(
        add(fromInput, matMul(this.dropState(h), this.recurrentKernel.read())),
      );
      return [output, output];
    });
  }
}

/** The arguments of {@link SimpleRNN}: those of its cell and of a recurrent layer. */
export type SimpleRNNArguments = SimpleRNNCellArguments & RecurrentArguments;

/**
 * A {@link SimpleRNNCell} over steps: `[batch, steps, features]` → `[batch, units]`, with `returnSequences`
 * `[batch, steps, units]`. Weights: kernel, recurrent kernel, bias.
 */
export class SimpleRNN extends RecurrentOfCell<SimpleRNNCellArguments> {
  static readonly className = 'SimpleRNN';
  static override readonly settings = [...SimpleRNNCell.settings, ...SEQUENCE_SETTINGS];

  constructor(args: SimpleRNNArguments) {
    super(args, SimpleRNNCell, 'simple_rnn_cell');
  }
}

/**
 * Makes a {@link SimpleRNNCell}.
 *
 * @throws TypeError or ValueError for `units` that are no positive integer, or an unknown activation
 */
export const simpleRNNCell = (args: SimpleRNNCellArguments) => new SimpleRNNCell(args);
/**
 * Makes a {@link SimpleRNN}.
 *
 * @throws TypeError or ValueError for `units` that are no positive integer, or an unknown activation
 */
export const simpleRNN = (args: SimpleRNNArguments) => new SimpleRNN(args);
