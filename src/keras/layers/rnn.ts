/**
 * @file Keras' RNN, and what all recurrent layers have in common. Source: tf-keras 2.18 `layers/rnn/base_rnn.py` and `rnn`
 * of `backend.py`, Keras 3 `layers/rnn/rnn.py`.
 *
 * TF.js' own differs from Keras: at a masked step it gives the first state for the last output, it drops the penalties
 * of cells, it keeps what a cell's dropout has drawn for ever, and it knows neither `zeroOutputForMask` nor `timeMajor`.
 */
import {
  type Tensor,
  type serialization,
  cast,
  clone,
  dispose,
  keep,
  reshape,
  stack,
  tidy,
  transpose,
  unstack,
  where,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { stopGradient } from '../../operation/stop-gradient.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type Cell, KerasCell, outputShapeOf, stateShapesOf } from './cell.js';
import { DIALECTS, type Dialect } from './dialect.js';
import { checkFlag, checkWord } from './checks.js';
import { type LayerDescription, describeLayer, expectLayer, makeLayer } from './inner-layers.js';
import {
  type AcceptedInputs,
  ANY_INPUTS,
  KerasLayer,
  type LayerArguments,
  type Shape,
  pick,
} from './keras-layer.js';
import { StackedRNNCells } from './stacked-rnn-cells.js';

/** The arguments that all recurrent layers have. */
export interface RecurrentArguments extends LayerArguments {
  /** Whether to give the output of every step, instead of the last. Default: false. */
  returnSequences?: boolean;
  /** Whether to give the last states behind the output. Default: false. */
  returnState?: boolean;
  /** Whether to begin with the last step. Default: false. */
  goBackwards?: boolean;
  /** Whether the last states of a batch are the first ones of the next. Default: false. */
  stateful?: boolean;
  /** Of no consequence here. Default: false. */
  unroll?: boolean;
  /** Whether steps come before the batch. Default: false. */
  timeMajor?: boolean;
  /** Whether the output of a masked step is 0, instead of the output before. Default: false. */
  zeroOutputForMask?: boolean;
  /** In models of Keras 3, a layer that is called with its first states does not get the mask. Default: `'tf-keras'`. */
  dialect?: Dialect;
}

/** The arguments of {@link RNN}. */
export interface RNNArguments extends RecurrentArguments {
  /** What computes a step, or several that are stacked. */
  cell: Cell | Cell[];
}

export const SEQUENCE_SETTINGS = [
  'returnSequences',
  'returnState',
  'goBackwards',
  'stateful',
  'unroll',
  'timeMajor',
  'zeroOutputForMask',
  'dialect',
] as const;

/** What a recurrent layer may be called with beside its input. */
export interface RecurrentCallArguments {
  /** Which steps count: `[batch, steps]`. At others the states stay. Default: all. */
  readonly mask?: Tensor | (Tensor | null)[] | null;
  /** Whether the cell drops values. Default: false. */
  readonly training?: boolean | null;
  /** The states to begin with. Default: zeros, or of a stateful layer the last ones. */
  readonly initialState?: Tensor | Tensor[] | null;
}

abstract class Recurrent extends KerasLayer {
  readonly cell: Cell;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly unroll: boolean;
  readonly timeMajor: boolean;
  /** Bidirectional sets it. */
  zeroOutputForMask: boolean;
  readonly dialect: Dialect;
  /** Of a step of the input; null before the layer is built. */
  #step: Shape | null = null;
  /** Of a stateful layer, once somebody has asked for them. */
  #states: Tensor[] | null = null;

  constructor(args: RecurrentArguments, makeCell: () => Cell) {
    super(args);
    this.returnSequences = checkFlag('returnSequences', args.returnSequences, false);
    this.returnState = checkFlag('returnState', args.returnState, false);
    this.goBackwards = checkFlag('goBackwards', args.goBackwards, false);
    this.unroll = checkFlag('unroll', args.unroll, false);
    this.timeMajor = checkFlag('timeMajor', args.timeMajor, false);
    this.zeroOutputForMask = checkFlag('zeroOutputForMask', args.zeroOutputForMask, false);
    this.dialect = checkWord('dialect', args.dialect ?? 'tf-keras', DIALECTS);
    this._stateful = checkFlag('stateful', args.stateful, false);
    this.cell = makeCell();
  }

  /** With the first states. */
  protected override get acceptedInputs(): AcceptedInputs {
    return ANY_INPUTS;
  }

  /** The first states of a layer are further inputs, or the argument `initialState`. */
  override apply(inputs: Applied, kwargs: Record<string, unknown> = {}): Applied {
    const call = readStates(inputs, kwargs, this.dialect);
    return super.apply(call.inputs, call.kwargs);
  }

  override build(inputShape: Shape | Shape[]): void {
    const step = this.#stepOf(inputShape);
    if (this.stateful && step[0] === null) {
      throw new ValueError(
        `Layer ${show(this.name)} is stateful and needs to know the size of its batches. Give the model's input a ` +
          `batchInputShape, or a batchShape.`,
      );
    }
    this.#step = step;
    // Refuses an input that is too small, before there are weights.
    this.computeOutputShape(inputShape);
    this.cell.build(step);
    this.built = true;
    // Keras' states begin anew with the layer.
    this.disposeStates();
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const step = this.#stepOf(inputShape);
    const [batch, ...sample] = outputShapeOf(this.cell, step);
    const steps = shapeOf(inputShape)[this.timeMajor ? 0 : 1]!;
    const leading = this.timeMajor ? [steps, batch!] : [batch!, steps];
    const output = this.returnSequences ? [...leading, ...sample] : [batch!, ...sample];
    return this.returnState ? [output, ...stateShapesOf(this.cell, step)] : output;
  }

  #stepOf(inputShape: Shape | Shape[]): Shape {
    const [batch, steps, ...sample] = shapeOf(inputShape);
    const rank = this.cell instanceof KerasCell ? this.cell.sampleRank : null;
    if (sample.length === 0 || (rank !== null && sample.length !== rank)) {
      throw new ValueError(
        `Layer ${show(this.name)}: expected an input of a batch, steps and ${rank === null || rank === 1 ? 'features' : 'images'}` +
          `${rank === null ? '' : ` (rank ${rank + 2})`}, received the shape ${show(shapeOf(inputShape))}.`,
      );
    }
    return [(this.timeMajor ? steps : batch)!, ...sample];
  }

  override computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor | Tensor[] {
    const none = null as unknown as Tensor;
    const output = this.returnSequences ? ([mask].flat()[0] ?? none) : none;
    // States of a batch have no steps.
    return this.returnState ? [output, ...[this.cell.stateSize].flat().map(() => none)] : output;
  }

  override call(inputs: Tensor | Tensor[], kwargs: RecurrentCallArguments = {}): Tensor | Tensor[] {
    return tidy(() => {
      const [given, ...first] = [inputs, kwargs.initialState ?? []].flat() as [Tensor, ...Tensor[]];
      const x = this.timeMajor ? given : swapSteps(given);
      const mask = [kwargs.mask].flat()[0];
      const step = x.shape.slice(1);
      const isTraining = kwargs.training === true && this.cell instanceof KerasCell;
      if (isTraining) this.cell.beginSequence(step);
      try {
        const { outputs, states } = this.#run(
          x,
          this.#firstStates(step, first),
          mask ? this.#stepsOf(mask) : null,
          { training: kwargs.training },
        );
        if (this.stateful) {
          this.disposeStates();
          this.setStates(states.map((state) => keep(clone(state))));
        }
        const output = this.returnSequences ? stack(outputs, this.timeMajor ? 0 : 1) : outputs.at(-1)!;
        // Each a tensor of its own: TF.js' executor frees what is no longer needed.
        return this.returnState ? [output, ...states.map(clone)] : output;
      } finally {
        if (isTraining) this.cell.endSequence();
      }
    });
  }

  #firstStates(step: Shape, given: Tensor[]): Tensor[] {
    const shapes = stateShapesOf(this.cell, step);
    if (given.length > 0 && given.length !== shapes.length) {
      throw new ValueError(
        `Layer ${show(this.name)} has ${shapes.length} states, and was called with ${given.length}.`,
      );
    }
    if (given.length > 0) {
      given.forEach(({ shape }, i) => {
        const expected = shapes[i]!;
        if (shape.slice(1).join() === expected.slice(1).join()) return;
        throw new ValueError(
          `Layer ${show(this.name)}: expected a first state of shape ${show(expected)}, received ${show(shape)}.`,
        );
      });
      return given;
    }
    if (!this.stateful) return shapes.map((shape) => zeros(shape as number[]));
    const states = this.getStates();
    if (states.some((state, i) => state.shape.join() !== shapes[i]!.join())) {
      throw new ValueError(
        `Layer ${show(this.name)} is stateful: expected batches of ${this.#step![0]}, received one of ${step[0]}.`,
      );
    }
    return states;
  }

  /** The mask of each step. */
  #stepsOf(mask: Tensor): Tensor[] {
    const constant = stopGradient(mask);
    return unstack(cast(this.timeMajor ? constant : swapSteps(constant), 'bool'));
  }

  /** @param x with the steps first */
  #run(
    x: Tensor,
    first: Tensor[],
    masks: Tensor[] | null,
    kwargs: RecurrentCallArguments,
  ): { outputs: Tensor[]; states: Tensor[] } {
    const inputs = unstack(x);
    const order = [...inputs.keys()];
    if (this.goBackwards) order.reverse();
    const outputs: Tensor[] = [];
    let states = first;
    for (const i of order) {
      const [output, ...after] = tidy((): Tensor[] => {
        const [output, ...after] = this.cell.call([inputs[i]!, ...states], kwargs) as [Tensor, ...Tensor[]];
        const mask = masks?.[i];
        if (!mask) return [output, ...after];
        const before = this.zeroOutputForMask ? undefined : outputs.at(-1);
        return [
          choose(mask, output, before ?? zerosLike(output)),
          ...after.map((state, j) => choose(mask, state, states[j]!)),
        ];
      }) as [Tensor, ...Tensor[]];
      outputs.push(output);
      states = after;
    }
    return { outputs, states };
  }

  /** The states of a stateful layer, zeros at first. */
  getStates(): Tensor[] {
    if (!this.stateful || !this.#step) return [];
    this.#states ??= tidy(() =>
      stateShapesOf(this.cell, this.#step!).map((shape) => keep(zeros(shape as number[]))),
    );
    return this.#states;
  }

  /** Gives the layer other states, whose tensors become its own. */
  setStates(states: Tensor[]): void {
    this.#states = states;
  }

  /** Sets the states to what is given, else to 0. */
  override resetStates(states?: Tensor | Tensor[]): void {
    if (!this.stateful)
      throw new ValueError(`Layer ${show(this.name)} is not stateful, and has no states to reset.`);
    this.disposeStates();
    if (states) this.#states = [states].flat().map((state) => keep(clone(state)));
  }

  /** Frees the states of a stateful layer, which begins with zeros again. */
  disposeStates(): void {
    dispose(this.#states ?? []);
    this.#states = null;
  }

  override dispose(): ReturnType<KerasLayer['dispose']> {
    const disposed = super.dispose();
    if (disposed.refCountAfterDispose === 0) this.disposeStates();
    return disposed;
  }

  protected override get parts(): readonly Cell[] {
    return [this.cell];
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), stateful: this.stateful };
  }
}

/** What a layer is applied to, and what it gives then. */
export type Applied = Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[];

/** The arguments of `apply`, with the first states among the inputs. */
export function readStates(
  inputs: Applied,
  { initialState, ...kwargs }: RecurrentCallArguments & Record<string, unknown>,
  dialect: Dialect,
): { inputs: Applied; kwargs: Record<string, unknown> } {
  const all = [inputs, initialState ?? []].flat() as Tensor[];
  if (all.length === 1) return { inputs: all[0]!, kwargs };
  // A mask that comes with the inputs; one that is given explicitly comes beside `initialState`.
  const isImplicit = initialState == null && dialect === 'keras3';
  return { inputs: all, kwargs: isImplicit ? { ...kwargs, mask: null } : kwargs };
}

const shapeOf = (inputShape: Shape | Shape[]): Shape =>
  (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;

/** Puts the steps before the batch, or behind it. */
function swapSteps(x: Tensor): Tensor {
  const [first, second, ...others] = x.shape.keys();
  return transpose(x, [second!, first!, ...others]);
}

/** By the mask of a step, which is one for all numbers of a sample. */
function choose(mask: Tensor, ifKept: Tensor, ifMasked: Tensor): Tensor {
  const aligned = reshape(mask, [...mask.shape, ...Array<1>(ifKept.rank - mask.rank).fill(1)]);
  return where(aligned, ifKept, ifMasked);
}

/** A recurrent layer whose settings are those of its cell, too. */
export abstract class RecurrentOfCell<Arguments extends LayerArguments> extends Recurrent {
  constructor(
    args: Arguments & RecurrentArguments,
    Cell: { new (args: Arguments): Cell; readonly settings: readonly string[] },
    name: string,
  ) {
    super(args, () => new Cell({ ...(pick(args, [...Cell.settings, 'trainable']) as Arguments), name }));
  }

  override getConfig(): serialization.ConfigDict {
    // In this order: both have a name.
    return { ...this.cell.getConfig(), ...super.getConfig() };
  }
}

/**
 * Calls a cell step by step, each time with the states of the step before. `[batch, steps, features]` becomes
 * the last output, with `returnSequences` all of them as `[batch, steps, …]`; with `returnState` the last
 * states follow.
 */
export class RNN extends Recurrent {
  static readonly className = 'RNN';
  static override readonly settings = ['cell', ...SEQUENCE_SETTINGS];

  constructor(args: RNNArguments) {
    super(args, () => {
      if (Array.isArray(args.cell))
        return new StackedRNNCells({ cells: args.cell, name: 'stacked_rnn_cells' });
      expectLayer('cell', args.cell);
      return args.cell;
    });
  }

  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    return super.fromConfig(cls, { ...config, cell: makeLayer(config.cell as LayerDescription) as never });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), cell: describeLayer(this.cell) };
  }
}

/**
 * Makes an {@link RNN}.
 *
 * @throws TypeError for a cell that is no layer, or a flag that is no boolean
 * @throws ValueError for an empty list of cells
 */
export const rnn = (args: RNNArguments) => new RNN(args);
