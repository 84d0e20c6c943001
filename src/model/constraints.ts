/** @file Constraints that hold while an optimizer trains. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';

/** The constraint of a variable; TF.js' types leave out that there may be none. */
export const constraintOf = ({ constraint }: LayerVariable): LayerVariable['constraint'] | null => constraint;

/** Variables whose constraint holds: a wrapper and the layer in it both have them. */
const constrained = new WeakSet<LayerVariable>();

/**
 * Makes `constraint` hold after every assignment of an optimizer, as in Keras. TF.js applies constraints only in
 * `write`, which `setWeights` and loading call and optimizers do not; Keras does it the other way round: values that
 * are set stay exactly as given.
 */
export function constrain(variable: LayerVariable, constraint: LayerVariable['constraint']): void {
  if (constrained.has(variable)) return;
  constrained.add(variable);
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
