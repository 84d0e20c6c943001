/**
 * @file What a normalization does in inference: y = slope·x + intercept, per element of a sample, in float64; and how
 * that passes through layers that only move, join or average values.
 *
 * F(slope·x + intercept) = slope'·F(x) + intercept' holds exactly for what stands in the tables below, and for nothing
 * else that TF.js has.
 */
import { util } from '@tensorflow/tfjs-core';
import { type Layer, type LayerCall, channelDimension, isChannelsFirst } from '../model/graph.js';

/** One slope and intercept for each element of `shape`, which is a sample's, with 1 where they are the same. */
export interface Affine {
  readonly shape: readonly number[];
  readonly slope: Float64Array;
  readonly intercept: Float64Array;
  /** The largest distance of a moving mean from 0, in moving deviations. */
  readonly shift: number;
}

/** Thrown where an affine cannot pass or vanish; the message is the reason, as `fold` reports it. */
export class Obstacle extends Error {}

/** Which way an affine travels: to where its values come from, or to where they go. */
export type Direction = 'backward' | 'forward';

/** The same values for every element of a sample of `shape`. */
function spread({ shape, slope, intercept, shift }: Affine, full: readonly number[]): Affine {
  const size = util.sizeFromShape([...full]);
  const [spreadSlope, spreadIntercept] = [new Float64Array(size), new Float64Array(size)];
  const strides = stridesOf(shape);
  for (let i = 0; i < size; i++) {
    let [rest, from] = [i, 0];
    for (let d = full.length - 1; d >= 0; d--) {
      if (shape[d] !== 1) from += (rest % full[d]!) * strides[d]!;
      rest = Math.floor(rest / full[d]!);
    }
    spreadSlope[i] = slope[from]!;
    spreadIntercept[i] = intercept[from]!;
  }
  return { shape: full, slope: spreadSlope, intercept: spreadIntercept, shift };
}

const stridesOf = (shape: readonly number[]): number[] =>
  shape.map((_, i) => util.sizeFromShape([...shape.slice(i + 1)]));

/** The same affine, with 1 for every dimension along which nothing changes. */
function collapse(affine: Affine): Affine {
  return affine.shape.reduce((reduced, size, d) => {
    const stride = stridesOf(reduced.shape)[d]!;
    const start = (i: number) => Math.floor(i / (stride * size)) * stride * size + (i % stride);
    const isConstant = (numbers: Float64Array) => numbers.every((n, i) => n === numbers[start(i)]);
    if (size === 1 || !isConstant(reduced.slope) || !isConstant(reduced.intercept)) return reduced;
    const first = (_: number, i: number) => start(i) === i;
    return {
      ...reduced,
      shape: reduced.shape.with(d, 1),
      slope: reduced.slope.filter(first),
      intercept: reduced.intercept.filter(first),
    };
  }, affine);
}

/** The slopes and intercepts along one dimension of a sample; null where they differ along another, too. */
export function alongDimension(
  { shape, slope, intercept }: Affine,
  dimension: number,
  size: number,
): Pick<Affine, 'slope' | 'intercept'> | null {
  if (shape.some((s, d) => s !== 1 && d !== dimension)) return null;
  return shape[dimension] === size
    ? { slope, intercept }
    : {
        slope: new Float64Array(size).fill(slope[0]!),
        intercept: new Float64Array(size).fill(intercept[0]!),
      };
}

function permute(affine: Affine, order: readonly number[]): Affine {
  const shape = order.map((d) => affine.shape[d]!);
  const strides = stridesOf(affine.shape);
  const from = Int32Array.from(affine.slope, (_, i) => {
    let [rest, index] = [i, 0];
    for (let d = order.length - 1; d >= 0; d--) {
      index += (rest % shape[d]!) * strides[order[d]!]!;
      rest = Math.floor(rest / shape[d]!);
    }
    return index;
  });
  const take = (numbers: Float64Array) => numbers.map((_, i) => numbers[from[i]!]!);
  return { ...affine, shape, slope: take(affine.slope), intercept: take(affine.intercept) };
}

/** What an affine becomes on the other side of a layer. Throws an `Obstacle` where it does not get there. */
type Passage = (affine: Affine, call: LayerCall, direction: Direction) => Affine;

const unchanged: Passage = (affine) => affine;

/** A layer that mixes or drops positions but no channels. */
const alongChannels: Passage = (affine, { layer }) => {
  const channels = channelDimension(layer, affine.shape.length);
  if (affine.shape.every((size, d) => size === 1 || d === channels)) return affine;
  throw new Obstacle(`it has other parameters at other positions, which '${layer.name}' mixes`);
};

/** Of the whole: max(slope·x + intercept) = slope·max(x) + intercept where slope ≥ 0. */
const whereRising =
  (passage: Passage): Passage =>
  (affine, call, direction) => {
    if (affine.slope.every((slope) => slope >= 0)) return passage(affine, call, direction);
    throw new Obstacle(`a gamma is negative, and '${call.layer.name}' takes the largest value`);
  };

/** What is random in training only. */
const inInference: Passage = (affine, { layer, kwargs }) => {
  if (!kwargs.training) return affine;
  throw new Obstacle(`'${layer.name}' is called with training: true, and draws numbers`);
};

/** As above, and drops or mixes positions in inference. */
const alongChannelsInInference: Passage = (affine, call, direction) =>
  alongChannels(inInference(affine, call, direction), call, direction);

/** Zeros that are put around stay zeros only where nothing is added. */
const aroundZeros: Passage = (affine, call, direction) => {
  if (affine.intercept.every((intercept) => intercept === 0)) return alongChannels(affine, call, direction);
  throw new Obstacle(`'${call.layer.name}' pads with zeros, which the intercept would change`);
};

/** Averages over all positions, so that only channels are left; the dimensions stay where the layer says so. */
const overPositions: Passage = (affine, call, direction) => {
  if ('keepdims' in call.layer && call.layer.keepdims === true) return alongChannels(affine, call, direction);
  const rank = call.inputs[0]!.shape.length - 1;
  const channels = channelDimension(call.layer, rank);
  if (direction === 'forward') {
    const along = alongChannels(affine, call, direction);
    return { ...along, shape: [along.shape[channels]!] };
  }
  const shape = new Array<number>(rank).fill(1).with(channels, affine.shape[0]!);
  return { ...affine, shape };
};

/** Keeps the order of the elements and counts them by other sizes. */
function reshape(
  affine: Affine,
  input: readonly number[],
  output: readonly number[],
  direction: Direction,
): Affine {
  const [given, wanted] = direction === 'forward' ? [input, output] : [output, input];
  return collapse({ ...spread(affine, given), shape: wanted });
}

const reshaped: Passage = (affine, call, direction) => {
  const sizes = knownSizes(call);
  if (!sizes) throw new Obstacle(`the sizes that '${call.layer.name}' reshapes are not all known`);
  return reshape(affine, sizes.input, sizes.output, direction);
};

/** A sample's sizes before and after a reshape. TF.js leaves a size open that follows from the others. */
function knownSizes({ inputs, outputs }: LayerCall): { input: number[]; output: number[] } | null {
  const input = inputs[0]!.shape.slice(1);
  const output = outputs[0]!.shape.slice(1);
  if (!isKnown(input)) return null;
  const open = output.filter((size) => size === null).length;
  if (open > 1) return null;
  const rest = output.reduce<number>((product, size) => product * (size ?? 1), 1);
  return { input, output: output.map((size) => size ?? util.sizeFromShape(input) / rest) };
}

const isKnown = (sizes: readonly (number | null)[]): sizes is number[] =>
  sizes.every((size) => size !== null);

const flattened: Passage = (affine, call, direction) => {
  if (!isChannelsFirst(call.layer)) return reshaped(affine, call, direction);
  // TF.js moves the channels last before it flattens, and asks that all sizes be known.
  const input = call.inputs[0]!.shape.slice(1) as number[];
  const output = call.outputs[0]!.shape.slice(1) as number[];
  const order = [...input.keys()].slice(1).concat(0);
  const moved = order.map((d) => input[d]!);
  return direction === 'forward'
    ? reshape(permute(affine, order), moved, output, direction)
    : permute(reshape(affine, moved, output, direction), inverse(order));
};

const inverse = (order: readonly number[]): number[] => order.map((_, d) => order.indexOf(d));

const permuted: Passage = (affine, { layer }, direction) => {
  const { dims } = layer as Layer & { readonly dims: readonly number[] };
  const order = dims.map((d) => d - 1);
  return permute(affine, direction === 'forward' ? order : inverse(order));
};

const repeated: Passage = (affine, call, direction) => {
  if (direction === 'forward') return { ...affine, shape: [1, ...affine.shape] };
  const [steps, ...shape] = affine.shape;
  if (steps !== 1) throw new Obstacle(`its parameters differ between the steps of '${call.layer.name}'`);
  return { ...affine, shape };
};

const activated: Passage = (affine, { layer }) => {
  if (isLinear(layer)) return affine;
  throw new Obstacle(`'${layer.name}' (${activationOf(layer)}) is not linear`);
};

const alongRisingChannels = whereRising(alongChannels);
const risingOverPositions = whereRising(overPositions);

/** The layers of TF.js and of Keras that an affine passes in inference. */
const PASSAGES: Readonly<Record<string, Passage>> = {
  Identity: unchanged,
  ActivityRegularization: unchanged,
  Dropout: inInference,
  SpatialDropout1D: inInference,
  SpatialDropout2D: inInference,
  SpatialDropout3D: inInference,
  GaussianNoise: inInference,
  GaussianDropout: inInference,
  AlphaDropout: inInference,
  StochasticDepth: inInference,
  RandomFlip: inInference,
  RandomRotation: inInference,
  RandomTranslation: inInference,
  RandomZoom: inInference,
  RandomContrast: inInference,
  RandomBrightness: inInference,
  RandomCrop: alongChannelsInInference,
  RandomHeight: inInference,
  RandomWidth: inInference,
  Activation: activated,
  Flatten: flattened,
  Reshape: reshaped,
  Permute: permuted,
  RepeatVector: repeated,
  Cropping1D: alongChannels,
  Cropping2D: alongChannels,
  Cropping3D: alongChannels,
  CenterCrop: alongChannels,
  // Interpolations are sums whose weights add up to 1.
  UpSampling1D: alongChannels,
  UpSampling2D: alongChannels,
  UpSampling3D: alongChannels,
  ZeroPadding1D: aroundZeros,
  ZeroPadding2D: aroundZeros,
  ZeroPadding3D: aroundZeros,
  // Averages leave padding out of the count, so they pass an intercept at the borders too.
  AveragePooling1D: alongChannels,
  AveragePooling2D: alongChannels,
  AveragePooling3D: alongChannels,
  GlobalAveragePooling1D: overPositions,
  GlobalAveragePooling2D: overPositions,
  GlobalAveragePooling3D: overPositions,
  GlobalMaxPooling1D: risingOverPositions,
  GlobalMaxPooling2D: risingOverPositions,
  GlobalMaxPooling3D: risingOverPositions,
  MaxPooling1D: alongRisingChannels,
  MaxPooling2D: alongRisingChannels,
  MaxPooling3D: alongRisingChannels,
};

/**
 * What an affine behind a concatenation is for each of its inputs.
 *
 * @throws Obstacle where they are joined along the batch, or one stands there twice
 */
export function splitAmong(affine: Affine, { layer, inputs }: LayerCall): Affine[] {
  const rank = affine.shape.length + 1;
  const dimension = (((layer as Layer & { readonly axis: number }).axis + rank) % rank) - 1;
  if (dimension < 0) throw new Obstacle(`'${layer.name}' joins along the batch`);
  if (new Set(inputs).size < inputs.length) throw new Obstacle(`'${layer.name}' takes a tensor twice`);
  if (affine.shape[dimension] === 1) return inputs.map(() => affine);
  const stride = stridesOf(affine.shape)[dimension]!;
  let end = 0;
  return inputs.map(({ shape }) => {
    const size = shape[dimension + 1]!;
    const start = end;
    end += size;
    const isMine = (_: number, i: number) => {
      const index = Math.floor(i / stride) % affine.shape[dimension]!;
      return index >= start && index < start + size;
    };
    return {
      ...affine,
      shape: affine.shape.with(dimension, size),
      slope: affine.slope.filter(isMine),
      intercept: affine.intercept.filter(isMine),
    };
  });
}

/**
 * What an affine becomes on the other side of a layer; null for a layer that ends it.
 *
 * @throws Obstacle where the affine does not get there
 */
export function passThrough(affine: Affine, call: LayerCall, direction: Direction): Affine | null {
  const className = call.layer.getClassName();
  return Object.hasOwn(PASSAGES, className) ? PASSAGES[className]!(affine, call, direction) : null;
}

/** The name of a layer's activation. */
export const activationOf = (layer: Layer): string =>
  (layer as Layer & { readonly activation?: { getClassName(): string } | null }).activation?.getClassName() ??
  'linear';

export const isLinear = (layer: Layer): boolean => activationOf(layer) === 'linear';
