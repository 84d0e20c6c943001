/**
 * @file How Keras' optimizers change a weight. TF.js' own of the same names compute other numbers: Adam and Adamax take
 * epsilon in elsewhere, and correct the bias otherwise.
 *
 * Sources: tf-keras 2.18 and Keras 3.15, `optimizers/*.py`; for those of TensorFlow before 2.11, `optimizers/legacy`.
 */
import {
  type Tensor,
  abs,
  add,
  div,
  maximum,
  mul,
  neg,
  sign,
  sqrt,
  square,
  sub,
} from '@tensorflow/tfjs-core';

/** Numbers and switches of an optimizer, by Keras' names. */
export type Settings = Readonly<Record<string, number | boolean>>;

/** One weight in one step. */
export interface Step {
  readonly gradient: Tensor;
  /** What the optimizer keeps of the weight, by the names of `slots`. */
  readonly slots: Readonly<Record<string, Tensor>>;
  readonly settings: Settings;
  readonly rate: number;
  /** Counted from 1. */
  readonly number: number;
  /** Whether it is of TensorFlow before 2.11, or of `keras.optimizers.legacy`. */
  readonly isLegacy: boolean;
}

export interface Update {
  /** What is subtracted from the weight. */
  readonly difference: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

export interface Rule {
  readonly defaults: Settings;
  /** What is kept of each weight, in groups: in files, the slots of a group lie weight by weight. */
  readonly slots: (settings: Settings) => readonly (readonly string[])[];
  /** What slots begin with. */
  readonly initial?: (settings: Settings) => number;
  /** Whether those before TensorFlow 2.11 computed other numbers than are known here. */
  readonly isLegacyUnknown?: true;
  readonly update: (step: Step) => Update;
}

/** A setting that every file has, or its default. */
const numberOf = (settings: Settings, name: string): number => Number(settings[name]);

/** Powers as Keras has them, in float32: 1 − 0.999 differs in the fifth digit. */
const power = (base: number, exponent: number): number => Math.fround(Math.fround(base) ** exponent);

/** `old` moved towards `value`. */
const moved = (old: Tensor, value: Tensor, momentum: number): Tensor =>
  add(old, mul(sub(value, old), 1 - momentum));

/** `old` faded, and some of `value`. */
const mixed = (old: Tensor, value: Tensor, rho: number): Tensor => add(mul(old, rho), mul(value, 1 - rho));

const SGD: Rule = {
  defaults: { learning_rate: 0.01, momentum: 0, nesterov: false },
  slots: ({ momentum }) => (momentum === 0 ? [] : [['momentum']]),
  update({ gradient, slots: { momentum: old }, settings, rate }): Update {
    const step = mul(gradient, rate);
    if (!old) return { difference: step, slots: {} };
    const kept = numberOf(settings, 'momentum');
    const momentum = sub(mul(old, kept), step);
    const difference = settings.nesterov ? sub(step, mul(momentum, kept)) : neg(momentum);
    return { difference, slots: { momentum } };
  },
};

const Adam: Rule = {
  defaults: { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false },
  slots: ({ amsgrad }) => [['momentum', 'velocity'], ...(amsgrad ? [['velocityHat']] : [])],
  update({ gradient, slots, settings, rate, number }) {
    const [beta1, beta2] = [numberOf(settings, 'beta_1'), numberOf(settings, 'beta_2')];
    const alpha = (rate * Math.sqrt(1 - power(beta2, number))) / (1 - power(beta1, number));
    const momentum = moved(slots.momentum!, gradient, beta1);
    const velocity = moved(slots.velocity!, square(gradient), beta2);
    const hat = slots.velocityHat && maximum(slots.velocityHat, velocity);
    const difference = div(mul(momentum, alpha), add(sqrt(hat ?? velocity), numberOf(settings, 'epsilon')));
    return { difference, slots: { momentum, velocity, ...(hat && { velocityHat: hat }) } };
  },
};

const Adamax: Rule = {
  defaults: { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
  slots: () => [['momentum', 'norm']],
  update({ gradient, slots, settings, rate, number }) {
    const beta1 = numberOf(settings, 'beta_1');
    const momentum = moved(slots.momentum!, gradient, beta1);
    const norm = maximum(mul(slots.norm!, numberOf(settings, 'beta_2')), abs(gradient));
    const scaled = mul(add(norm, numberOf(settings, 'epsilon')), 1 - power(beta1, number));
    return { difference: div(mul(momentum, rate), scaled), slots: { momentum, norm } };
  },
};

const Nadam: Rule = {
  defaults: { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
  slots: () => [['momentum', 'velocity']],
  isLegacyUnknown: true,
  update({ gradient, slots, settings, rate, number }) {
    const [beta1, beta2] = [numberOf(settings, 'beta_1'), numberOf(settings, 'beta_2')];
    const factor = (step: number) => beta1 * (1 - 0.5 * 0.96 ** step);
    let product = 1;
    for (let step = 1; step <= number; step++) product *= factor(step);
    const next = factor(number + 1);
    const momentum = moved(slots.momentum!, gradient, beta1);
    const velocity = moved(slots.velocity!, square(gradient), beta2);
    const ahead = add(
      mul(momentum, next / (1 - product * next)),
      mul(gradient, (1 - factor(number)) / (1 - product)),
    );
    const deviation = sqrt(div(velocity, 1 - power(beta2, number)));
    return {
      difference: div(mul(ahead, rate), add(deviation, numberOf(settings, 'epsilon'))),
      slots: { momentum, velocity },
    };
  },
};

const RMSprop: Rule = {
  defaults: { learning_rate: 0.001, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
  slots: ({ momentum, centered }) => [
    ['velocity'],
    ...(momentum === 0 ? [] : [['momentum']]),
    ...(centered ? [['average']] : []),
  ],
  update({ gradient, slots, settings, rate, isLegacy }) {
    const [rho, epsilon] = [numberOf(settings, 'rho'), numberOf(settings, 'epsilon')];
    const velocity = mixed(slots.velocity!, square(gradient), rho);
    const average = slots.average && mixed(slots.average, gradient, rho);
    const variance = average ? sub(velocity, square(average)) : velocity;
    const denominator =
      isLegacy && !slots.momentum ? add(sqrt(variance), epsilon) : sqrt(add(variance, epsilon));
    const step = div(mul(gradient, rate), denominator);
    const momentum = slots.momentum && add(mul(slots.momentum, numberOf(settings, 'momentum')), step);
    return {
      difference: momentum ?? step,
      slots: { velocity, ...(momentum && { momentum }), ...(average && { average }) },
    };
  },
};

const Adagrad: Rule = {
  defaults: { learning_rate: 0.001, initial_accumulator_value: 0.1, epsilon: 1e-7 },
  slots: () => [['accumulator']],
  initial: (settings) => numberOf(settings, 'initial_accumulator_value'),
  update({ gradient, slots, settings, rate, isLegacy }) {
    const epsilon = numberOf(settings, 'epsilon');
    const accumulator = add(slots.accumulator!, square(gradient));
    const denominator = isLegacy ? add(sqrt(accumulator), epsilon) : sqrt(add(accumulator, epsilon));
    return { difference: div(mul(gradient, rate), denominator), slots: { accumulator } };
  },
};

const Adadelta: Rule = {
  defaults: { learning_rate: 0.001, rho: 0.95, epsilon: 1e-7 },
  slots: () => [['gradients', 'differences']],
  update({ gradient, slots, settings, rate }) {
    const [rho, epsilon] = [numberOf(settings, 'rho'), numberOf(settings, 'epsilon')];
    const gradients = mixed(slots.gradients!, square(gradient), rho);
    const difference = div(
      mul(sqrt(add(slots.differences!, epsilon)), gradient),
      sqrt(add(gradients, epsilon)),
    );
    const differences = mixed(slots.differences!, square(difference), rho);
    return { difference: mul(difference, rate), slots: { gradients, differences } };
  },
};

const Lion: Rule = {
  defaults: { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.99 },
  slots: () => [['momentum']],
  update({ gradient, slots, settings, rate }) {
    const old = slots.momentum!;
    const difference = mul(sign(mixed(old, gradient, numberOf(settings, 'beta_1'))), rate);
    return { difference, slots: { momentum: mixed(old, gradient, numberOf(settings, 'beta_2')) } };
  },
};

/** By Keras' names of the classes. */
export const RULES: Readonly<Record<string, Rule>> = {
  SGD,
  Adam,
  AdamW: { ...Adam, defaults: { ...Adam.defaults, weight_decay: 0.004 } },
  Adamax,
  Nadam,
  RMSprop,
  Adagrad,
  Adadelta,
  Lion,
};
