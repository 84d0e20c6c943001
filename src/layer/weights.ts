/** @file The layer's weights: which there are, in Keras' order, and the values that a user gives them. */
import { Tensor, cast, reshape, sqrt, tensor, tidy, util } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { checkUndisposed } from '../text/refusal.js';
import { show, isTensor } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import type { Options, ResolvedArguments } from './arguments.js';
import type { Constraint, Initializer, Regularizer } from './keras-objects.js';

/** The weights of a layer that is built; null where the options have none. */
export interface Weights {
  /** What the normalized input is multiplied by; null where `scale` is off. */
  gamma: LayerVariable | null;
  /** What is added to it; null where `center` is off. */
  beta: LayerVariable | null;
  /** The mean that inference uses. */
  movingMean: LayerVariable;
  /** The variance that inference uses. */
  movingVariance: LayerVariable;
  /** With `renorm`: the deviation whose square becomes the moving variance. */
  movingStddev: LayerVariable | null;
  /** With `renorm`: the mean that training compares the batch's with. */
  renormMean: LayerVariable | null;
  /** With `renorm`: the deviation that training compares the batch's with. */
  renormStddev: LayerVariable | null;
}

/** What a weight is made of. */
export interface WeightSpecification {
  readonly property: keyof Weights;
  /** Keras' name. */
  readonly name: string;
  readonly shape: number[];
  readonly initializer: Pick<Initializer, 'apply'>;
  /** Of gamma and beta; the statistics are moved by the layer itself. */
  readonly isTrained: boolean;
  readonly regularizer: Regularizer | null;
  readonly constraint: Constraint | null;
}

/** Every weight that the options ask for. */
export function weightSpecifications(options: Options, shape: number[]): WeightSpecification[] {
  const { movingMeanInitializer: mean, movingVarianceInitializer: variance } = options;
  const deviation: Pick<Initializer, 'apply'> = {
    // As a vector: on webgpu TF.js (4.22) has no root at rank 7, which ghost batches of rank 6 have.
    apply: (...to) =>
      tidy(() => {
        const values = variance.apply(...to);
        return reshape(sqrt(reshape(values, [values.size])), values.shape);
      }),
  };
  const statistic = (
    property: keyof Weights,
    name: string,
    initializer: Pick<Initializer, 'apply'>,
  ): WeightSpecification => ({
    property,
    name,
    shape,
    initializer,
    isTrained: false,
    regularizer: null,
    constraint: null,
  });
  const parameter = (name: 'gamma' | 'beta'): WeightSpecification => ({
    ...statistic(name, name, options[`${name}Initializer`]),
    isTrained: true,
    regularizer: options[`${name}Regularizer`],
    constraint: options[`${name}Constraint`],
  });
  const renorm = [
    statistic('movingStddev', 'moving_stddev', deviation),
    statistic('renormMean', 'renorm_mean', mean),
    statistic('renormStddev', 'renorm_stddev', deviation),
  ];
  return [
    ...(options.scale ? [parameter('gamma')] : []),
    ...(options.center ? [parameter('beta')] : []),
    statistic('movingMean', 'moving_mean', mean),
    statistic('movingVariance', 'moving_variance', variance),
    ...(options.renorm ? renorm : []),
  ];
}

const showExpected = (weights: readonly WeightSpecification[]) =>
  weights.map(({ name, shape }) => `${name} ${show(shape)}`).join(', ');

/**
 * Refuses what `setWeights` is given and does not fit.
 *
 * @param layerName for the message
 * @throws ValueError where the number of weights or a shape is not the layer's
 */
export function checkWeights(
  layerName: string,
  weights: readonly Tensor[],
  expected: readonly WeightSpecification[],
): void {
  if (
    weights.length === expected.length &&
    weights.every((weight, i) => util.arraysEqual(weight.shape, expected[i]!.shape))
  ) {
    weights.forEach((weight, i) => {
      checkUndisposed(() => `Layer ${show(layerName)}: ${expected[i]!.name}`, weight);
    });
    return;
  }
  const received = weights.map((weight) => show(weight.shape)).join(', ');
  throw new ValueError(
    `Layer '${layerName}': expected ${expected.length} weights (${showExpected(expected)}), received ` +
      `${weights.length}${received && ` (${received})`}.`,
  );
}

/**
 * The argument `weights` as tensors of the shapes that the layer has. Values stand in Keras' order; a list of numbers
 * or a typed array may be flat.
 *
 * @throws ValueError where the number of weights or a shape does not fit
 */
export function initialWeights(
  weights: NonNullable<ResolvedArguments['weights']>,
  expected: readonly WeightSpecification[],
): Tensor[] {
  if (weights.length !== expected.length) {
    throw new ValueError(
      `weights: expected ${expected.length} (${showExpected(expected)}), received ${weights.length}.`,
    );
  }
  return expected.map(({ name, shape }, i) => {
    const value = weights[i]!;
    const received = shapeOf(value);
    const isFlat = received?.length === 1;
    if (
      !received ||
      (isFlat ? received[0] !== util.sizeFromShape(shape) : !util.arraysEqual(received, shape))
    ) {
      throw new ValueError(
        `weights: ${name} has shape ${show(shape)}, received ` +
          `${received ? `values of shape ${show(received)}` : show(value)}. Expected are ${showExpected(expected)}.`,
      );
    }
    if (value instanceof Tensor) checkUndisposed(() => `weights: ${name}`, value);
    if (value instanceof Tensor) return cast(reshape(value, shape), 'float32');
    // TF.js knows three typed arrays, and Float64Array is none of them.
    const numbers = ArrayBuffer.isView(value) ? Float32Array.from(value) : (value as number[]);
    return tensor(numbers, shape, 'float32');
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
