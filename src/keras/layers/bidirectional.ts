/**
 * @file Keras' Bidirectional. Source: tf-keras 2.18 `layers/rnn/bidirectional.py`.
 *
 * TF.js' own makes its backward layer of the forward one, by the name of its class, and gives other outputs at masked
 * steps.
 */
import { type Tensor, type serialization, add, concat, div, mul, reverse, tidy } from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import { inNameScope } from '../../model/tensorflow-internals.js';
import { refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { DIALECTS, type Dialect } from './dialect.js';
import { checkWord } from './checks.js';
import { type LayerDescription, describeLayer, expectLayer, makeAlike, makeLayer } from './inner-layers.js';
import {
  type AcceptedInputs,
  ANY_INPUTS,
  KerasLayer,
  type LayerArguments,
  type Shape,
} from './keras-layer.js';
import { type Applied, type RecurrentCallArguments, readStates } from './rnn.js';

const MERGE_MODES = ['sum', 'mul', 'ave', 'concat', null] as const;
type MergeMode = (typeof MERGE_MODES)[number];

/** What both directions have in common, of this library or of TF.js. */
type RecurrentLayer = layers.Layer & {
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly timeMajor?: boolean;
  zeroOutputForMask?: boolean;
  disposeStates?(): void;
};

/** The arguments of {@link Bidirectional}. */
export interface BidirectionalArguments extends LayerArguments {
  /** A recurrent layer. */
  layer: layers.Layer;
  /** The one for the other direction. Default: one like `layer`. */
  backwardLayer?: layers.Layer | null;
  /** How the outputs become one; null leaves them apart. Default: `'concat'`. */
  mergeMode?: MergeMode;
  /** In models of Keras 3, a layer that is called with its first states does not get the mask. Default: `'tf-keras'`. */
  dialect?: Dialect;
}

/**
 * Runs one recurrent layer forwards and another backwards over the steps, and merges their outputs of the
 * same steps. `[batch, steps, features]` becomes `[batch, 2 · units]` with `'concat'`, and `[batch, units]`
 * with `'sum'`, `'mul'` and `'ave'`; with `returnSequences` the steps stay. With `returnState` the states of
 * both follow, the forward ones first.
 */
export class Bidirectional extends KerasLayer {
  static readonly className = 'Bidirectional';
  static override readonly settings = ['layer', 'backwardLayer', 'mergeMode', 'dialect'];
  readonly forwardLayer: RecurrentLayer;
  readonly backwardLayer: RecurrentLayer;
  readonly mergeMode: MergeMode;
  readonly dialect: Dialect;
  /** For copies: whether the backward layer has settings of its own. */
  readonly #hasOwnBackward: boolean;

  constructor(args: BidirectionalArguments) {
    super(args);
    expectLayer('layer', args.layer);
    const { layer, backwardLayer: backward, mergeMode = 'concat' } = args;
    if (backward != null) expectLayer('backwardLayer', backward);
    if (!MERGE_MODES.includes(mergeMode)) {
      refuse(ValueError, 'mergeMode', MERGE_MODES.map(show).join(', '), mergeMode);
    }
    const { goBackwards } = layer as RecurrentLayer;
    const name = (one: layers.Layer, direction: string) => `${direction}_${plainName(one, direction)}`;
    this.forwardLayer = makeAlike(layer, { name: name(layer, 'forward') }) as RecurrentLayer;
    this.backwardLayer = makeAlike(backward ?? layer, {
      name: name(backward ?? layer, 'backward'),
      ...(!backward && { goBackwards: !goBackwards }),
    }) as RecurrentLayer;
    this.#hasOwnBackward = backward != null;
    this.mergeMode = mergeMode;
    this.dialect = checkWord('dialect', args.dialect ?? 'tf-keras', DIALECTS);
    this._stateful = layer.stateful;
    checkDirections(this.forwardLayer, this.backwardLayer);
    // Keras does so without a word.
    for (const one of [this.forwardLayer, this.backwardLayer]) {
      if (one.zeroOutputForMask !== undefined) one.zeroOutputForMask = one.returnSequences;
    }
  }

  get returnSequences(): boolean {
    return this.forwardLayer.returnSequences;
  }

  get returnState(): boolean {
    return this.forwardLayer.returnState;
  }

  /** With the first states. */
  protected override get acceptedInputs(): AcceptedInputs {
    return ANY_INPUTS;
  }

  /** The first states of both directions are further inputs, or the argument `initialState`. */
  override apply(inputs: Applied, kwargs: Record<string, unknown> = {}): Applied {
    const call = readStates(inputs, kwargs, this.dialect);
    return super.apply(call.inputs, call.kwargs);
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    for (const layer of this.parts) {
      inNameScope(layer.name, () => {
        layer.build(shape);
      });
    }
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [ahead, back] = [this.forwardLayer, this.backwardLayer].map((layer) => {
      const shapes = layer.computeOutputShape(inputShape);
      return (Array.isArray(shapes[0]) ? shapes : [shapes]) as Shape[];
    }) as [Shape[], Shape[]];
    const [one, other] = [ahead[0]!, back[0]!];
    const merged = {
      concat: [[...one.slice(0, -1), one.at(-1)! + other.at(-1)!]],
      none: [one, other],
      same: [one],
    }[this.mergeMode === 'concat' ? 'concat' : this.mergeMode === null ? 'none' : 'same'];
    const all = [...merged, ...ahead.slice(1), ...back.slice(1)];
    return all.length === 1 ? all[0]! : all;
  }

  override computeMask(inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor | Tensor[] {
    const none = null as unknown as Tensor;
    const output = this.returnSequences ? ([mask].flat()[0] ?? none) : none;
    const shapes = this.computeOutputShape([inputs].flat()[0]!.shape);
    if (!Array.isArray(shapes[0])) return output;
    const sequences = this.mergeMode === null ? 2 : 1;
    // States of a batch have no steps.
    return shapes.map((_, i) => (i < sequences ? output : none));
  }

  override call(inputs: Tensor | Tensor[], kwargs: RecurrentCallArguments = {}): Tensor | Tensor[] {
    return tidy(() => {
      const [x, ...states] = [inputs, kwargs.initialState ?? []].flat() as [Tensor, ...Tensor[]];
      const half = states.length / 2;
      if (!Number.isInteger(half)) {
        throw new ValueError(
          `Layer ${show(this.name)} takes the states of both directions, and was called with ${states.length}.`,
        );
      }
      const run = (layer: layers.Layer, own: Tensor[]) =>
        [layer.call(x, { ...kwargs, initialState: own.length > 0 ? own : null })].flat() as [
          Tensor,
          ...Tensor[],
        ];
      const [ahead, ...aheadStates] = run(this.forwardLayer, states.slice(0, half));
      const [back, ...backStates] = run(this.backwardLayer, states.slice(half));
      const time = this.forwardLayer.timeMajor ? 0 : 1;
      const merged = this.#merge(ahead, this.returnSequences ? reverse(back, time) : back);
      const all = [...merged, ...aheadStates, ...backStates];
      return all.length === 1 ? all[0]! : all;
    });
  }

  #merge(a: Tensor, b: Tensor): Tensor[] {
    switch (this.mergeMode) {
      case 'concat':
        return [concat([a, b], a.rank - 1)];
      case 'sum':
        return [add(a, b)];
      case 'ave':
        return [div(add(a, b), 2)];
      case 'mul':
        return [mul(a, b)];
      case null:
        return [a, b];
    }
  }

  override resetStates(): void {
    this.forwardLayer.resetStates();
    this.backwardLayer.resetStates();
  }

  override dispose(): ReturnType<KerasLayer['dispose']> {
    const disposed = super.dispose();
    if (disposed.refCountAfterDispose === 0) {
      for (const layer of [this.forwardLayer, this.backwardLayer]) layer.disposeStates?.();
    }
    return disposed;
  }

  override get trainable(): boolean {
    return super.trainable;
  }

  override set trainable(trainable: boolean) {
    super.trainable = trainable;
    this.forwardLayer.trainable = trainable;
    this.backwardLayer.trainable = trainable;
  }

  protected override get parts(): readonly layers.Layer[] {
    return [this.forwardLayer, this.backwardLayer];
  }

  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const make = (description: unknown) => (description ? makeLayer(description as LayerDescription) : null);
    const { layer, backwardLayer } = config;
    return super.fromConfig(cls, {
      ...config,
      layer: make(layer),
      backwardLayer: make(backwardLayer),
    } as never);
  }

  override getConfig(): serialization.ConfigDict {
    const describe = (layer: layers.Layer, direction: string): LayerDescription => {
      const { className, config } = describeLayer(layer);
      return { className, config: { ...config, name: plainName(layer, direction) } };
    };
    return {
      ...super.getConfig(),
      layer: describe(this.forwardLayer, 'forward'),
      backwardLayer: this.#hasOwnBackward ? describe(this.backwardLayer, 'backward') : null,
    };
  }
}

/** Without what says the direction. */
const plainName = ({ name }: layers.Layer, direction: string) =>
  name.startsWith(`${direction}_`) ? name.slice(direction.length + 1) : name;

function checkDirections(ahead: RecurrentLayer, back: RecurrentLayer): void {
  if (ahead.goBackwards === back.goBackwards) {
    throw new ValueError(
      `backwardLayer: expected one with goBackwards: ${!ahead.goBackwards}, since that of layer is ${ahead.goBackwards}.`,
    );
  }
  for (const name of ['stateful', 'returnSequences', 'returnState'] as const) {
    if (ahead[name] !== back[name]) {
      throw new ValueError(
        `backwardLayer: expected one with ${name}: ${ahead[name]}, as layer has, received ${back[name]}.`,
      );
    }
  }
}

/**
 * Makes a {@link Bidirectional} of a copy of `layer` and one of `backwardLayer`.
 *
 * @throws TypeError for what is no layer
 * @throws ValueError for an unknown `mergeMode`, or a `backwardLayer` that does not fit `layer`
 */
export const bidirectional = (args: BidirectionalArguments) => new Bidirectional(args);
