/**
 * @file Calls the layer and the core, which shares no arithmetic with it and computes in float64, with the same numbers,
 * and says how far they are apart: outputs, gradients and the state that each step leaves behind.
 */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, type BatchNormalization, type RenormClipping } from 'evenkeel';
import {
  backward,
  forward,
  initialState,
  parameterShape,
  type BatchNormalizationOptions,
  type FloatArray,
  type State,
} from 'evenkeel/core';
import { largestDifference, numbers, sizeOf } from '../core/reference.js';

/** A layer, and how it is called. */
export interface Experiment {
  shape: number[];
  /** The arguments that the core knows too, under the same names. */
  options: BatchNormalizationOptions;
  /** For the layer in place of the numbers in `options`: tensors or variables. */
  renormClipping?: RenormClipping;
  /** The shapes of the adjustment's scale and bias. */
  adjustment?: readonly [number[], number[]] | null;
  /** One weight per element; `bool` ones are 0 or 1. */
  mask?: { shape: number[]; values: number[]; dtype: 'bool' | 'float32' } | null;
  dtype?: 'float32' | 'int32' | 'bool';
  training: boolean;
  trainable?: boolean;
  synchronized?: boolean;
  updateMovingStatistics?: boolean;
  /** How many times the layer is called, each time with other inputs. Default 1. */
  steps?: number;
  /** About the mean of float32 inputs, whose deviation is about 1.7. Default 2. */
  offset?: number;
  /** Which numbers are drawn. */
  seed: number;
}

/** By name: how far layer and core are apart, relative to the largest magnitude, which counts as at least 1. */
export type Errors = Record<string, number>;

/**
 * How far a float32 layer may be from the core. 2e-5 is what the golden cases allow against Keras. A gradient of x is the
 * difference of numbers that are up to 1/√epsilon times as large where a channel has few elements or hardly varies.
 */
const TOLERANCE = { values: 2e-5, gradients: 1e-4 };

const isGradient = (name: string) => name.startsWith('d');

/** The errors that are too large; empty where layer and core agree. */
export const disagreements = (errors: Errors): Errors =>
  Object.fromEntries(
    Object.entries(errors).filter(
      ([name, error]) => !(error <= (isGradient(name) ? TOLERANCE.gradients : TOLERANCE.values)),
    ),
  );

/** Distance of two arrays relative to the largest magnitude of the second, at least 1. */
export function relativeDistance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  const scale = Array.from(want).reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  return largestDifference(got, want) / scale;
}

/** Numbers in [-1, 1) that float32 holds exactly, so that layer and core start from the same ones. */
export const floats = (length: number, seed: number) =>
  Float64Array.from(Float32Array.from(numbers(length, seed)));

const POSITIVE = ['movingVariance', 'movingStddev', 'renormStddev'];

/** A state that is not the initial one: all values distinct, variances and deviations positive. */
export function drawState(options: BatchNormalizationOptions, shape: readonly number[], seed: number): State {
  const initial = Object.entries(initialState(options, shape)) as [string, FloatArray][];
  const entries = initial.map(([name, { length }], i) => {
    const values = floats(length, seed + i);
    return [name, POSITIVE.includes(name) ? values.map((value) => Math.fround(1.1 + value)) : values];
  });
  return Object.fromEntries(entries) as State;
}

export function drawInput(shape: readonly number[], dtype: string, seed: number, offset = 2): Float64Array {
  const values = floats(sizeOf(shape), seed);
  if (dtype === 'int32') return values.map((value) => Math.round(9 * value));
  if (dtype === 'bool') return values.map((value) => Number(value > 0));
  return values.map((value) => Math.fround(3 * value + offset));
}

/** A tensor of double precision numbers, which TF.js takes only as a plain array. */
export const toTensor = (
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: tf.DataType = 'float32',
) => tf.tensor(Array.from(values), [...shape], dtype);

/** The layer of an experiment, built by a first call, with the values of `state`. */
export function makeLayer(
  experiment: Experiment,
  state: State,
  adjustment: tf.Variable[] | null,
): BatchNormalization {
  const { shape, options, renormClipping, trainable = true, synchronized = false, dtype } = experiment;
  const form = parameterShape(options, shape);
  const weights = Object.values(state).map((values: FloatArray) => toTensor(values, form));
  const layer = layerBatchNormalization({
    ...options,
    ...(renormClipping && { renormClipping }),
    adjustment: adjustment && (() => [adjustment[0]!, adjustment[1]!]),
    ...{ weights, trainable, synchronized },
  });
  const first = tf.tidy(() => layer.apply(tf.zeros(shape, dtype)) as tf.Tensor);
  tf.dispose([first, ...weights]);
  return layer;
}

/** Runs the experiment in both. */
export function compareWithCore(experiment: Experiment): Errors {
  const { shape, options, mask = null, dtype = 'float32', seed, steps = 1 } = experiment;
  const { training, trainable = true, updateMovingStatistics = true } = experiment;
  const errors: Errors = {};
  const note = (name: string, got: ArrayLike<number>, want: ArrayLike<number>) => {
    errors[name] = Math.max(errors[name] ?? 0, relativeDistance(got, want));
  };
  let state = drawState(options, shape, seed);
  const adjusting = experiment.adjustment?.map((form, i) => ({
    values: floats(sizeOf(form), seed + 50 + i),
    shape: form,
  }));
  const variables = adjusting?.map(({ values, shape: form }) =>
    tf.tidy(() => tf.variable(toTensor(values, form))),
  );
  const layer = makeLayer(experiment, state, variables ?? null);
  // What has no part in the output has no gradient in TF.js: an adjustment in inference, anything where nothing came in.
  const isEmpty = sizeOf(shape) === 0;
  const watched: [string, tf.Tensor][] = [];
  if (layer.gamma && !isEmpty) watched.push(['dgamma', layer.gamma.read()]);
  if (layer.beta && !isEmpty) watched.push(['dbeta', layer.beta.read()]);
  if (variables && !isEmpty && training && trainable) {
    watched.push(['dscale', variables[0]!], ['dbias', variables[1]!]);
  }
  for (let step = 0; step < steps; step++) {
    const x = drawInput(shape, dtype, seed + 100 + step, experiment.offset);
    const dy = floats(x.length, seed + 200 + step);
    const core = forward({ values: x, shape }, state, options, {
      ...{ training, trainable, updateMovingStatistics, mask },
      adjustment: adjusting ? { scale: adjusting[0]!, bias: adjusting[1]! } : null,
    });
    const gradients = backward(dy, core.saved);
    tf.tidy(() => {
      const input = toTensor(x, shape, dtype);
      const call = {
        ...{ training, updateMovingStatistics },
        mask: mask && toTensor(mask.values, mask.shape, mask.dtype),
      };
      const ofInput: [string, tf.Tensor][] = dtype === 'float32' ? [['dx', input]] : [];
      const all = [...ofInput, ...watched];
      const run = (given?: tf.Tensor) => layer.apply(given ?? input, call) as tf.Tensor;
      if (all.length === 0) {
        note('y', run().dataSync(), core.y);
        return;
      }
      const { value, grads } = tf.valueAndGrads((...tensors) =>
        run(dtype === 'float32' ? tensors[0] : input),
      )(
        all.map(([, tensor]) => tensor),
        toTensor(dy, shape),
      );
      note('y', value.dataSync(), core.y);
      all.forEach(([name], i) => {
        note(name, grads[i]!.dataSync(), gradients[name as keyof typeof gradients] ?? []);
      });
    });
    ({ state } = core);
    Object.entries(state).forEach(([name, values], i) => {
      note(name, layer.weights[i]!.read().dataSync(), values as FloatArray);
    });
  }
  layer.dispose();
  tf.dispose(variables ?? []);
  return errors;
}
