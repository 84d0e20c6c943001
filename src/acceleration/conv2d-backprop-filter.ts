/**
 * @file The gradient of a convolution's filter, which TF.js lacks on wasm (tensorflow/tfjs#8474). It is a convolution
 * itself: the channels of x are its images, the samples its channels, and dy its filter, stretched by the stride,
 *
 *   dFilter[kh, kw, c, o] = Σ x[n, oh·stride + kh − top, ow·stride + kw − left, c]·dy[n, oh, ow, o]
 *
 * so TF.js' own convolution computes all taps in one call; for a filter of one tap it is a matrix product. A product
 * per tap, of a slice of x, takes twice as long: 70 ms against 28 ms for 32×28×28 and a filter of 3×3×32×32 (TF.js 4.22,
 * SIMD without threads, one core of an AMD EPYC).
 */
import {
  type KernelFunc,
  type Rank,
  type Tensor4D,
  backend_util,
  conv2d,
  matMul,
  reshape,
  slice,
  tidy,
  transpose,
  util,
} from '@tensorflow/tfjs-core';

interface Inputs {
  readonly x: Tensor4D;
  readonly dy: Tensor4D;
}

interface Attributes {
  readonly filterShape: [number, number, number, number];
  readonly strides: [number, number] | number;
  readonly pad: Parameters<typeof conv2d>[3];
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** `Conv2DBackpropFilter` for dataFormat NHWC, the only one that TF.js' convolution has on wasm. */
export const conv2DBackpropFilter: KernelFunc = ({ inputs, attrs }) => {
  const { x, dy } = inputs as unknown as Inputs;
  const { filterShape, strides, pad, dataFormat, dimRoundingMode } = attrs as unknown as Attributes;
  util.assert(
    dataFormat === 'NHWC',
    () => `The wasm backend computes convolutions of dataFormat 'NHWC' only, and got '${dataFormat}'.`,
  );
  const info = backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
  return tidy(() => (isMatrixProduct(info) ? product(x, dy, info) : convolution(x, dy, info)));
};

/** Whether the filter has one tap, which meets every pixel of x once: no stride, no padding. */
const isMatrixProduct = (info: backend_util.Conv2DInfo) =>
  [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth].every((size) => size === 1) &&
  info.outHeight === info.inHeight &&
  info.outWidth === info.inWidth;

function product(
  x: Tensor4D,
  dy: Tensor4D,
  { inChannels, outChannels, filterShape }: backend_util.Conv2DInfo,
) {
  return reshape(matMul(reshape(x, [-1, inChannels]), reshape(dy, [-1, outChannels]), true), filterShape);
}

function convolution(x: Tensor4D, dy: Tensor4D, info: backend_util.Conv2DInfo) {
  const { batchSize, inChannels, inHeight, inWidth, outChannels, outHeight, outWidth } = info;
  const { strideHeight, strideWidth, filterHeight, filterWidth, padInfo } = info;
  // With the pixels as one dimension a transposition is up to 3 times as fast.
  const images = reshape<Rank.R4>(
    transpose(reshape(x, [batchSize, inHeight * inWidth, inChannels]), [2, 1, 0]),
    [inChannels, inHeight, inWidth, batchSize] as const,
  );
  const filter = reshape<Rank.R4>(
    transpose(reshape(dy, [batchSize, outHeight * outWidth, outChannels]), [1, 0, 2]),
    [outHeight, outWidth, batchSize, outChannels] as const,
  );
  // As much as the last step of the filter needs; where it ends before x does, taps are left over.
  const bottom = (outHeight - 1) * strideHeight + filterHeight - inHeight - padInfo.top;
  const right = (outWidth - 1) * strideWidth + filterWidth - inWidth - padInfo.left;
  const taps = conv2d(
    images,
    filter,
    1,
    [
      [0, 0],
      [padInfo.top, Math.max(bottom, 0)],
      [padInfo.left, Math.max(right, 0)],
      [0, 0],
    ],
    'NHWC',
    [strideHeight, strideWidth],
  );
  const own = bottom < 0 || right < 0 ? slice(taps, [0, 0, 0, 0], [-1, filterHeight, filterWidth, -1]) : taps;
  return transpose(own, [1, 2, 0, 3]);
}
