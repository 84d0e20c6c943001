/**
 * @file What the layer remembers from call to call: parameters and statistics, under Keras' names and in Keras' order,
 * passed in and handed out again. No call changes the state it was given.
 */
import { checkFloats, sizeOf, type FloatArray } from './nd-array.js';
import type { BatchNormalizationOptions } from './options.js';
import { makePlan, type Plan } from './plan.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** Parameters and statistics, one number per channel each, in the order of the input's dimensions. */
export interface State {
  /** With `scale`: y = x̂·gamma + beta. */
  readonly gamma?: FloatArray;
  /** With `center`. */
  readonly beta?: FloatArray;
  /** The mean that inference normalizes by. */
  readonly movingMean: FloatArray;
  /** The variance that inference normalizes by. */
  readonly movingVariance: FloatArray;
  /** With `renorm`: where movingVariance comes from, max(0, movingStddev² − epsilon). */
  readonly movingStddev?: FloatArray;
  /** With `renorm`: what training draws the batch's mean to. */
  readonly renormMean?: FloatArray;
  /** With `renorm`: what training draws the batch's √(variance + epsilon) to. */
  readonly renormStddev?: FloatArray;
}

/** The state of a layer with `renorm`. */
export type RenormState = State & Required<Pick<State, 'movingStddev' | 'renormMean' | 'renormStddev'>>;

/** Whether the state, which checkState let pass, is that of a layer with `renorm`. */
export const isRenormState = (state: State): state is RenormState => state.renormMean !== undefined;

/** What Keras' default initializers fill each array with; a standard deviation starts at the root of its variance. */
const INITIAL_VALUES = {
  gamma: 1,
  beta: 0,
  movingMean: 0,
  movingVariance: 1,
  movingStddev: 1,
  renormMean: 0,
  renormStddev: 1,
};

const NAMES = Object.keys(INITIAL_VALUES) as (keyof State)[];

function isPresent(name: keyof State, { center, scale, renorm }: Plan['options']): boolean {
  if (name === 'gamma') return scale;
  if (name === 'beta') return center;
  return renorm || name === 'movingMean' || name === 'movingVariance';
}

/**
 * The state of a layer that has seen nothing: gamma and variances 1, beta and means 0, in float64.
 *
 * @param shape the input's; its batch does not matter.
 * @throws TypeError and ValueError as `forward` does for options and shape.
 * @example
 * initialState({ axis: 1, center: false }, [32, 3, 28, 28]).gamma; // Float64Array [1, 1, 1]
 */
export function initialState(options: BatchNormalizationOptions, shape: readonly number[]): State {
  const plan = makePlan(options, shape);
  const length = sizeOf(plan.parameterShape);
  const present = NAMES.filter((name) => isPresent(name, plan.options));
  const arrays = present.map((name) => [name, new Float64Array(length).fill(INITIAL_VALUES[name])]);
  return Object.fromEntries(arrays) as State;
}

/** The shape that Keras gives gamma, beta and every statistic: `[C]` for one axis, else with 1 where there is no axis. */
export const parameterShape = (options: BatchNormalizationOptions, shape: readonly number[]) =>
  makePlan(options, shape).parameterShape;

/**
 * @throws ValueError unless the state holds what the options call for, no more and no less, at the right length.
 * @throws TypeError unless it holds it in float arrays.
 */
export function checkState(state: State, { options, parameterShape }: Plan): void {
  const length = sizeOf(parameterShape);
  for (const name of NAMES) {
    const values = state[name];
    if ((values !== undefined) !== isPresent(name, options)) {
      throw new ValueError(
        `The state ${values === undefined ? 'lacks' : 'has'} ${name}, unlike a layer of these options: take the state ` +
          'from initialState or from a forward call with the same options.',
      );
    }
    if (values === undefined) continue;
    checkFloats(`The state's ${name}`, values);
    if (values.length !== length) {
      throw new ValueError(
        `The state's ${name} has ${values.length} values, but the input has ${length} channels, as parameters of shape ` +
          `${show(parameterShape)}: give an input with as many channels as the layer was made for.`,
      );
    }
  }
}
