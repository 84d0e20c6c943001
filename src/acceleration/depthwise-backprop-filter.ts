/**
 * @file The gradient of a depthwise convolution's filter, which TF.js (4.22) lacks on wasm. By a kernel of our own: TF.js'
 * take 7 to 28 times as long, as a product and a sum per tap or as a depthwise convolution of x with dy, a filter that is
 * too large for XNNPACK. On one core of an AMD EPYC, for a filter of 3×3:
 *
 *   x              stride   convolution   products and sums   kernel
 *   32×16×16×192   1        2.0 ms        13.4 ms             1.9 ms
 *   32×16×16×192   2        0.5 ms        13.3 ms             0.7 ms
 *   8×112×112×32   1        4.2 ms        23.9 ms             3.1 ms
 *   8×56×56×144    2        1.3 ms        31.0 ms             1.1 ms
 *
 * It can go when TF.js has the kernel.
 */
import {
  type KernelFunc,
  type Tensor,
  type Tensor4D,
  engine,
  reshape,
  tidy,
  tile,
  util,
} from '@tensorflow/tfjs-core';
import { depthwiseSizes } from './depthwise-convolution.js';
import { accessWasm } from './wasm-kernels.js';

interface Inputs {
  readonly x: Tensor4D;
  readonly dy: Tensor;
}

/** `DepthwiseConv2dNativeBackpropFilter`. */
export const depthwiseBackpropFilter: KernelFunc = ({ inputs, attrs, backend }) => {
  const { x, dy } = inputs as unknown as Inputs;
  const { filterShape } = attrs as unknown as { filterShape: [number, number, number, number] };
  const { multiplier, sizes } = depthwiseSizes(attrs, x.shape, filterShape);
  const { memory, kernels } = accessWasm(backend);
  return tidy(() => {
    const numbers = util.sizeFromShape(filterShape);
    const [atX, atDy] = [memory.addressOf(repeatChannels(x, multiplier)), memory.addressOf(dy)];
    // The output last, which nobody would free where there is no memory for the rest.
    const totals = memory.reserve(12 * numbers);
    const filter = memory.allocate(filterShape);
    kernels.depthwiseFilterGradient(atX, atDy, ...sizes, totals);
    const { buffer } = memory.wasmMemory;
    new Float32Array(buffer, memory.addressOf(filter), numbers).set(
      new Float64Array(buffer, totals, numbers),
    );
    return engine().makeTensorFromTensorInfo(filter);
  });
};

/** Each channel `times` times, one after another. */
function repeatChannels(x: Tensor4D, times: number): Tensor4D {
  if (times === 1) return x;
  const [n, h, w, c] = x.shape;
  return reshape(tile(reshape(x, [n * h * w * c, 1]), [1, times]), [n, h, w, c * times]);
}
