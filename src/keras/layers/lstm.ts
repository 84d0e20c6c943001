/** @file Keras' LSTM and its cell. Source: tf-keras 2.18 `layers/rnn/lstm.py`. */
import { type Tensor, add, concat, matMul, mul, ones, split, tidy } from '@tensorflow/tfjs-core';
import type { Initializer } from '../../layer/keras-objects.js';
import { type Activation, resolveActivation } from '../activations.js';
import { CELL_SETTINGS, type GatedArguments, KernelCell, addBias } from './cell.js';
import { checkFlag, checkSize } from './checks.js';
import type { Shape } from './keras-layer.js';
import { type RecurrentArguments, RecurrentOfCell, SEQUENCE_SETTINGS } from './rnn.js';

/** The arguments of cells with a long and a short memory. */
export interface LongShortArguments extends GatedArguments {
  /** Whether the bias of the forget gate begins with 1. Default: true. */
  unitForgetBias?: boolean;
}

/** The arguments of {@link LSTMCell}. */
export interface LSTMCellArguments extends LongShortArguments {
  /** How many numbers the output and both states have. */
  units: number;
}

/** What cells with a long and a short memory have in common: the gates input, forget, new carry, and output. */
export abstract class LongShortCell extends KernelCell {
  readonly recurrentActivation: Activation;
  readonly unitForgetBias: boolean;

  constructor(args: LongShortArguments) {
    super(args);
    this.recurrentActivation = resolveActivation(
      'recurrentActivation',
      args.recurrentActivation ?? 'sigmoid',
    );
    this.unitForgetBias = checkFlag('unitForgetBias', args.unitForgetBias, true);
  }

  /** @param size of the states */
  protected addForgetBias(size: number): void {
    const initial = (initializer: Initializer): Initializer => {
      if (!this.unitForgetBias) return initializer;
      const apply = () =>
        tidy(() => concat([initializer.apply([size]), ones([size]), initializer.apply([2 * size])]));
      return { apply } as unknown as Initializer;
    };
    if (this.useBias) this.bias = this.addParameter('bias', 'bias', [4 * size], initial);
  }

  /** @param gates what each gate gets from the input and the state */
  protected step(gates: Tensor[], carry: Tensor): Tensor[] {
    const [i, f, c, o] = gates as [Tensor, Tensor, Tensor, Tensor];
    const kept = add(
      mul(this.recurrentActivation.apply(f), carry),
      mul(this.recurrentActivation.apply(i), this.activation.apply(c)),
    );
    const output = mul(this.recurrentActivation.apply(o), this.activation.apply(kept));
    return [output, output, kept];
  }
}

/**
 * `c' = f · c + i · activation(g)` and `h' = o · activation(c')`; the gates i, f, g and o are parts of
 * `x·kernel + h·recurrentKernel + bias`, i, f and o by `recurrentActivation`. `[batch, features]` →
 * `[batch, units]`.
 */
export class LSTMCell extends LongShortCell {
  static readonly className = 'LSTMCell';
  static override readonly settings = ['units', ...CELL_SETTINGS, 'recurrentActivation', 'unitForgetBias'];
  readonly units: number;

  constructor(args: LSTMCellArguments) {
    super(args);
    this.units = checkSize('units', args.units);
  }

  get stateSize(): number[] {
    return [this.units, this.units];
  }

  override build(step: Shape): void {
    this.kernel = this.addParameter('kernel', 'kernel', [step.at(-1)!, 4 * this.units]);
    this.recurrentKernel = this.addParameter('recurrent', 'recurrent_kernel', [this.units, 4 * this.units]);
    this.addForgetBias(this.units);
    this.built = true;
  }

  override call(inputs: Tensor[]): Tensor[] {
    return tidy(() => {
      const [x, h, c] = inputs as [Tensor, Tensor, Tensor];
      const fromInput = matMul(this.dropInput(x), this.kernel.read());
      const fromState = matMul(this.dropState(h), this.recurrentKernel.read());
      return this.step(split(addBias(add(fromInput, fromState), this.bias?.read()), 4, 1), c);
    });
  }
}

/** The arguments of {@link LSTM}: those of its cell and of a recurrent layer. */
export type LSTMArguments = LSTMCellArguments & RecurrentArguments;

/**
 * An {@link LSTMCell} over steps: `[batch, steps, features]` → `[batch, units]`, with `returnSequences`
 * `[batch, steps, units]`. Weights: kernel, recurrent kernel, bias. The states are h and c.
 */
export class LSTM extends RecurrentOfCell<LSTMCellArguments> {
  static readonly className = 'LSTM';
  static override readonly settings = [...LSTMCell.settings, ...SEQUENCE_SETTINGS];

  constructor(args: LSTMArguments) {
    super(args, LSTMCell, 'lstm_cell');
  }
}

/**
 * Makes an {@link LSTMCell}.
 *
 * @throws TypeError or ValueError for `units` that are no positive integer, or an unknown activation
 */
export const lstmCell = (args: LSTMCellArguments) => new LSTMCell(args);
/**
 * Makes an {@link LSTM}.
 *
 * @throws TypeError or ValueError for `units` that are no positive integer, or an unknown activation
 */
export const lstm = (args: LSTMArguments) => new LSTM(args);
