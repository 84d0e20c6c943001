/**
 * @file What the cells of recurrent layers have in common. A cell is called as TF.js calls it, with `[x, ...states]`, and
 * gives `[output, ...states]`.
 */
import { type Tensor, add, dropout, mul, ones } from '@tensorflow/tfjs-core';
import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import { type Activation, resolveActivation } from '../activations.js';
import { checkFlag } from './checks.js';
import {
  type AcceptedInputs,
  ANY_INPUTS,
  KerasLayer,
  type LayerArguments,
  type Shape,
} from './keras-layer.js';
import {
  type ParameterArguments,
  type ParameterSettings,
  readParameters,
  settingsOfParameter,
} from './parameters.js';
import { checkShare } from './share.js';

/** Any cell: of this library, of TF.js, or of a user's. */
export type Cell = layers.Layer & { readonly stateSize: number | number[] };

/** A cell of this library. */
export abstract class KerasCell extends KerasLayer {
  /** How many numbers each state of a sample has, of images how many channels; the first is the output's. */
  abstract readonly stateSize: number | number[];

  /** How many axes a sample of one step has; null: any number. */
  get sampleRank(): number | null {
    return 1;
  }

  /** With the states. */
  protected override get acceptedInputs(): AcceptedInputs {
    return ANY_INPUTS;
  }

  /** The shapes of the states for an input of one step. */
  stateShapes([batch]: Shape): Shape[] {
    return [this.stateSize].flat().map((size) => [batch!, size]);
  }

  /** The shape of the output for an input of one step. */
  stepOutputShape(step: Shape): Shape {
    return this.stateShapes(step)[0]!;
  }

  /** Draws what every step of a sequence drops; to be called in a tidy that lasts as long as the sequence. */
  abstract beginSequence(step: Shape): void;

  abstract endSequence(): void;

  /** A cell stands in no graph: its states are inputs, too. */
  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    const step = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    return [this.stepOutputShape(step), ...this.stateShapes(step)];
  }
}

/** The shapes of the states of any cell. */
export const stateShapesOf = (cell: Cell, step: Shape): Shape[] =>
  cell instanceof KerasCell
    ? cell.stateShapes(step)
    : [cell.stateSize].flat().map((size) => [step[0]!, size]);

/** The shape of the output of any cell. */
export const outputShapeOf = (cell: Cell, step: Shape): Shape =>
  cell instanceof KerasCell ? cell.stepOutputShape(step) : stateShapesOf(cell, step)[0]!;

const PARAMETERS = { kernel: 'glorotUniform', recurrent: 'orthogonal', bias: 'zeros' } as const;
type Parameter = keyof typeof PARAMETERS;

/** The arguments that all cells with kernels have. */
export interface CellArguments extends LayerArguments, ParameterArguments<Parameter> {
  /** Of the new state. Default: `'tanh'`. */
  activation?: string | Activation;
  /** Whether a bias is added to the products with the kernels. Default: true. */
  useBias?: boolean;
  /** The share of the inputs that training drops, the same in every step. Default: 0. */
  dropout?: number;
  /** The share of the states that training drops, the same in every step. Default: 0. */
  recurrentDropout?: number;
}

/** The arguments of cells with gates. */
export interface GatedArguments extends CellArguments {
  /** Of the gates. Default: `'sigmoid'`. */
  recurrentActivation?: string | Activation;
}

export const CELL_SETTINGS = [
  'activation',
  'useBias',
  ...settingsOfParameter('kernel'),
  ...settingsOfParameter('recurrent'),
  ...settingsOfParameter('bias'),
  'dropout',
  'recurrentDropout',
] as const;

/** A cell with a kernel for its input and one for its state. */
export abstract class KernelCell extends KerasCell implements ParameterSettings<Parameter> {
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  declare readonly kernelInitializer: Initializer;
  declare readonly kernelRegularizer: Regularizer | null;
  declare readonly kernelConstraint: Constraint | null;
  declare readonly recurrentInitializer: Initializer;
  declare readonly recurrentRegularizer: Regularizer | null;
  declare readonly recurrentConstraint: Constraint | null;
  declare readonly biasInitializer: Initializer;
  declare readonly biasRegularizer: Regularizer | null;
  declare readonly biasConstraint: Constraint | null;
  protected kernel!: LayerVariable;
  protected recurrentKernel!: LayerVariable;
  protected bias: LayerVariable | null = null;
  /** What the inputs and the states of a sequence are multiplied by in training. */
  #dropped: { readonly input: Tensor | null; readonly state: Tensor | null } | null = null;

  constructor(args: CellArguments) {
    super(args);
    this.activation = resolveActivation('activation', args.activation ?? 'tanh');
    this.useBias = checkFlag('useBias', args.useBias, true);
    this.dropout = checkShare('dropout', args.dropout);
    this.recurrentDropout = checkShare('recurrentDropout', args.recurrentDropout);
    Object.assign(this, readParameters(args, PARAMETERS));
  }

  beginSequence(step: Shape): void {
    const draw = (shape: Shape, rate: number) =>
      rate > 0 && rate < 1 ? dropout(ones(shape as number[]), rate) : null;
    this.#dropped = {
      input: draw(step, this.dropout),
      state: draw(this.stateShapes(step)[0]!, this.recurrentDropout),
    };
  }

  endSequence(): void {
    this.#dropped = null;
  }

  protected dropInput(x: Tensor): Tensor {
    const dropped = this.#dropped?.input;
    return dropped ? mul(x, dropped) : x;
  }

  protected dropState(h: Tensor): Tensor {
    const dropped = this.#dropped?.state;
    return dropped ? mul(h, dropped) : h;
  }
}

export const addBias = (x: Tensor, bias: Tensor | null | undefined): Tensor => (bias ? add(x, bias) : x);
