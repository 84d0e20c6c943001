/** @file An optimizer of TF.js that changes weights as Keras does, and goes on where Keras stopped. */
import {
  type NamedTensorMap,
  Optimizer,
  type Tensor,
  type Variable,
  add,
  clipByValue,
  clone,
  div,
  dispose,
  engine,
  fill,
  keep,
  maximum,
  mul,
  norm,
  sqrt,
  square,
  sub,
  sum,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { SlotKeeper } from '../../model/optimizer-state.js';
import type { Rule, Settings } from './rules.js';

/** What an optimizer has kept of its weights, by their variables. */
export type SavedSlots = ReadonlyMap<Variable, Readonly<Record<string, Float32Array>>>;

export interface OptimizerOptions {
  /** Keras' name of the class. */
  readonly name: string;
  readonly rule: Rule;
  readonly settings: Settings;
  /** The learning rate of a step, counted from 0; null where it is `learningRate`. */
  readonly schedule: ((step: number) => number) | null;
  /** Whether it is of TensorFlow before 2.11, or of `keras.optimizers.legacy`. */
  readonly isLegacy: boolean;
  /** Steps that are done. */
  readonly iterations: number;
  readonly slots: SavedSlots;
  /** The weights whose constraints hold after each step, which TF.js' optimizers forget. */
  readonly constrained: ReadonlyMap<Variable, LayerVariable['constraint']>;
}

interface NamedTensor {
  name: string;
  tensor: Tensor;
}

/** A tensor for each slot of a weight. */
type Slots = Readonly<Record<string, Tensor>>;

/** Keras' optimizers: the rule says which. What it keeps of a weight takes memory from the first step on. */
export class KerasOptimizer extends Optimizer implements SlotKeeper {
  /** Takes effect in the next step, unless there is a schedule. */
  learningRate: number;
  readonly #options: OptimizerOptions;
  readonly #slots = new Map<Variable, Slots>();

  constructor(options: OptimizerOptions) {
    super();
    this.#options = options;
    this.learningRate = Number(options.settings.learning_rate);
    this.iterations_ = options.iterations;
  }

  /** A name that TF.js has no class for, since its own of Keras' names compute other numbers. */
  override getClassName(): string {
    return `Keras${this.#options.name}`;
  }

  override getConfig() {
    return { ...this.#options.settings, learning_rate: this.learningRate };
  }

  /** The learning rate of the next step. */
  #rate(): number {
    const { schedule, settings } = this.#options;
    const rate = schedule ? schedule(this.iterations) : this.learningRate;
    return rate / (1 + Number(settings.decay ?? 0) * this.iterations);
  }

  override applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
    const named = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, one]) => ({ name, tensor: one }));
    const { registeredVariables } = engine();
    // TF.js has no gradient for a weight that the loss does not depend on.
    const given = named.filter((one) => (one.tensor as Tensor | null | undefined) != null);
    tidy(() => {
      const clipped = this.#clip(given.map((one) => one.tensor));
      given.forEach(({ name }, i) => {
        this.#change(registeredVariables[name]!, clipped[i]!);
      });
    });
    this.incrementIterations();
  }

  #change(variable: Variable, gradient: Tensor): void {
    const { rule, settings, isLegacy, constrained } = this.#options;
    const rate = this.#rate();
    const old = this.readSlots(variable);
    const { difference, slots } = rule.update({
      gradient,
      slots: old,
      settings,
      rate,
      number: this.iterations + 1,
      isLegacy,
    });
    const { weight_decay: decay } = settings;
    const decayed = decay === undefined ? variable : mul(variable, 1 - Number(decay) * rate);
    const changed = sub(decayed, difference);
    variable.assign(constrained.get(variable)?.apply(changed) ?? changed);
    dispose(Object.values(old));
    for (const slot of Object.values(slots)) keep(slot);
    this.#slots.set(variable, slots);
  }

  #firstSlots(variable: Variable): Slots {
    const { rule, settings, slots } = this.#options;
    const saved = slots.get(variable);
    const names = rule.slots(settings).flat();
    return Object.fromEntries(
      names.map((name) => [
        name,
        saved ? tensor(saved[name]!, variable.shape) : fill(variable.shape, rule.initial?.(settings) ?? 0),
      ]),
    );
  }

  readSlots(variable: Variable): Slots {
    return this.#slots.get(variable) ?? this.#firstSlots(variable);
  }

  writeSlots(variable: Variable, slots: Slots): void {
    dispose(Object.values(this.#slots.get(variable) ?? {}));
    const copies = Object.entries(slots).map(([name, slot]) => [name, keep(clone(slot))] as const);
    this.#slots.set(variable, Object.fromEntries(copies));
  }

  #clip(gradients: Tensor[]): Tensor[] {
    const { clipnorm, global_clipnorm: globalNorm, clipvalue } = this.#options.settings;
    if (clipnorm !== undefined) return gradients.map((one) => scaledTo(one, norm(one), Number(clipnorm)));
    if (clipvalue !== undefined) {
      return gradients.map((one) => clipByValue(one, -Number(clipvalue), Number(clipvalue)));
    }
    if (globalNorm === undefined || gradients.length === 0) return gradients;
    const squares = gradients.map((one) => sum(square(one)));
    const whole = sqrt(squares.reduce((total, one) => add(total, one)));
    return gradients.map((one) => scaledTo(one, whole, Number(globalNorm)));
  }

  override dispose(): void {
    for (const slots of this.#slots.values()) dispose(Object.values(slots));
    this.#slots.clear();
  }
}

/** Scaled down where the length is greater than `limit`. */
const scaledTo = (gradient: Tensor, length: Tensor, limit: number): Tensor =>
  mul(gradient, div(limit, maximum(length, limit)));
