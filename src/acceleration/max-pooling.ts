/**
 * @file Max pooling on wasm, where TF.js (4.22) begins its search at the smallest positive number
 * (tensorflow/tfjs:tfjs-backend-wasm/src/cc/kernels/MaxPoolGrad.cc, MaxPool3D.cc, MaxPool3DGrad.cc): where a window has
 * nothing positive, its gradient goes astray, and in three dimensions so does its maximum. Each can go when TF.js begins
 * at the lowest number. On cpu, the gradient in three dimensions takes rows for columns (`maxPool3dPositions`); it can go
 * when that counts by the window's width.
 */
import { type KernelFunc, type Tensor, backend_util, tensor } from '@tensorflow/tfjs-core';

interface Attributes {
  readonly filterSize: [number, number, number] & [number, number];
  readonly strides: [number, number, number] & [number, number];
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Along one dimension: where windows begin, and what they see. */
interface Dimension {
  readonly size: number;
  readonly windows: number;
  readonly stride: number;
  readonly length: number;
  readonly before: number;
}

type Image = [number, number, number, number];
type Volume = [number, number, number, number, number];

interface Pooling {
  readonly batch: number;
  readonly channels: number;
  /** Depth, height and width; in two dimensions the depth is 1. */
  readonly dimensions: readonly [Dimension, Dimension, Dimension];
  readonly outShape: number[];
}

function poolingOf(shape: readonly number[], attributes: unknown): Pooling {
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
function seen({ size, stride, length, before }: Dimension, window: number): [first: number, end: number] {
  const first = window * stride - before;
  return [Math.max(first, 0), Math.min(first + length, size)];
}

/**
 * Finds every window's maximum, the first of several.
 *
 * @param onWindow gets the places of the window in the output, and of its maximum in the input; −1 where it sees nothing
 */
function forEachMaximum(
  x: ArrayLike<number>,
  { batch, channels, dimensions }: Pooling,
  onWindow: (output: number, input: number) => void,
): void {
  const [depth, height, width] = dimensions;
  let output = 0;
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < depth.windows; d++) {
      const [front, back] = seen(depth, d);
      for (let h = 0; h < height.windows; h++) {
        const [top, bottom] = seen(height, h);
        for (let w = 0; w < width.windows; w++) {
          const [left, right] = seen(width, w);
          for (let c = 0; c < channels; c++, output++) {
            let best = -1;
            for (let i = front; i < back; i++) {
              for (let j = top; j < bottom; j++) {
                let place = (((n * depth.size + i) * height.size + j) * width.size + left) * channels + c;
                for (let k = left; k < right; k++, place += channels) {
                  if (best < 0 || x[place]! > x[best]!) best = place;
                }
              }
            }
            onWindow(output, best);
          }
        }
      }
    }
  }
}

/** `MaxPool3D`. */
export const maxPool3D: KernelFunc = ({ inputs, attrs }) => {
  const x = inputs.x as Tensor;
  const values = x.dataSync();
  const pooling = poolingOf(x.shape, attrs);
  const y = new Float32Array(pooling.outShape.reduce((product, size) => product * size, 1));
  forEachMaximum(values, pooling, (output, input) => {
    y[output] = input < 0 ? -Infinity : values[input]!;
  });
  return tensor(y, pooling.outShape, x.dtype);
};

/** `MaxPoolGrad` and `MaxPool3DGrad`. */
export const maxPoolGradient: KernelFunc = ({ inputs, attrs }) => {
  const [x, dy] = [inputs.input as Tensor, inputs.dy as Tensor];
  const gradients = dy.dataSync();
  const dx = new Float32Array(x.size);
  forEachMaximum(x.dataSync(), poolingOf(x.shape, attrs), (output, input) => {
    if (input >= 0) dx[input]! += gradients[output]!;
  });
  return tensor(dx, x.shape);
};
