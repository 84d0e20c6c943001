/**
 * @file Pooling on wasm by kernels of our own. TF.js (4.22) begins its search for a maximum at the smallest positive
 * number (tensorflow/tfjs:tfjs-backend-wasm/src/cc/kernels/MaxPoolGrad.cc, MaxPool3D.cc, MaxPool3DGrad.cc): where a window
 * has nothing positive, its gradient goes astray, and in three dimensions so does its maximum. The gradient of average
 * pooling divides by the whole window where it reaches beyond the input, which the mean does not. They are slow, too. On
 * one core of an AMD EPYC, for 32×28×28×64 and windows of 2×2 and 3×3 with strides of 2, and for 8×16×16×16×32 and 2×2×2:
 *
 *   MaxPoolGrad       98 ms → 1.8 ms, 136 ms → 2.6 ms     MaxPool3D       14 ms → 0.7 ms
 *   AvgPoolGrad       9.8 ms → 0.4 ms, 17 ms → 0.6 ms     MaxPool3DGrad   64 ms → 0.5 ms
 *   of all 28×28      136 ms → 0.4 ms                     AvgPool3DGrad   9.4 ms → 0.3 ms
 *
 * Each can go when TF.js' own is right and as fast.
 */
import { type KernelFunc, type TensorInfo } from '@tensorflow/tfjs-core';
import { type WasmAccess, accessWasm } from './wasm-kernels.js';
import { type Pooling, poolingOf } from './windows.js';

/** The pooling as the kernels take it. */
function sizesFor({ memory }: WasmAccess, { batch, channels, dimensions }: Pooling) {
  const numbers = dimensions.flatMap(({ size, windows, stride, length, before }) => [
    size,
    windows,
    stride,
    length,
    before,
  ]);
  const table = memory.reserve(4 * numbers.length);
  new Int32Array(memory.wasmMemory.buffer, table, numbers.length).set(numbers);
  return [batch, channels, table] as const;
}

/** `MaxPool3D`. */
export const maxPool3D: KernelFunc = ({ inputs, attrs, backend }) => {
  const access = accessWasm(backend);
  const { memory, kernels } = access;
  const x = inputs.x!;
  const pooling = poolingOf(x.shape, attrs);
  const sizes = sizesFor(access, pooling);
  const atX = memory.addressOf(x);
  const y = memory.allocate(pooling.outShape);
  kernels.maxPool(atX, memory.addressOf(y), ...sizes);
  return y;
};

/** `MaxPoolGrad` and `MaxPool3DGrad`. */
export const maxPoolGradient: KernelFunc = ({ inputs, attrs, backend }) => {
  const access = accessWasm(backend);
  const { memory, kernels } = access;
  const [x, dy] = [inputs.input!, inputs.dy!];
  const sizes = sizesFor(access, poolingOf(x.shape, attrs));
  const [atX, atDy] = [memory.addressOf(x), memory.addressOf(dy)];
  const dx = memory.allocate(x.shape);
  kernels.maxPoolGradient(atX, atDy, memory.addressOf(dx), ...sizes);
  return dx;
};

/** `AvgPoolGrad` and `AvgPool3DGrad`. */
export const averagePoolGradient: KernelFunc = ({ inputs, attrs, backend }) => {
  const access = accessWasm(backend);
  const { memory, kernels } = access;
  const { shape } = inputs.input as TensorInfo;
  const sizes = sizesFor(access, poolingOf(shape, attrs));
  const atDy = memory.addressOf(inputs.dy!);
  const dx = memory.allocate(shape);
  kernels.averagePoolGradient(atDy, memory.addressOf(dx), ...sizes);
  return dx;
};
