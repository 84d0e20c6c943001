/** @file Keras' Normalization. Source: tf-keras 2.18 `normalization.py`, Keras 3.15 `normalization.py`. */
import {
  type Tensor,
  add,
  cast,
  div,
  maximum,
  mul,
  reshape,
  sqrt,
  sub,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { type LayerVariable, initializers } from '@tensorflow/tfjs-layers';
import { show } from '../../text/show.js';
import { refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { checkFlag } from './checks.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';

/** A number, or numbers in lists of lists. */
export type Numbers = number | readonly Numbers[];

/** The arguments of {@link Normalization}. */
export interface NormalizationArguments extends LayerArguments {
  /** The axes that have a mean of their own each; null: one mean for all. Default -1. */
  axis?: number | readonly number[] | null;
  /** Together with `variance`, what to normalize by. Without them they are weights, with a count that is not used. */
  mean?: Numbers | null;
  /** Together with `mean`. */
  variance?: Numbers | null;
  /** Whether it takes back what the same layer without it does. Default: false. */
  invert?: boolean;
}

/** Keras' epsilon. */
const LEAST_DEVIATION = 1e-7;

/**
 * `y = (x − mean) / max(√variance, 1e-7)`, by statistics that training does not change. Takes any shape,
 * gives float32.
 */
export class Normalization extends KerasLayer {
  static readonly className = 'Normalization';
  static override readonly settings = ['axis', 'mean', 'variance', 'invert'];
  readonly axis: readonly number[];
  readonly mean: Numbers | null;
  readonly variance: Numbers | null;
  readonly invert: boolean;
  /** The axes in order, from the front, and the shape that fits the input. */
  #keptAxes: readonly number[] = [];
  #fitting: readonly number[] = [];
  #weights: readonly LayerVariable[] = [];

  constructor(args: NormalizationArguments) {
    super(args);
    const { axis = -1, mean = null, variance = null } = args;
    this.axis = axis === null ? [] : typeof axis === 'number' ? [axis] : axis;
    if (!Array.isArray(this.axis) || !this.axis.every(Number.isInteger))
      refuse(ValueError, 'axis', 'whole numbers or null', axis);
    if ((mean === null) !== (variance === null)) {
      throw new ValueError('mean and variance: give both of them, or neither.');
    }
    this.mean = checkNumbers('mean', mean);
    this.variance = checkNumbers('variance', variance);
    this.invert = checkFlag('invert', args.invert, false);
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = onlyShape(inputShape);
    this.#keptAxes = this.axis.map((axis) => (axis < 0 ? axis + shape.length : axis)).sort((a, b) => a - b);
    const sizes = this.#keptAxes.map((axis) => {
      const size = shape[axis];
      if (size == null) {
        throw new ValueError(
          `Layer ${show(this.name)}: its axis is ${show(this.axis)}, and the input's shape ${show(shape)} ` +
            `${axis in shape ? 'has no size' : 'has no axis'} there.`,
        );
      }
      return size;
    });
    this.#fitting = shape.map((size, axis) => (this.#keptAxes.includes(axis) ? size! : 1));
    if (this.mean === null) {
      const make = (name: string, of: number[], type: 'float32' | 'int32', initial: 'zeros' | 'ones') =>
        this.addWeight(name, of, type, initializers[initial](), undefined, false);
      this.#weights = [
        make('mean', sizes, 'float32', 'zeros'),
        make('variance', sizes, 'float32', 'ones'),
        make('count', [], 'int32', 'zeros'),
      ];
    } else {
      // Only to see that they fit: what a tidy returns would stay.
      tidy(() => {
        this.#constants();
      });
    }
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = cast(only(inputs), 'float32');
      const [mean, variance] = this.#statistics() as [Tensor, Tensor];
      const deviation = maximum(sqrt(variance), LEAST_DEVIATION);
      return this.invert ? add(mean, mul(x, deviation)) : div(sub(x, mean), deviation);
    });
  }

  /** Mean and variance, of a shape that fits the input. */
  #statistics(): Tensor[] {
    if (this.mean !== null) return this.#constants();
    return this.#weights.slice(0, 2).map((weight) => reshape(weight.read(), [...this.#fitting]));
  }

  /** The last of their axes go with the last of the layer's. */
  #constants(): Tensor[] {
    return [this.mean, this.variance].map((numbers) => {
      const given = tensor(numbers as number[]);
      const shape = this.#fitting.map(() => 1);
      given.shape.forEach((size, i) => {
        shape[this.#keptAxes.at(i - given.rank) ?? -1] = size;
      });
      const isFitting =
        given.rank <= this.#keptAxes.length &&
        shape.every((size, i) => size === 1 || size === this.#fitting[i]);
      if (isFitting) return reshape(given, shape);
      throw new ValueError(
        `Layer ${show(this.name)}: mean and variance of shape ${show(given.shape)} do not fit an input of ` +
          `${show(this.#fitting)} along axis ${show(this.axis)}.`,
      );
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return onlyShape(inputShape);
  }
}

function checkNumbers(name: string, value: unknown): Numbers | null {
  const isNumbers = (one: unknown): boolean =>
    typeof one === 'number' || (Array.isArray(one) && one.every(isNumbers));
  if (value !== null && !isNumbers(value))
    refuse(TypeError, name, 'a number, numbers in lists, or null', value);
  return value as Numbers | null;
}

/**
 * Makes a {@link Normalization}.
 *
 * @throws TypeError for a `mean` or `variance` of anything but numbers
 * @throws ValueError for one of them without the other, or an `axis` of anything but whole numbers
 */
export const normalization = (args: NormalizationArguments = {}) => new Normalization(args);
