/**
 * @file The weights that a layer has settings for: an initializer, a regularizer and a constraint for each. The layer
 * holds them as objects, and saves their configurations.
 */
import {
  type Constraint,
  type Initializer,
  type Regularizer,
  resolveConstraint,
  resolveInitializer,
  resolveRegularizer,
} from '../../layer/keras-objects.js';

/** The settings of weights, such as `kernelInitializer`. */
export type ParameterSettings<Parameter extends string> = Readonly<
  Record<`${Parameter}Initializer`, Initializer> &
    Record<`${Parameter}Regularizer`, Regularizer | null> &
    Record<`${Parameter}Constraint`, Constraint | null>
>;
/** The same as arguments: objects, names or configurations. */
export type ParameterArguments<Parameter extends string> = Partial<
  Record<`${Parameter}${'Initializer' | 'Regularizer' | 'Constraint'}`, unknown>
>;

export const settingsOfParameter = <Parameter extends string>(parameter: Parameter) =>
  [`${parameter}Initializer`, `${parameter}Regularizer`, `${parameter}Constraint`] as const;

/**
 * The settings of weights.
 *
 * @param defaults the initializer of each weight where no other is given
 */
export function readParameters<Parameter extends string>(
  args: ParameterArguments<Parameter>,
  defaults: Readonly<Record<Parameter, string>>,
): ParameterSettings<Parameter> {
  const given = args as Readonly<Record<string, unknown>>;
  const settings = Object.entries<string>(defaults).flatMap(([parameter, fallback]): [string, unknown][] => {
    const [initializer, regularizer, constraint] = settingsOfParameter(parameter);
    return [
      [initializer, resolveInitializer(initializer, given[initializer] ?? fallback)],
      [regularizer, resolveRegularizer(regularizer, given[regularizer])],
      [constraint, resolveConstraint(constraint, given[constraint])],
    ];
  });
  return Object.fromEntries(settings) as ParameterSettings<Parameter>;
}
