/** @file Keras' PReLU. Sources: tf-keras 2.18 `layers/activation/prelu.py`, Keras 3 `layers/activations/prelu.py`. */
import { type Tensor, mul, neg, relu, sub, tidy } from '@tensorflow/tfjs-core';
import { InputSpec, type LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import { checkNumber } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { type ParameterSettings, readParameters, settingsOfParameter } from './parameters.js';

/** The arguments of {@link PReLU}. */
export interface PreluArguments extends LayerArguments {
  /** What alpha begins with. Default: 'zeros'. */
  readonly alphaInitializer?: unknown;
  /** A penalty on alpha. Default: none. */
  readonly alphaRegularizer?: unknown;
  /** What alpha is held to after each step of training. Default: none. */
  readonly alphaConstraint?: unknown;
  /** Axes along which alpha is the same, counted from 1: the batch is 0. Default: none. */
  readonly sharedAxes?: number | readonly number[] | null;
}

/**
 * `x` above 0, `alpha·x` below, with a weight alpha of a sample's shape, of size 1 along `sharedAxes`. Takes
 * any shape. At 0 the gradient is 0, where TF.js' own has alpha.
 */
export class PReLU extends KerasLayer implements ParameterSettings<'alpha'> {
  static readonly className = 'PReLU';
  static override readonly settings = [...settingsOfParameter('alpha'), 'sharedAxes'];

  declare readonly alphaInitializer: Initializer;
  declare readonly alphaRegularizer: Regularizer | null;
  declare readonly alphaConstraint: Constraint | null;
  readonly sharedAxes: readonly number[] | null;
  private alpha: LayerVariable | null = null;

  constructor(args: PreluArguments = {}) {
    super(args);
    Object.assign(this, readParameters(args, { alpha: 'zeros' }));
    const axes = args.sharedAxes == null ? null : [args.sharedAxes].flat();
    for (const axis of axes ?? [])
      checkNumber('sharedAxes', axis, Number.isInteger, 'axes, which are integers');
    this.sharedAxes = axes;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = onlyShape(inputShape);
    const own = shape.slice(1);
    for (const axis of this.sharedAxes ?? []) {
      // Keras counts from the end of alpha, too.
      const along = axis > 0 ? axis - 1 : axis - 1 + own.length;
      if (own[along] === undefined) {
        throw new ValueError(
          `sharedAxes: expected axes of the input ${show(shape)} behind the batch, received ${axis}.`,
        );
      }
      own[along] = 1;
    }
    const open = own.indexOf(null);
    if (open >= 0) {
      throw new ValueError(
        `Layer ${show(this.name)}: axis ${open + 1} of its input ${show(shape)} is open. Fix its size, or share alpha along it.`,
      );
    }
    this.alpha = this.addParameter('alpha', 'alpha', own.map(Number));
    const axes = Object.fromEntries(
      shape.flatMap((size, axis) => (axis > 0 && own[axis - 1] !== 1 ? [[axis, size!]] : [])),
    );
    this.inputSpec = [new InputSpec({ ndim: shape.length, axes })];
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      return sub(relu(x), mul(this.alpha!.read(), relu(neg(x))));
    });
  }
}

/**
 * Makes a {@link PReLU}.
 *
 * @throws TypeError or ValueError for `sharedAxes` that are no integers, or an unknown initializer,
 * regularizer or constraint
 */
export const prelu = (args: PreluArguments = {}) => new PReLU(args);
