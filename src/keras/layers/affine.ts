/**
 * @file Images turned, moved and stretched, as TensorFlow's ImageProjectiveTransformV3 does it. TF.js' `tf.image.transform`
 * moves only the first image of a batch on cpu (4.22), and has no gradient.
 */
import {
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  add,
  addN,
  customGrad,
  gather,
  mul,
  reshape,
  tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';

export const FILL_MODES = ['reflect', 'wrap', 'constant', 'nearest'] as const;
export const SAMPLINGS = ['bilinear', 'nearest'] as const;

/** How pixels are read between and outside those of the image. */
export interface Sampling {
  readonly fillMode: (typeof FILL_MODES)[number];
  readonly interpolation: (typeof SAMPLINGS)[number];
  readonly fillValue: number;
}

/** `[a, b, c, d, e, f]`: the pixel of the result at (x, y) is that at (a·x + b·y + c, d·x + e·y + f). */
export type AffineMatrix = readonly [number, number, number, number, number, number];

/** A coordinate that may lie outside, as the mode has it. */
function mapped(coordinate: number, size: number, mode: Sampling['fillMode']): number {
  const last = size - 1;
  if (mode === 'constant') return coordinate;
  let at = coordinate;
  if (mode === 'nearest' || size <= 1) {
    // Only the clamp below.
  } else if (mode === 'reflect') {
    // dcba|abcd|dcba
    const period = 2 * size;
    if (at < 0) {
      at += period * Math.trunc(-at / period);
      at = at < -size ? at + period : -at - 1;
    } else if (at > last) {
      at -= period * Math.trunc(at / period);
      if (at >= size) at = period - at - 1;
    }
  } else if (at < 0) {
    // abcd|abcd|abcd
    at += size * (Math.trunc(-at / last) + 1);
  } else if (at > last) {
    at -= size * Math.trunc(at / last);
  }
  return Math.min(Math.max(at, 0), last);
}

const roundAwayFromZero = (x: number) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

/** Of one coordinate, the pixels that are read, and their weights. */
function taps(coordinate: number, interpolation: Sampling['interpolation']): [number, number][] {
  if (interpolation === 'nearest') return [[roundAwayFromZero(coordinate), 1]];
  const lower = Math.floor(coordinate);
  return [
    [lower, lower + 1 - coordinate],
    [lower + 1, coordinate - lower],
  ];
}

function sample(images: Tensor4D, matrices: readonly AffineMatrix[], sampling: Sampling): Tensor4D {
  const [batch, height, width, channels] = images.shape;
  const { fillMode, interpolation, fillValue } = sampling;
  const count = batch * height * width;
  const perPixel = interpolation === 'nearest' ? 1 : 4;
  const pixels = Array.from({ length: perPixel }, () => new Int32Array(count));
  const weights = Array.from({ length: perPixel }, () => new Float32Array(count));
  const outside = new Float32Array(count);
  let at = 0;
  for (const [image, matrix] of matrices.entries()) {
    const [a, b, c, d, e, f] = matrix.map(Math.fround) as unknown as AffineMatrix;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const left = mapped(Math.fround(a * x + b * y + c), width, fillMode);
        const top = mapped(Math.fround(d * x + e * y + f), height, fillMode);
        let tap = 0;
        for (const [row, ofRow] of taps(top, interpolation)) {
          for (const [column, ofColumn] of taps(left, interpolation)) {
            const isInside = row >= 0 && row < height && column >= 0 && column < width;
            if (isInside) {
              pixels[tap]![at] = (image * height + row) * width + column;
              weights[tap]![at] = ofRow * ofColumn;
            } else {
              outside[at]! += ofRow * ofColumn;
            }
            tap++;
          }
        }
      }
    }
  }
  return tidy(() => {
    const flat: Tensor2D = reshape(images, [batch * height * width, channels]);
    const read = pixels.map((index, i) =>
      mul(gather(flat, tensor1d(index, 'int32')), tensor(weights[i]!, [count, 1])),
    );
    const inside: Tensor4D = reshape(addN(read), images.shape);
    if (fillMode !== 'constant' || fillValue === 0) return inside;
    const fill = mul(tensor(outside, [batch, height, width, 1]), fillValue);
    return add(inside, fill);
  });
}

function inverse([a, b, c, d, e, f]: AffineMatrix): AffineMatrix {
  const determinant = a * e - b * d;
  return [
    e / determinant,
    -b / determinant,
    (b * f - c * e) / determinant,
    -d / determinant,
    a / determinant,
    (c * d - a * f) / determinant,
  ];
}

/**
 * @param images `[batch, height, width, channels]`
 * @param matrices one for each image. The gradient is moved back by the inverse, as in TensorFlow.
 */
export function transformImages(
  images: Tensor4D,
  matrices: readonly AffineMatrix[],
  sampling: Sampling,
): Tensor4D {
  const transform = customGrad((x) => ({
    value: sample(x as Tensor4D, matrices, sampling),
    gradFunc: (dy: Tensor) => sample(dy as Tensor4D, matrices.map(inverse), { ...sampling, fillValue: 0 }),
  }));
  return transform(images) as Tensor4D;
}
