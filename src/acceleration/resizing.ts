/**
 * @file The gradients of resizing on cpu, which TF.js (4.22) needs to train UpSampling2D. That of the nearest numbers is
 * silently wrong for each image but the first: it reads dy where x would lie
 * (tensorflow/tfjs:tfjs-backend-cpu/src/kernels/ResizeNearestNeighborGrad.ts). So the images become the channels of one.
 * That of the bilinear mean names the width as the height (ResizeBilinearGrad.ts), at which TF.js throws. Each can go
 * when TF.js' own agrees with that of its wasm backend.
 */
import {
  type KernelConfig,
  type Tensor,
  type TensorInfo,
  engine,
  reshape,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';

interface Inputs {
  readonly images: Tensor;
  readonly dy: Tensor;
}

/** `ResizeNearestNeighborGrad` in the place of `before`. */
export const acceleratedResizeNearestGradient = (before: KernelConfig): KernelConfig => ({
  ...before,
  kernelFunc: (call) => {
    const { images, dy } = call.inputs as unknown as Inputs;
    const [samples, height, width, channels] = images.shape as [number, number, number, number];
    if (samples <= 1) return before.kernelFunc(call);
    return tidy(() => {
      const [, dyHeight, dyWidth] = dy.shape as [number, number, number];
      const all = samples * channels;
      const one = reshape(transpose(dy, [1, 2, 0, 3]), [1, dyHeight, dyWidth, all]);
      const { dataId, dtype } = images;
      const inputs = { images: { dataId, dtype, shape: [1, height, width, all] }, dy: one };
      const dx = engine().makeTensorFromTensorInfo(before.kernelFunc({ ...call, inputs }) as TensorInfo);
      return transpose(reshape(dx, [height, width, samples, channels]), [2, 0, 1, 3]);
    });
  },
});

/** `ResizeBilinearGrad` in the place of `before`. */
export const acceleratedResizeBilinearGradient = (before: KernelConfig): KernelConfig => ({
  ...before,
  kernelFunc: (call) => {
    const { images } = call.inputs as unknown as Inputs;
    return { ...(before.kernelFunc(call) as TensorInfo), shape: images.shape };
  },
});
