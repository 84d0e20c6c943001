/**
 * @file The layers that compute y = slope·x + intercept in inference, element by element, and so can vanish into others:
 * batch normalization, and Keras' Normalization, Rescaling and LayerScale.
 */
import { util } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { type Layer, type LayerCall, type NormalizationLayer, isTimeDistributed } from '../model/graph.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';
import { type Affine, Obstacle } from './fold-affine.js';

/** The layer that computes in a call: the one in a TimeDistributed, which is called for each step. */
export const computingLayer = ({ layer }: LayerCall): Layer =>
  isTimeDistributed(layer) ? layer.layer : layer;

type Reader = (layer: Layer, call: LayerCall) => Promise<Affine>;

/** slope = gamma / √(moving variance + epsilon), intercept = beta − moving mean · slope. */
const ofBatchNormalization: Reader = async (layer, call) => {
  const { axis, gamma, beta, movingMean, movingVariance, epsilon } = layer as NormalizationLayer;
  const shape = shapeAlong([axis].flat(), layer, call);
  const [mean, variance] = await Promise.all([movingMean, movingVariance].map(valuesOf));
  const [slopes, intercepts] = await Promise.all(
    [gamma, beta].map((weight) => (weight ? valuesOf(weight) : Promise.resolve(null))),
  );
  const deviation = variance!.map((v) => Math.sqrt(v + epsilon));
  const slope = deviation.map((d, i) => (slopes ? slopes[i]! : 1) / d);
  const intercept = slope.map((s, i) => (intercepts ? intercepts[i]! : 0) - mean![i]! * s);
  return { shape, slope, intercept, shift: largestShift(mean!, deviation, slope) };
};

/** Where a slope is 0, no digits are lost. */
const largestShift = (mean: Float64Array, deviation: Float64Array, slope: Float64Array): number =>
  mean.reduce((most, m, i) => (slope[i] === 0 ? most : Math.max(most, Math.abs(m) / deviation[i]!)), 0);

/** Keras' smallest deviation. */
const LEAST_DEVIATION = 1e-7;

type Numbers = number | readonly Numbers[];

/** y = (x − mean) / max(√variance, 1e-7), or back. The statistics are settings, or weights that come first. */
const ofKerasNormalization: Reader = async (layer, call) => {
  const { axis, mean, variance, invert } = layer as Layer & {
    readonly axis: readonly number[];
    readonly mean: Numbers | null;
    readonly variance: Numbers | null;
    readonly invert: boolean;
  };
  const shape = shapeAlong(axis, layer, call);
  const size = util.sizeFromShape(shape);
  const statistics = await Promise.all(
    [mean, variance].map((given, i) =>
      given === null ? valuesOf(ownWeightsOf(layer)[i]!) : Promise.resolve(repeated(flat(given), size)),
    ),
  );
  const [means, variances] = statistics as [Float64Array, Float64Array];
  const deviation = variances.map((v) => Math.max(Math.sqrt(v), LEAST_DEVIATION));
  if (invert) return { shape, slope: deviation, intercept: means, shift: 0 };
  const slope = deviation.map((d) => 1 / d);
  const intercept = means.map((m, i) => -m / deviation[i]!);
  return { shape, slope, intercept, shift: largestShift(means, deviation, slope) };
};

const flat = (numbers: Numbers): number[] => [numbers].flat(Infinity as 1) as number[];

function repeated(numbers: readonly number[], size: number): Float64Array {
  if (numbers.length === size) return Float64Array.from(numbers);
  if (numbers.length === 1) return new Float64Array(size).fill(numbers[0]!);
  throw new Obstacle(`its ${numbers.length} numbers stand for ${size}`);
}

/** y = scale·x + offset, each a number or one for each channel. */
const ofRescaling: Reader = (layer, call) => {
  const { scale, offset } = layer as Layer & { readonly scale: Numbers; readonly offset: Numbers };
  const size = Math.max(flat(scale).length, flat(offset).length);
  return Promise.resolve({
    shape: size === 1 ? sampleOf(call).map(() => 1) : shapeAlong([-1], layer, call),
    slope: repeated(flat(scale), size),
    intercept: repeated(flat(offset), size),
    shift: 0,
  });
};

/** y = gamma·x. */
const ofLayerScale: Reader = async (layer, call) => {
  const slope = await valuesOf(ownWeightsOf(layer)[0]!);
  return {
    shape: slope.length === 1 ? sampleOf(call).map(() => 1) : shapeAlong([-1], layer, call),
    slope,
    intercept: new Float64Array(slope.length),
    shift: 0,
  };
};

const AFFINE: Readonly<Record<string, Reader>> = {
  BatchNormalization: ofBatchNormalization,
  Normalization: ofKerasNormalization,
  Rescaling: ofRescaling,
  LayerScale: ofLayerScale,
};

/** Whether layers of a class compute slope·x + intercept in inference. */
export const isAffineLayer = (layer: Layer): boolean => Object.hasOwn(AFFINE, layer.getClassName());

/**
 * What such a layer computes for a sample.
 *
 * @param call of the layer, or of the TimeDistributed around it
 * @throws Obstacle where that is not the same for every sample, or not finite
 */
export async function affineOf(layer: Layer, call: LayerCall): Promise<Affine> {
  if (call.inputs[0]!.dtype !== 'float32') throw new Obstacle('it makes other numbers of whole ones');
  const affine = await AFFINE[layer.getClassName()]!(layer, call);
  const isFinite = [affine.slope, affine.intercept].every((numbers) =>
    numbers.every((n) => Number.isFinite(Math.fround(n))),
  );
  if (isFinite) return affine;
  throw new Obstacle('its weights or statistics are not finite, or a variance is below −epsilon');
}

const sampleOf = ({ inputs }: LayerCall): (number | null)[] => inputs[0]!.shape.slice(1);

/** A sample's sizes along the axes of a layer, and 1 along all others. */
function shapeAlong(axes: readonly number[], layer: Layer, call: LayerCall): number[] {
  const around = call.layer === layer ? 0 : 1;
  const sizes = sampleOf(call);
  const rank = sizes.length + 1 - around;
  const fromFront = axes.map((axis) => (axis + rank) % rank);
  if (fromFront.includes(0)) throw new Obstacle('it normalizes along the batch');
  return sizes.map((size, i) => (fromFront.includes(i + 1 - around) ? size! : 1));
}

const valuesOf = async (weight: LayerVariable): Promise<Float64Array> =>
  Float64Array.from(await weight.read().data<'float32'>());
