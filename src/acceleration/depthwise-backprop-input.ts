/**
 * @file The gradient of a depthwise convolution's input, which TF.js (4.22) lacks on wasm. By a kernel of our own. TF.js'
 * depthwise convolution can do it, of dy, stretched by the stride, with the filter turned by half a turn, but most of that
 * is zeros. On one core of an AMD EPYC, for a filter of 3×3:
 *
 *   x              stride   convolution   convolution of dy   kernel
 *   32×16×16×192   1        2.0 ms        2.1 ms              1.9 ms
 *   32×16×16×192   2        0.5 ms        2.3 ms              0.4 ms
 *   8×112×112×32   1        4.2 ms        4.5 ms              3.3 ms
 *   8×56×56×144    2        1.3 ms        5.7 ms              1.3 ms
 *
 * It can go when TF.js has the kernel.
 */
import {
  type KernelFunc,
  type Tensor,
  type Tensor4D,
  engine,
  reshape,
  sum,
  tidy,
} from '@tensorflow/tfjs-core';
import { depthwiseSizes } from './depthwise-convolution.js';
import { accessWasm } from './wasm-kernels.js';

interface Inputs {
  readonly dy: Tensor4D;
  readonly filter: Tensor4D;
}

/** `DepthwiseConv2dNativeBackpropInput`. */
export const depthwiseBackpropInput: KernelFunc = ({ inputs, attrs, backend }) => {
  const { dy, filter } = inputs as unknown as Inputs;
  const { inputShape } = attrs as unknown as { inputShape: [number, number, number, number] };
  const { multiplier, sizes } = depthwiseSizes(attrs, inputShape, filter.shape);
  const { memory, kernels } = accessWasm(backend);
  const [atDy, atFilter] = [memory.addressOf(dy), memory.addressOf(filter)];
  const [n, h, w, c] = inputShape;
  const dx = memory.allocate([n, h, w, c * multiplier]);
  kernels.depthwiseInputGradient(atDy, atFilter, memory.addressOf(dx), ...sizes);
  if (multiplier === 1) return dx;
  return tidy(() => {
    const parts: Tensor = engine().makeTensorFromTensorInfo(dx);
    return reshape(sum(reshape(parts, [-1, multiplier]), 1), inputShape);
  });
};
