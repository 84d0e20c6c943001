/**
 * @file What TF.js leaves out around a variable: a check of its first values, a penalty whose gradient is Keras' at 0, and
 * new values in the variable's own memory.
 */
import {
  type Scalar,
  Tensor,
  add,
  mul,
  neg,
  relu,
  square,
  sum,
  tensor,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { type LayerVariable, regularizers } from '@tensorflow/tfjs-layers';
import type { FusedBackend } from '../backends/backend.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import type { Initializer, Regularizer } from './keras-objects.js';

/** TF.js' one class of regularizer, which it does not export. */
const L1L2 = regularizers.l1l2().constructor;

/**
 * The penalty that a regularizer puts on a tensor.
 *
 * TF.js' |x| has the gradient −1 at 0, where beta starts; Keras' has 0, as has relu(x) + relu(−x).
 */
export function penaltyOn(regularizer: Regularizer, x: Tensor): Scalar {
  if (regularizer.constructor !== L1L2) return regularizer.apply(x);
  const { l1, l2 } = regularizer as Regularizer & { l1: number; l2: number };
  return tidy(() => {
    const absolute = sum(add(relu(x), relu(neg(x))));
    return add(mul(absolute, l1), mul(sum(square(x)), l2));
  });
}

/** The penalty on a variable, as a function for `addLoss`. */
export const penaltyOf = (regularizer: Regularizer, variable: LayerVariable) => (): Scalar =>
  penaltyOn(regularizer, variable.read());

/** An initializer for a layer's weight, whose values must have the shape that it is asked for: kernels rely on it. */
export function expectShape(initializer: Initializer, layer: string, weight: string): Initializer {
  const apply: Initializer['apply'] = (shape, dtype) => {
    const values = initializer.apply(shape, dtype);
    if (util.arraysEqual(values.shape, shape as number[])) return values;
    values.dispose();
    throw new ValueError(
      `Layer ${show(layer)}: the initializer of its ${weight} gave values of shape ${show(values.shape)}, where ` +
        `${show(shape)} was asked for. Have its apply(shape) return that shape.`,
    );
  };
  return Object.create(initializer, { apply: { value: apply } }) as Initializer;
}

/** Gives a statistic its new value: in its own memory, where the kernels reach it and nobody else holds it. */
export function store(
  variable: LayerVariable,
  value: Tensor | Float32Array,
  backend: FusedBackend | null,
): void {
  if (value instanceof Tensor) variable.write(value);
  else if (!backend?.replace(variable.read(), value))
    variable.write(tensor(value, variable.shape as number[]));
}
