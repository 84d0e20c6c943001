/**
 * @file The gradient of a convolution's filter, which TF.js (4.22) lacks on wasm (tensorflow/tfjs#8474). By a kernel of our
 * own: TF.js' kernels take 2 to 7 times as long, as a convolution that has the channels of x for images, the samples for
 * channels and dy for a filter, since x and the result must be transposed for it. Batch 32 on one core of an AMD EPYC:
 *
 *   x                                          convolution   kernel
 *   32×32, 32 to 32 channels, 3×3              30.5 ms       10.1 ms
 *   32×32, 32 to 64 channels, 3×3, stride 2    20.4 ms        5.1 ms
 *   16×16, 64 to 64 channels, 3×3              27.4 ms        9.4 ms
 *   16×16, 64 to 256 channels, 1×1             21.1 ms        6.0 ms
 *
 * It can go when TF.js has the kernel.
 */
import { type KernelFunc, type Tensor4D, util, zeros } from '@tensorflow/tfjs-core';
import { type Conv2DAttributes, conv2DInfo } from './conv2d-info.js';
import { FILTER_GRADIENT_SCRATCH } from './kernel-bytes.js';
import { accessWasm } from './wasm-kernels.js';

interface Inputs {
  readonly x: Tensor4D;
  readonly dy: Tensor4D;
}

interface Attributes extends Conv2DAttributes {
  readonly filterShape: [number, number, number, number];
}

/** `Conv2DBackpropFilter` for dataFormat NHWC, the only one that TF.js' convolution has on wasm. */
export const conv2DBackpropFilter: KernelFunc = ({ inputs, attrs, backend }) => {
  const { x, dy } = inputs as unknown as Inputs;
  const attributes = attrs as unknown as Attributes;
  const { filterShape, dataFormat } = attributes;
  util.assert(
    dataFormat === 'NHWC',
    () => `The wasm backend computes convolutions of dataFormat 'NHWC' only, and got '${dataFormat}'.`,
  );
  if (x.size === 0 || dy.size === 0) return zeros(filterShape);
  const info = conv2DInfo(attributes, x.shape, filterShape);
  const { memory, kernels } = accessWasm(backend);
  const [atX, atDy] = [memory.addressOf(x), memory.addressOf(dy)];
  const scratch = memory.reserve(FILTER_GRADIENT_SCRATCH);
  // The output last, which nobody would free where there is no memory for the rest.
  const filter = memory.allocate(filterShape);
  kernels.filterGradient(
    atX,
    atDy,
    memory.addressOf(filter),
    scratch,
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.padInfo.top,
    info.padInfo.left,
  );
  return filter;
};
