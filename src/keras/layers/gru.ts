/**
 * @file Keras' GRU and its cell. Source: tf-keras 2.18 `layers/rnn/gru.py`.
 *
 * TF.js' own resets the state before its product with the recurrent kernel, Keras' after it unless told otherwise.
 */
import { type Tensor, add, matMul, mul, slice, split, sub, tidy, unstack } from '@tensorflow/tfjs-core';
import { type Activation, resolveActivation } from '../activations.js';
import { CELL_SETTINGS, type GatedArguments, KernelCell, addBias } from './cell.js';
import { checkFlag, checkSize } from './checks.js';
import type { Shape } from './keras-layer.js';
import { type RecurrentArguments, RecurrentOfCell, SEQUENCE_SETTINGS } from './rnn.js';

/** The arguments of {@link GRUCell}. */
export interface GRUCellArguments extends GatedArguments {
  /** How many numbers the output and the state have. */
  units: number;
  /** Whether the state is reset after its product with the recurrent kernel, with a bias of its own. Default: true. */
  resetAfter?: boolean;
}

/**
 * `h' = z · h + (1 − z) · activation(x·kernel + r · (h·recurrentKernel))`, with the gates z (update) and r
 * (reset); without `resetAfter` it is `(r · h)·recurrentKernel`. The gates lie side by side in the kernels:
 * update, reset, and the new state. `[batch, features]` → `[batch, units]`.
 */
export class GRUCell extends KernelCell {
  static readonly className = 'GRUCell';
  static override readonly settings = ['units', ...CELL_SETTINGS, 'recurrentActivation', 'resetAfter'];
  readonly units: number;
  readonly recurrentActivation: Activation;
  readonly resetAfter: boolean;

  constructor(args: GRUCellArguments) {
    super(args);
    this.units = checkSize('units', args.units);
    this.recurrentActivation = resolveActivation(
      'recurrentActivation',
      args.recurrentActivation ?? 'sigmoid',
    );
    this.resetAfter = checkFlag('resetAfter', args.resetAfter, true);
  }

  get stateSize(): number {
    return this.units;
  }

  override build(step: Shape): void {
    const width = 3 * this.units;
    this.kernel = this.addParameter('kernel', 'kernel', [step.at(-1)!, width]);
    this.recurrentKernel = this.addParameter('recurrent', 'recurrent_kernel', [this.units, width]);
    if (this.useBias) this.bias = this.addParameter('bias', 'bias', this.resetAfter ? [2, width] : [width]);
    this.built = true;
  }

  override call(inputs: Tensor[]): Tensor[] {
    return tidy(() => {
      const [x, before] = inputs as [Tensor, Tensor];
      const bias = this.bias?.read();
      const [inputBias, recurrentBias] = bias && this.resetAfter ? unstack(bias) : [bias];
      const h = this.dropState(before);
      const fromInput = addBias(matMul(this.dropInput(x), this.kernel.read()), inputBias);
      const [inputZ, inputR, inputH] = split(fromInput, 3, 1) as [Tensor, Tensor, Tensor];
      const gates = this.resetAfter
        ? split(addBias(matMul(h, this.recurrentKernel.read()), recurrentBias), 3, 1)
        : split(matMul(h, this.#recurrentColumns(0, 2)), 2, 1);
      const [stateZ, stateR, stateH] = gates as [Tensor, Tensor, Tensor | undefined];
      const z = this.recurrentActivation.apply(add(inputZ, stateZ));
      const r = this.recurrentActivation.apply(add(inputR, stateR));
      const fromState = stateH ? mul(r, stateH) : matMul(mul(r, h), this.#recurrentColumns(2, 1));
      const output = add(mul(z, before), mul(sub(1, z), this.activation.apply(add(inputH, fromState))));
      return [output, output];
    });
  }

  /** Those of some gates. */
  #recurrentColumns(first: number, gates: number): Tensor {
    return slice(this.recurrentKernel.read(), [0, first * this.units], [this.units, gates * this.units]);
  }
}

/** The arguments of {@link GRU}: those of its cell and of a recurrent layer. */
export type GRUArguments = GRUCellArguments & RecurrentArguments;

/**
 * A {@link GRUCell} over steps: `[batch, steps, features]` → `[batch, units]`, with `returnSequences`
 * `[batch, steps, units]`. Weights: kernel, recurrent kernel, bias (of two rows with `resetAfter`).
 */
export class GRU extends RecurrentOfCell<GRUCellArguments> {
  static readonly className = 'GRU';
  static override readonly settings = [...GRUCell.settings, ...SEQUENCE_SETTINGS];

  constructor(args: GRUArguments) {
    super(args, GRUCell, 'gru_cell');
  }
}

/**
 * Makes a {@link GRUCell}.
 *
 * @throws TypeError or ValueError for `units` that are no positive integer, or an unknown activation
 */
export const gruCell = (args: GRUCellArguments) => new GRUCell(args);
/**
 * Makes a {@link GRU}.
 *
 * @throws TypeError or ValueError for `units` that are no positive integer, or an unknown activation
 */
export const gru = (args: GRUArguments) => new GRU(args);
