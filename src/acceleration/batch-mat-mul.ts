/**
 * @file Transposes before it multiplies, on the wasm backend. TF.js 4.22 hands only plain products of single matrices
 * to XNNPACK, and computes those with a transposed factor, of which the gradient has two for each layer and step, one
 * number at a time (tensorflow/tfjs:tfjs-backend-wasm/src/cc/batch_mat_mul_impl.cc). On two cores of a shared machine
 * that took 4.9 ms instead of 0.5 ms for the first layer's weights, and 16 ms instead of 3 ms for a whole step of the
 * plain network. To be deleted when TF.js does this itself.
 */
import {
  type KernelConfig,
  type KernelFunc,
  type TensorInfo,
  getKernel,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';

/** As much of a backend as the kernels below need. */
interface Backend {
  disposeData(dataId: object): void;
}

function wasmKernel(kernelName: string): KernelConfig {
  const kernel = getKernel(kernelName, 'wasm') as KernelConfig | undefined;
  if (kernel === undefined) throw new Error(`The wasm backend has no kernel ${kernelName}.`);
  return kernel;
}

/** Puts a product that transposes first in the place of the stock one. */
export function transposeBeforeMultiplying(): void {
  const stock = wasmKernel('BatchMatMul');
  const { kernelFunc: multiply } = stock;
  const { kernelFunc: transpose } = wasmKernel('Transpose');

  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) => {
    const made: TensorInfo[] = [];
    const straight = (x: TensorInfo, isTransposed: boolean): TensorInfo => {
      if (!isTransposed) return x;
      const y = transpose({ inputs: { x }, attrs: { perm: [0, 2, 1] }, backend }) as TensorInfo;
      made.push(y);
      return y;
    };
    const { a, b } = inputs as unknown as { a: TensorInfo; b: TensorInfo };
    if (a.shape.length !== 3 || b.shape.length !== 3) return multiply({ inputs, attrs, backend });
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    const product = multiply({
      inputs: { a: straight(a, transposeA), b: straight(b, transposeB) },
      attrs: { transposeA: false, transposeB: false },
      backend,
    });
    for (const { dataId } of made) (backend as Backend).disposeData(dataId);
    return product;
  };
  unregisterKernel('BatchMatMul', 'wasm');
  registerKernel({ ...stock, kernelFunc });
}
