/**
 * @file Second derivatives by everything that the layer's output depends on, against differences of the first derivatives
 * that the core computes in float64. Also of ranks, each with a part of the batch.
 */
import * as tf from '@tensorflow/tfjs';
import { backward, forward, type BatchNormalizationOptions } from 'evenkeel/core';
import { check } from '../check.js';
import { sizeOf } from '../core/reference.js';
import {
  drawInput,
  drawState,
  floats,
  makeLayer,
  relativeDistance,
  toTensor,
} from '../properties/layer-and-core.js';

/** By names: x, gamma, beta, and scale and bias of an adjustment, where they are there. */
type Values = Record<string, ArrayLike<number>>;

/** Far enough for float64 to see a difference, near enough for it to be the derivative: the error is about its square. */
const DISTANCE = 1e-5;

/** How far second derivatives in float32 may be off, relative to the largest of them. */
export const TOLERANCE = 1e-4;

export interface Call {
  options?: BatchNormalizationOptions;
  shape: number[];
  training?: boolean;
  /** The shape of a mask, with weights of 0, some of 0.5 and some of 2. */
  mask?: number[];
  /** The shapes of scale and bias. */
  adjustment?: readonly [number[], number[]];
}

// The r and d of renorm are constants to the gradient, so differences must not see them change: both are at their limits.
const CLIPPED = { renorm: true, renormClipping: { rmax: 0.9, rmin: 0.9, dmax: 0.1 } };
export const CALLS: [string, Call][] = [
  ['in training', { shape: [5, 3] }],
  ['in inference', { shape: [5, 3], training: false }],
  ['without scale', { options: { scale: false }, shape: [5, 3] }],
  ['without center', { options: { center: false }, shape: [5, 3] }],
  ['without both', { options: { scale: false, center: false }, shape: [5, 3] }],
  [
    'without both, in inference',
    { options: { scale: false, center: false }, shape: [5, 3], training: false },
  ],
  ['along axis 1', { options: { axis: 1 }, shape: [2, 3, 2, 2] }],
  ['along axis 1, in inference', { options: { axis: 1 }, shape: [2, 3, 2, 2], training: false }],
  ['along the first axis', { options: { axis: 0 }, shape: [3, 4] }],
  ['along the last axis of rank 4', { shape: [2, 2, 2, 3] }],
  ['along two axes', { options: { axis: [0, 2] }, shape: [2, 5, 3] }],
  ['along two axes, in inference', { options: { axis: [0, 2] }, shape: [2, 5, 3], training: false }],
  ['along axis 1 of rank 5', { options: { axis: 1 }, shape: [2, 2, 2, 1, 3] }],
  ['along transposed axes', { options: { axis: [0, 2, 4] }, shape: [2, 3, 2, 2, 2] }],
  ['along transposed axes of rank 6', { options: { axis: [1, 3, 5] }, shape: [2, 2, 2, 1, 2, 2] }],
  ['at rank 6, in inference', { options: { axis: [1, 5] }, shape: [2, 2, 2, 1, 2, 2], training: false }],
  ['with ghost batches', { options: { virtualBatchSize: 3 }, shape: [6, 2] }],
  ['with ghost batches along axis 1', { options: { virtualBatchSize: 2, axis: 1 }, shape: [4, 2, 3] }],
  [
    'with ghost batches along two axes',
    { options: { virtualBatchSize: 3, axis: [1, 3] }, shape: [6, 2, 2, 2] },
  ],
  [
    'with ghost batches along transposed axes',
    { options: { virtualBatchSize: 3, axis: [2, 4] }, shape: [6, 1, 2, 2, 2] },
  ],
  ['with renorm', { options: CLIPPED, shape: [5, 2] }],
  ['with renorm and ghost batches', { options: { ...CLIPPED, virtualBatchSize: 3 }, shape: [6, 2] }],
  ['with renorm, in inference', { options: CLIPPED, shape: [5, 2], training: false }],
  ['with a mask', { shape: [3, 2, 2], mask: [3, 2] }],
  ['with a mask of dimensions of 1', { shape: [4, 2, 2], mask: [4, 1] }],
  ['with a mask across channels', { options: { axis: 1 }, shape: [3, 2, 2], mask: [3, 2] }],
  [
    'with a mask and transposed axes',
    { options: { axis: [0, 2, 4] }, shape: [2, 3, 2, 2, 2], mask: [2, 3, 2, 2] },
  ],
  ['with a mask and renorm', { options: CLIPPED, shape: [3, 2, 2], mask: [3, 2] }],
  ['with a mask of whole channels', { options: { axis: 0 }, shape: [3, 2, 3], mask: [3, 1] }],
  ['with an adjustment', { shape: [5, 3], adjustment: [[3], []] }],
  ['with an adjustment and no gamma', { options: { scale: false }, shape: [5, 3], adjustment: [[], [3]] }],
  [
    'with an adjustment of rank 4',
    {
      options: { axis: 1 },
      shape: [2, 3, 2, 2],
      adjustment: [
        [3, 1, 1],
        [1, 3, 1, 1],
      ],
    },
  ],
  ['with an adjustment and a mask', { shape: [2, 2, 2, 2], mask: [2, 2, 2], adjustment: [[2], [2]] }],
  [
    'with an adjustment that varies',
    {
      shape: [5, 3],
      adjustment: [
        [5, 1],
        [5, 3],
      ],
    },
  ],
  [
    'with a scale that varies',
    { options: { axis: 1 }, shape: [2, 3, 2, 2], adjustment: [[2, 1, 2, 1], [1]] },
  ],
  ['with a bias that varies', { shape: [6, 2], adjustment: [[2], [6, 1]] }],
  [
    'with an adjustment that varies, and a mask',
    {
      shape: [3, 2, 2],
      mask: [3, 2],
      adjustment: [
        [2, 1],
        [3, 2, 2],
      ],
    },
  ],
];

/** Which rows of the batch a rank has. */
export interface Rows {
  readonly first: number;
  readonly end: number;
}

/**
 * The loss is L = Σ c·y³. What is differentiated is P = Σ v·∂L/∂s over all s that y depends on, with c and v drawn: in
 * the core, and in the layer.
 */
export function setUp({ options = {}, shape, training = true, mask: maskShape, adjustment: forms }: Call) {
  const state = drawState(options, shape, 31);
  const sources: Record<string, Float64Array> = { x: drawInput(shape, 'float32', 21) };
  if (state.gamma) sources.gamma = Float64Array.from(state.gamma);
  if (state.beta) sources.beta = Float64Array.from(state.beta);
  forms?.forEach((form, i) => (sources[ADJUSTMENT[i]!] = floats(sizeOf(form), 51 + i)));
  const factors = floats(sizeOf(shape), 41);
  const directions = Object.values(sources).map(({ length }, i) => floats(length, 60 + i));
  const weights = [1, 0, 1, 0.5, 2];
  const mask = maskShape && {
    values: Array.from({ length: sizeOf(maskShape) }, (_, i) => weights[i % weights.length]!),
    shape: maskShape,
    dtype: 'float32' as const,
  };

  const projectedInCore = ({ x, gamma, beta, ...others }: typeof sources): number => {
    const [scale, bias] = ADJUSTMENT.map((name, i) => ({ values: others[name]!, shape: forms?.[i] ?? [] }));
    const given = { ...state, ...(gamma && { gamma }), ...(beta && { beta }) };
    const adjustment = forms ? { scale: scale!, bias: bias! } : null;
    const { y, saved } = forward({ values: x!, shape }, given, options, {
      ...{ training, adjustment },
      mask: mask ?? null,
    });
    const dy = y.map((value, i) => 3 * factors[i]! * value ** 2);
    const gradients = backward(dy, saved) as unknown as Values;
    const products = Object.keys(sources).map((name, s) =>
      directions[s]!.map((v, i) => v * gradients[`d${name}`]![i]!).reduce((sum, product) => sum + product, 0),
    );
    return products.reduce((sum, product) => sum + product, 0);
  };

  const inLayer = async (
    fused: boolean | null,
    { rows, ...more }: { rows?: Rows; synchronized?: boolean } = {},
  ): Promise<Values> => {
    const toPart = (values: ArrayLike<number>, form: number[]) => {
      if (!rows || !isPerSample(form, shape)) return toTensor(values, form);
      const { first, end } = rows;
      const row = sizeOf(form) / form[0]!;
      return toTensor(Array.from(values).slice(first * row, end * row), [end - first, ...form.slice(1)]);
    };
    const variables =
      forms?.map((form, i) => tf.tidy(() => tf.variable(toPart(sources[ADJUSTMENT[i]!]!, form)))) ?? null;
    const experiment = { options: { ...options, fused }, shape, training, seed: 0, ...more };
    const layer = makeLayer(experiment, state, variables);
    const call = {
      ...{ training, updateMovingStatistics: false },
      mask: mask && toPart(mask.values, mask.shape),
    };
    const parameters = [layer.gamma, layer.beta].flatMap((weight) => (weight ? [weight.read()] : []));
    const given = [toPart(sources.x!, shape), ...parameters, ...(variables ?? [])];
    const wholeForms = [shape, ...parameters.map((parameter) => parameter.shape), ...(forms ?? [])];
    const loss = (x: tf.Tensor) =>
      tf.sum(tf.mul(toPart(factors, shape), tf.pow(layer.apply(x, call) as tf.Tensor, 3)));
    const projected = (...at: tf.Tensor[]) =>
      tf.addN(
        gradientsOf(loss, at).map((gradient, i) =>
          tf.sum(tf.mul(gradient, toPart(directions[i]!, wholeForms[i]!))),
        ),
      );
    const seconds = await Promise.all(gradientsOf(projected, given).map((second) => second.data()));
    layer.dispose();
    tf.dispose(variables ?? []);
    return Object.fromEntries(Object.keys(sources).map((name, i) => [name, seconds[i]!]));
  };

  /** By differences. */
  const exact = (): Values => {
    const nudged = (name: string, i: number, by: number) =>
      projectedInCore({
        ...sources,
        [name]: sources[name]!.map((value, j) => (i === j ? value + by : value)),
      });
    const differences = Object.entries(sources).map(([name, values]) => [
      name,
      values.map((_, i) => (nudged(name, i, DISTANCE) - nudged(name, i, -DISTANCE)) / (2 * DISTANCE)),
    ]);
    return Object.fromEntries(differences) as Values;
  };
  return { exact, inLayer };
}

const ADJUSTMENT = ['scale', 'bias'];

/** Whether a tensor has numbers of its own for each sample of an input. */
export const isPerSample = (form: readonly number[], [batch, ...rest]: readonly number[]): boolean =>
  batch! > 1 && form[0] === batch && form.length >= rest.length;

/** `tf.grads` for functions that look at their first argument only. */
export const gradientsOf = (f: (...at: tf.Tensor[]) => tf.Tensor, at: tf.Tensor[]): tf.Tensor[] =>
  tf.grads(f)(at);

/** Compares the second derivatives of the layer, by its kernels and by TF.js' operations, with differences. */
export async function checkSecondDerivatives(call: Call): Promise<void> {
  const { exact, inLayer } = setUp(call);
  const found = { kernels: await inLayer(null), operations: await inLayer(false) };
  for (const [name, want] of Object.entries(exact())) {
    for (const [by, got] of Object.entries(found)) {
      const distance = relativeDistance(got[name]!, want);
      check(distance < TOLERANCE, `of ${name}, by ${by}: off by ${distance}`);
    }
  }
}
