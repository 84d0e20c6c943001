/** @file Keras' EinsumDense. Source: tf-keras 2.18 `layers/core/einsum_dense.py`. */
import { type Tensor, add, tidy } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint, Initializer, Regularizer } from '../../layer/keras-objects.js';
import { refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type Activation, resolveActivation } from '../activations.js';
import { checkSize } from './checks.js';
import { type Equation, contract, readEquation } from './contraction.js';
import { KerasLayer, type LayerArguments, type Shape } from './keras-layer.js';
import {
  type ParameterArguments,
  type ParameterSettings,
  readParameters,
  settingsOfParameter,
} from './parameters.js';

const DENSE_PARAMETERS = { kernel: 'glorotUniform', bias: 'zeros' } as const;
type Parameter = keyof typeof DENSE_PARAMETERS;

/** The settings of a kernel and a bias. */
export const DENSE_SETTINGS = [...settingsOfParameter('kernel'), ...settingsOfParameter('bias')];

/** The arguments of {@link EinsumDense}. */
export interface EinsumDenseArguments extends LayerArguments, ParameterArguments<Parameter> {
  /** Of the input and the kernel: `'abc,cd->abd'`. */
  equation: string;
  /** Without the batch, and without what the three dots of the equation stand for. */
  outputShape: number | (number | null)[];
  /** Of the result, with the bias. Default: none. */
  activation?: string | Activation | null;
  /** The letters of the output that the bias has. Default: no bias. */
  biasAxes?: string | null;
}

/**
 * `activation(einsum(equation, x, kernel) + bias)`. The letters of the equation say the shapes: with
 * `'abc,cd->abd'`, `[a, b, c]` becomes `[a, b, d]`. Weights: kernel, and bias where there are `biasAxes`.
 */
export class EinsumDense extends KerasLayer implements ParameterSettings<Parameter> {
  static readonly className = 'EinsumDense';
  static override readonly settings = [
    'equation',
    'outputShape',
    'activation',
    'biasAxes',
    ...DENSE_SETTINGS,
  ];
  readonly equation: string;
  readonly activation: Activation;
  readonly biasAxes: string | null;
  declare readonly kernelInitializer: Initializer;
  declare readonly kernelRegularizer: Regularizer | null;
  declare readonly kernelConstraint: Constraint | null;
  declare readonly biasInitializer: Initializer;
  declare readonly biasRegularizer: Regularizer | null;
  declare readonly biasConstraint: Constraint | null;
  /** TF.js has a property of the name of the setting. */
  readonly #given: readonly (number | null)[];
  #kernel!: LayerVariable;
  #bias: LayerVariable | null = null;

  constructor(args: EinsumDenseArguments) {
    super(args);
    this.supportsMasking = false;
    if (typeof args.equation !== 'string')
      refuse(TypeError, 'equation', "one such as 'abc,cd->abd'", args.equation);
    this.equation = args.equation;
    this.#given = [args.outputShape]
      .flat()
      .map((size) => (size === null ? null : checkSize('outputShape', size)));
    this.activation = resolveActivation('activation', args.activation);
    this.biasAxes = args.biasAxes ?? null;
    Object.assign(this, readParameters(args, DENSE_PARAMETERS));
  }

  override build(inputShape: Shape): void {
    const equation = readEquation(this.equation, inputShape.length);
    const sizes = this.#sizes(equation, inputShape);
    const known = (letter: string): number => {
      const size = sizes.get(letter) ?? null;
      if (size !== null) return size;
      throw new ValueError(`Layer ${show(this.name)}: the size of ${show(letter)} in its equation is open.`);
    };
    this.#kernel = this.addParameter('kernel', 'kernel', Array.from(equation.right).map(known));
    const axes = this.biasAxes;
    if (axes !== null) {
      const first = Math.min(...Array.from(axes).map((letter) => equation.output.indexOf(letter)));
      if (first < 0) refuse(ValueError, 'biasAxes', `letters of ${show(equation.output)}`, axes);
      const shape = Array.from(equation.output.slice(first)).map((letter) =>
        axes.includes(letter) ? known(letter) : 1,
      );
      this.#bias = this.addParameter('bias', 'bias', shape);
    }
    this.built = true;
  }

  /** The size of each letter. */
  #sizes({ left, output }: Equation, inputShape: Shape): Map<string, number | null> {
    const sizes = new Map(Array.from(left).map((letter, i) => [letter, inputShape[i]!]));
    const dots = /^([^,]*),.*->(.*)$/.exec(this.equation.replaceAll(' ', ''))!;
    const elided = left.length - dots[1]!.replace('...', '').length;
    const others = elided > 0 ? left.slice(dots[1]!.startsWith('...') ? 0 : -elided) : '';
    // The batch is the first letter, whether dots stand for it or not.
    const stated = Array.from(output)
      .slice(1)
      .filter((letter) => !others.includes(letter));
    if (stated.length !== this.#given.length) {
      refuse(ValueError, 'outputShape', `${stated.length} sizes, as ${show(this.equation)} has`, this.#given);
    }
    stated.forEach((letter, i) => {
      if (!left.includes(letter)) sizes.set(letter, this.#given[i]!);
    });
    return sizes;
  }

  override computeOutputShape(inputShape: Shape): Shape {
    const equation = readEquation(this.equation, inputShape.length);
    const sizes = this.#sizes(equation, inputShape);
    return Array.from(equation.output).map((letter) => sizes.get(letter) ?? null);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = [inputs].flat()[0]!;
      const y = contract(readEquation(this.equation, x.rank), x, this.#kernel.read());
      return this.activation.apply(this.#bias ? add(y, this.#bias.read()) : y);
    });
  }

  protected override settingNamed(name: string): unknown {
    return name === 'outputShape' ? [...this.#given] : super.settingNamed(name);
  }
}

/**
 * Makes an {@link EinsumDense}. The equation itself is read when the layer is built.
 *
 * @throws TypeError or ValueError for an `equation` that is no string, or an `outputShape` with what is no
 * positive integer
 */
export const einsumDense = (args: EinsumDenseArguments) => new EinsumDense(args);
