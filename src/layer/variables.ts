/**
 * @file What TF.js leaves out around a trainable variable: constraints that hold while an optimizer trains, a
 * penalty whose gradient is Keras' at 0, and values given as numbers.
 */
import {
  type Scalar,
  Tensor,
  add,
  cast,
  mul,
  neg,
  relu,
  reshape,
  square,
  sum,
  tensor,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { type LayerVariable, regularizers } from '@tensorflow/tfjs-layers';
import type { FusedBackend } from '../backends/backend.js';
import { ValueError } from '../text/value-error.js';
import type { ResolvedArguments } from './arguments.js';
import type { Constraint, Regularizer } from './keras-objects.js';
import { isTensor } from '../text/is-tensor.js';
import { show, showShape } from '../text/show.js';

/**
 * Makes `constraint` hold after every assignment of an optimizer, as in Keras. TF.js applies constraints only in
 * `write`, which `setWeights` and loading call and optimizers do not; Keras does it the other way round: values that
 * are set stay exactly as given.
 */
export function constrain(variable: LayerVariable, constraint: Constraint): void {
  const value = variable.read() as Tensor & { assign(newValue: Tensor): void };
  const assign = value.assign.bind(value);
  value.assign = (newValue) => {
    tidy(() => {
      assign(constraint.apply(newValue));
    });
  };
  variable.write = (newValue) => {
    if (newValue.id !== value.id) assign(newValue);
    return variable;
  };
}

/** TF.js' one class of regularizer, which it does not export. */
const L1L2 = regularizers.l1l2().constructor;

/**
 * The penalty that a regularizer puts on a variable, as a function for `addLoss`.
 *
 * TF.js' |w| has the gradient −1 at 0, where beta starts; Keras' has 0, as has relu(w) + relu(−w).
 */
export function penaltyOf(regularizer: Regularizer, variable: LayerVariable): () => Scalar {
  if (regularizer.constructor !== L1L2) return () => regularizer.apply(variable.read());
  const { l1, l2 } = regularizer as Regularizer & { l1: number; l2: number };
  return () =>
    tidy(() => {
      const w = variable.read();
      const absolute = sum(add(relu(w), relu(neg(w))));
      return add(mul(absolute, l1), mul(sum(square(w)), l2));
    });
}

/** Gives a statistic its new value: in its own memory, where the kernels reach it and nobody else holds it. */
export function store(variable: LayerVariable, value: Tensor | Float32Array, on: FusedBackend | null): void {
  if (value instanceof Tensor) variable.write(value);
  else if (!on?.replace(variable.read(), value)) variable.write(tensor(value, variable.shape as number[]));
}

/** A weight that the layer is about to make. */
export interface WeightSlot {
  readonly name: string;
  readonly shape: number[];
}

/**
 * The argument `weights` as tensors of the shapes that the layer has. Values stand in Keras' order; a list of numbers
 * or a typed array may be flat.
 *
 * @throws ValueError where the number of weights or a shape does not fit
 */
export function initialWeights(
  weights: NonNullable<ResolvedArguments['weights']>,
  slots: readonly WeightSlot[],
): Tensor[] {
  const expected = slots.map(({ name, shape }) => `${name} ${showShape(shape)}`).join(', ');
  if (weights.length !== slots.length) {
    throw new ValueError(`weights: expected ${slots.length} (${expected}), received ${weights.length}.`);
  }
  return slots.map(({ name, shape }, i) => {
    const value = weights[i]!;
    const received = shapeOf(value);
    const isFlat = received?.length === 1;
    if (
      !received ||
      (isFlat ? received[0] !== util.sizeFromShape([...shape]) : !util.arraysEqual(received, shape))
    ) {
      throw new ValueError(
        `weights: ${name} has shape ${showShape(shape)}, received ` +
          `${received ? `values of shape ${showShape(received)}` : show(value)}. Expected are ${expected}.`,
      );
    }
    if (value instanceof Tensor) return cast(reshape(value, [...shape]), 'float32');
    // TF.js knows three typed arrays, and Float64Array is none of them.
    const numbers = ArrayBuffer.isView(value) ? Float32Array.from(value) : (value as number[]);
    return tensor(numbers, [...shape], 'float32');
  });
}

/** The shape of numbers in arrays; null where they are ragged, or something else than numbers. */
function shapeOf(value: unknown): number[] | null {
  if (isTensor(value)) return value.shape;
  if (typeof value === 'number') return [];
  if (ArrayBuffer.isView(value)) return 'length' in value ? [value.length as number] : null;
  if (!Array.isArray(value)) return null;
  const inner = value.map(shapeOf);
  const first = inner[0];
  if (first === undefined) return [0];
  return first && inner.every((shape) => shape && util.arraysEqual(shape, first))
    ? [value.length, ...first]
    : null;
}
