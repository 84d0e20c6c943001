/**
 * @file The gradient of average pooling on cpu, where windows reach beyond the input, as with the padding 'same'. There the mean
 * is that of what a window sees, and TF.js (4.22) divides its gradient by the whole window, in two dimensions and in
 * three (tensorflow/tfjs:tfjs-backend-cpu/src/kernels/AvgPoolGrad.ts, AvgPool3DGrad.ts). So dy is
 * scaled first. It can go when TF.js divides by what its own average pooling does.
 */
import { type KernelConfig, type Tensor, mul, tensor, tidy } from '@tensorflow/tfjs-core';
import { type Dimension, poolingOf, seen } from './windows.js';

/** For each window, how many times as long it is as what it sees. */
function scales(dimension: Dimension): number[] {
  return Array.from({ length: dimension.windows }, (_, window) => {
    const [first, end] = seen(dimension, window);
    return end > first ? dimension.length / (end - first) : 0;
  });
}

/** `AvgPoolGrad` and `AvgPool3DGrad` in the place of `before`. */
export const acceleratedAveragePoolGradient = (before: KernelConfig): KernelConfig => ({
  ...before,
  kernelFunc: (call) => {
    const [dy, input] = [call.inputs.dy as Tensor, call.inputs.input as Tensor];
    const [depth, height, width] = poolingOf(input.shape, call.attrs).dimensions.map(scales) as [
      number[],
      number[],
      number[],
    ];
    if ([...depth, ...height, ...width].every((scale) => scale === 1)) return before.kernelFunc(call);
    const scaled = tidy(() => {
      const factors = depth.flatMap((d) => height.flatMap((h) => width.map((w) => d * h * w)));
      return mul(dy, tensor(factors, [1, ...dy.shape.slice(1, -1), 1]));
    });
    try {
      return before.kernelFunc({ ...call, inputs: { ...call.inputs, dy: scaled } });
    } finally {
      scaled.dispose();
    }
  },
});
