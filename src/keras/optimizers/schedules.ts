/** @file Keras' schedules of the learning rate. Source: Keras 3.15 `optimizers/schedules/learning_rate_schedule.py`. */
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import { type Json, type JsonObject, isObject } from '../json.js';

/** The learning rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

/** Reads numbers of a configuration. */
type Numbers = (name: string) => number;

const SCHEDULES: Readonly<Record<string, (number: Numbers, config: JsonObject) => Schedule>> = {
  ExponentialDecay(number, { staircase }) {
    const [first, steps, rate] = [
      number('initial_learning_rate'),
      number('decay_steps'),
      number('decay_rate'),
    ];
    return (step) => first * rate ** (staircase === true ? Math.floor(step / steps) : step / steps);
  },
  InverseTimeDecay(number, { staircase }) {
    const [first, steps, rate] = [
      number('initial_learning_rate'),
      number('decay_steps'),
      number('decay_rate'),
    ];
    return (step) => first / (1 + rate * (staircase === true ? Math.floor(step / steps) : step / steps));
  },
  PolynomialDecay(number, { cycle }) {
    const [first, steps] = [number('initial_learning_rate'), number('decay_steps')];
    const [last, power] = [number('end_learning_rate'), number('power')];
    return (step) => {
      const length = cycle === true ? steps * Math.max(1, Math.ceil(step / steps)) : steps;
      const done = Math.min(step, length) / length;
      return (first - last) * (1 - done) ** power + last;
    };
  },
  PiecewiseConstantDecay(_, { boundaries, values }) {
    const [bounds, rates] = [expectNumbers(boundaries), expectNumbers(values)];
    if (rates.length !== bounds.length + 1)
      throw new ValueError('its schedule has another number of values than of steps');
    return (step) => rates[bounds.filter((bound) => step > bound).length]!;
  },
  CosineDecay(number, { warmup_target: target }) {
    const [first, steps, alpha] = [number('initial_learning_rate'), number('decay_steps'), number('alpha')];
    const cosine = (from: number, step: number) =>
      from * ((1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, step / steps))) + alpha);
    if (target == null) return (step) => cosine(first, step);
    const [warmed, warmup] = [number('warmup_target'), number('warmup_steps')];
    return (step) =>
      step < warmup ? first + ((warmed - first) * step) / warmup : cosine(warmed, step - warmup);
  },
};

/** @throws ValueError for a schedule that is not known */
export function readSchedule(saved: JsonObject): Schedule {
  const { class_name: name, config } = saved;
  const make = typeof name === 'string' && Object.hasOwn(SCHEDULES, name) ? SCHEDULES[name] : undefined;
  if (!make || !isObject(config)) {
    throw new ValueError(
      `its learning rate follows ${show(name)}; known are ${Object.keys(SCHEDULES).join(', ')}`,
    );
  }
  return make((setting) => expectNumbers([config[setting] ?? null])[0]!, config);
}

function expectNumbers(values: Json | undefined): number[] {
  if (Array.isArray(values) && values.every((value) => typeof value === 'number')) return values;
  throw new ValueError(`its schedule has ${show(values)} where numbers are expected`);
}
