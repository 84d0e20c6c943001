/**
 * @file Convolutions on the cpu backend, and their gradients, as matrix products by the kernels' module.
 *
 * TF.js 4.22 computes them one number at a time, in JavaScript, and the filter's gradient by calls that spread their
 * arguments. On one core of an AMD EPYC, for filters of 3×3:
 *
 *   x → channels             convolution       gradient of x     of the filter
 *   32×32×32×32 → 32         632 → 14 ms       403 → 15 ms       37 s → 15 ms
 *   32×16×16×64 → 64         524 → 13 ms       368 → 13 ms       36 s → 14 ms
 *   32×32×32×32 → 64 by 2    283 → 7 ms        211 → 7 ms        19 s → 7 ms
 *
 * A training step of a network of five of them takes under a second instead of two minutes. It can go when TF.js' cpu
 * backend has such kernels.
 */
import type { TensorInfo, backend_util } from '@tensorflow/tfjs-core';
import { type Conv2DAttributes, conv2DInfo } from '../conv2d-info.js';
import { type Block, copyBlock } from './product-memory.js';
import { type Call, type Computed, valuesOf } from './calls.js';
import { type Part, type Patches, placeOf, productsOf } from './patches.js';
import { groupsOfInput, groupsOfOutput } from './taps.js';

type Shape4D = [number, number, number, number];

/** Multiplications from which on the module is faster; for the filter's gradient it always is. */
const ENOUGH_WORK = 2 ** 13;

/** `Conv2D`; this and the others give null for what is left to TF.js. */
export function convolution(call: Call): Computed | null {
  const [x, filter] = [call.inputs.x as TensorInfo, call.inputs.filter as TensorInfo];
  const info = infoOf(x.shape, filter.shape, call.attrs as unknown as Conv2DAttributes);
  const values = info && convolve(patchesOfOutput(info), valuesOf(call, x), valuesOf(call, filter));
  return values && { shape: info.outShape, values };
}

/** `Conv2DBackpropInput`: dy under the filter, turned. */
export function inputGradient(call: Call): Computed | null {
  const [dy, filter] = [call.inputs.dy as TensorInfo, call.inputs.filter as TensorInfo];
  const attributes = call.attrs as unknown as Conv2DAttributes & { inputShape: Shape4D };
  const { inputShape: shape } = attributes;
  const info = infoOf(shape, filter.shape, attributes);
  const values = info && convolve(patchesOfInput(info), valuesOf(call, dy), valuesOf(call, filter));
  return values && { shape, values };
}

/** `Conv2DBackpropFilter`: the patches of x, transposed, times dy. */
export function filterGradient(call: Call): Computed | null {
  const [x, dy] = [call.inputs.x as TensorInfo, call.inputs.dy as TensorInfo];
  const attributes = call.attrs as unknown as Conv2DAttributes & { filterShape: Shape4D };
  const { filterShape: shape } = attributes;
  const info = infoOf(x.shape, shape, attributes, 1);
  const values = info && correlate(patchesOfOutput(info), valuesOf(call, x), valuesOf(call, dy));
  return values && { shape, values };
}

/** The convolution; null where it is left to TF.js. */
function infoOf(
  inputShape: number[],
  filterShape: number[],
  attributes: Conv2DAttributes,
  enough = ENOUGH_WORK,
) {
  if (attributes.dataFormat !== 'NHWC') return null;
  const info = conv2DInfo(attributes, inputShape, filterShape);
  const { batchSize, outHeight, outWidth, outChannels, filterHeight, filterWidth, inChannels } = info;
  const work = batchSize * outHeight * outWidth * outChannels * filterHeight * filterWidth * inChannels;
  return work >= enough ? info : null;
}

type Info = backend_util.Conv2DInfo;

const rowsOf = (info: Info) => ({
  inputs: info.inHeight,
  outputs: info.outHeight,
  taps: info.filterHeight,
  stride: info.strideHeight,
  dilation: info.dilationHeight,
  pad: info.padInfo.top,
});

const columnsOf = (info: Info) => ({
  inputs: info.inWidth,
  outputs: info.outWidth,
  taps: info.filterWidth,
  stride: info.strideWidth,
  dilation: info.dilationWidth,
  pad: info.padInfo.left,
});

const patchesOfOutput = (info: Info): Patches => ({
  images: info.batchSize,
  source: { height: info.inHeight, width: info.inWidth, channels: info.inChannels },
  target: { height: info.outHeight, width: info.outWidth, channels: info.outChannels },
  rows: groupsOfOutput(rowsOf(info)),
  columns: groupsOfOutput(columnsOf(info)),
  taps: { height: info.filterHeight, width: info.filterWidth },
  isTurned: false,
});

const patchesOfInput = (info: Info): Patches => ({
  images: info.batchSize,
  source: { height: info.outHeight, width: info.outWidth, channels: info.outChannels },
  target: { height: info.inHeight, width: info.inWidth, channels: info.inChannels },
  rows: groupsOfInput(rowsOf(info)),
  columns: groupsOfInput(columnsOf(info)),
  taps: { height: info.filterHeight, width: info.filterWidth },
  isTurned: true,
});

/** The target, of the source and the filter; null where there is no room. */
function convolve(patches: Patches, source: Float32Array, filter: Float32Array): Float32Array | null {
  const place = placeOf(patches);
  if (!place) return null;
  const { images, target } = patches;
  const values = new Float32Array(images * target.height * target.width * target.channels);
  const { room, columns } = place;
  for (let channel = 0; channel < target.channels; channel += place.channels) {
    const channels = Math.min(place.channels, target.channels - channel);
    // A turned filter has the source's channels last.
    const run = patches.isTurned ? patches.source.channels : 1;
    const [length, step] = [channels * run, target.channels * run];
    const from = { values: filter, at: channel * run, step };
    copyBlock(from, { values: room.floats, at: place.filter, step: length }, filter.length / step, length);
    for (const { part, products } of productsOf(patches, place, source, channels)) {
      for (const { pixels, terms, sourcePixels, targetPixels, sourceTerms, filterTerms } of products) {
        room.multiply(
          [place.source, sourcePixels, sourceTerms],
          [place.filter, filterTerms, columns],
          [place.target, targetPixels],
          [pixels, channels, terms],
          false,
        );
      }
      const inside = { values: room.floats, at: place.target, step: channels };
      copyBlock(inside, outside(patches, part, values, channel), pixelsOf(patches, part), channels);
    }
  }
  return values;
}

/** The filter's gradient, of x and dy; null where there is no room. Sums of parts are added up in float64. */
function correlate(patches: Patches, x: Float32Array, dy: Float32Array): Float32Array | null {
  const place = placeOf(patches);
  if (!place) return null;
  const { source, target, taps } = patches;
  const { room, columns } = place;
  const rows = taps.height * taps.width * source.channels;
  const filter = new Float32Array(rows * target.channels);
  for (let channel = 0; channel < target.channels; channel += place.channels) {
    const channels = Math.min(place.channels, target.channels - channel);
    const sums = new Float64Array(rows * channels);
    for (const { part, products } of productsOf(patches, place, x, channels)) {
      const inside = { values: room.floats, at: place.target, step: channels };
      copyBlock(outside(patches, part, dy, channel), inside, pixelsOf(patches, part), channels);
      const gradient = room.floats.subarray(place.filter, place.filter + sums.length).fill(0);
      for (const { pixels, terms, sourcePixels, targetPixels, sourceTerms, filterTerms } of products) {
        room.multiply(
          [place.source, sourceTerms, sourcePixels],
          [place.target, targetPixels, columns],
          [place.filter, filterTerms],
          [terms, channels, pixels],
          true,
        );
      }
      for (let i = 0; i < sums.length; i++) sums[i]! += gradient[i]!;
    }
    const from = { values: new Float32Array(sums), at: 0, step: channels };
    copyBlock(from, { values: filter, at: channel, step: target.channels }, rows, channels);
  }
  return filter;
}

const pixelsOf = ({ target }: Patches, part: Part) => part.images * part.rows * target.width;

/** The target's numbers of a part, from a channel on. */
const outside = ({ target }: Patches, part: Part, values: Float32Array, channel: number): Block => ({
  values,
  at: (part.image * target.height + part.first) * target.width * target.channels + channel,
  step: target.channels,
});
