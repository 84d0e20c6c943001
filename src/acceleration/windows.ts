/** @file The windows of pooling, in two and three dimensions, as TF.js lays them over an input. */
import { backend_util } from '@tensorflow/tfjs-core';

interface Attributes {
  readonly filterSize: [number, number, number] & [number, number];
  readonly strides: [number, number, number] & [number, number];
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Along one dimension: where windows begin, and what they see. */
export interface Dimension {
  readonly size: number;
  readonly windows: number;
  readonly stride: number;
  readonly length: number;
  readonly before: number;
}

type Image = [number, number, number, number];
type Volume = [number, number, number, number, number];

export interface Pooling {
  readonly batch: number;
  readonly channels: number;
  /** Depth, height and width; in two dimensions the depth is 1. */
  readonly dimensions: readonly [Dimension, Dimension, Dimension];
  readonly outShape: number[];
}

export function poolingOf(shape: readonly number[], attributes: unknown): Pooling {
  const { filterSize, strides, pad, dimRoundingMode } = attributes as Attributes;
  const info =
    shape.length === 4
      ? backend_util.computePool2DInfo(shape as Image, filterSize, strides, 1, pad, dimRoundingMode)
      : backend_util.computePool3DInfo(shape as Volume, filterSize, strides, 1, pad, dimRoundingMode);
  const { batchSize: batch, inChannels: channels, padInfo, outShape } = info;
  return {
    batch,
    channels,
    outShape,
    dimensions: [
      'inDepth' in info
        ? dimension(info.inDepth, info.outDepth, info.strideDepth, info.filterDepth, info.padInfo.front)
        : dimension(1, 1, 1, 1, 0),
      dimension(info.inHeight, info.outHeight, info.strideHeight, info.filterHeight, padInfo.top),
      dimension(info.inWidth, info.outWidth, info.strideWidth, info.filterWidth, padInfo.left),
    ],
  };
}

const dimension = (
  size: number,
  windows: number,
  stride: number,
  length: number,
  before: number,
): Dimension => ({ size, windows, stride, length, before });

/** The part of a window that lies within the input. */
export function seen(
  { size, stride, length, before }: Dimension,
  window: number,
): [first: number, end: number] {
  const first = window * stride - before;
  return [Math.max(first, 0), Math.min(first + length, size)];
}
