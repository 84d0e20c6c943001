/**
 * @file The weights that a layer has settings for: an initializer, a regularizer and a constraint for each. The layer
 * holds them as their configurations, which is what is saved.
 */
import type { serialization } from '@tensorflow/tfjs-core';
import {
  resolveConstraint,
  resolveInitializer,
  resolveRegularizer,
  serializeObject,
} from '../../layer/keras-objects.js';

type Saved = serialization.ConfigDict | null;

/** The settings of one weight, such as `kernelInitializer`. */
export type ParameterSettings<Parameter extends string> = Readonly<
  Record<`${Parameter}${'Initializer' | 'Regularizer' | 'Constraint'}`, Saved>
>;
/** The same as arguments: names, configurations, or TF.js' objects. */
export type ParameterArguments<Parameter extends string> = Partial<
  Record<`${Parameter}${'Initializer' | 'Regularizer' | 'Constraint'}`, unknown>
>;

export const settingsOfParameter = <Parameter extends string>(parameter: Parameter) =>
  [`${parameter}Initializer`, `${parameter}Regularizer`, `${parameter}Constraint`] as const;

/**
 * The settings of weights as their configurations.
 *
 * @param defaults the initializer of each weight where no other is given
 */
export function readParameters<Parameter extends string>(
  args: ParameterArguments<Parameter>,
  defaults: Readonly<Record<Parameter, string>>,
): ParameterSettings<Parameter> {
  const given = args as Readonly<Record<string, unknown>>;
  const settings = Object.entries<string>(defaults).flatMap(([parameter, fallback]): [string, Saved][] => {
    const [initializer, regularizer, constraint] = settingsOfParameter(parameter);
    return [
      [initializer, serializeObject(resolveInitializer(initializer, given[initializer] ?? fallback))],
      [regularizer, serializeObject(resolveRegularizer(regularizer, given[regularizer]))],
      [constraint, serializeObject(resolveConstraint(constraint, given[constraint]))],
    ];
  });
  return Object.fromEntries(settings) as ParameterSettings<Parameter>;
}
