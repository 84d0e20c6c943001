/** @file How kernels of ours for the cpu backend meet its tensors, and leave to its own kernels what they do not compute. */
import {
  type DataStorage,
  Elu,
  type KernelConfig,
  type KernelFunc,
  LeakyRelu,
  Prelu,
  Relu,
  Relu6,
  Sigmoid,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { registeredKernel } from '../replacement.js';

export type Call = Parameters<KernelFunc>[0];

/** What a kernel has computed. */
export interface Computed {
  readonly shape: number[];
  readonly values: Float32Array;
}

/** Null for what is left to the kernel before. */
type Compute = (call: Call) => Computed | null;

interface CpuBackend {
  readonly data: DataStorage<{ values: Float32Array }>;
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
  disposeData(dataId: object): void;
}

/** A tensor's numbers, not to be written to. */
export const valuesOf = ({ backend }: Call, { dataId }: TensorInfo) =>
  (backend as CpuBackend).data.get(dataId).values;

const outputOf = ({ backend }: Call, { shape, values }: Computed) =>
  (backend as CpuBackend).makeTensorInfo(shape, 'float32', values);

const isFloat32 = ({ inputs }: Call) =>
  Object.values<TensorInfo | undefined>(inputs as Record<string, TensorInfo>).every(
    (input) => !input || input.dtype === 'float32',
  );

/** A kernel that computes float32 in another way, and has the one before it do the rest. */
export const replacing =
  (compute: Compute) =>
  (before: KernelConfig): KernelConfig => ({
    ...before,
    kernelFunc: (call) => {
      const result = isFloat32(call) ? compute(call) : null;
      return result ? outputOf(call, result) : before.kernelFunc(call);
    },
  });

/** The kernels that TF.js' fused ones call. */
const ACTIVATIONS: Record<string, string | undefined> = {
  relu: Relu,
  relu6: Relu6,
  elu: Elu,
  prelu: Prelu,
  leakyrelu: LeakyRelu,
  sigmoid: Sigmoid,
};

/** The same, followed by a bias for each column of the result, and an activation. */
export const replacingFused =
  (compute: Compute) =>
  (before: KernelConfig): KernelConfig => ({
    ...before,
    kernelFunc: (call) => {
      const { bias, preluActivationWeights: alpha } = call.inputs as Record<string, TensorInfo | undefined>;
      const { activation = 'linear', leakyreluAlpha = 0.2 } = call.attrs as unknown as Activation;
      const activate = registeredKernel(ACTIVATIONS[activation] ?? '', before.backendName)?.kernelFunc;
      const isKnown = activation === 'linear' || activate !== undefined;
      const result = isFloat32(call) && isKnown ? compute(call) : null;
      if (!result || (bias && !addBias(result, bias.shape, valuesOf(call, bias))))
        return before.kernelFunc(call);

      const x = outputOf(call, result);
      if (!activate) return x;
      const inputs = { x, ...(alpha && { alpha }) };
      const y = activate({ inputs, attrs: { alpha: leakyreluAlpha }, backend: call.backend });
      (call.backend as CpuBackend).disposeData(x.dataId);
      return y;
    },
  });

interface Activation {
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

/** Adds one number to all, or one for each column. Returns false where the bias has another shape. */
function addBias({ shape, values }: Computed, biasShape: number[], bias: Float32Array): boolean {
  const columns = bias.length;
  const isOfColumns = columns === 1 || (columns === shape.at(-1) && columns === biasShape.at(-1));
  if (!isOfColumns || biasShape.length > shape.length) return false;
  for (let i = 0; i < values.length; i += columns) {
    for (let j = 0; j < columns; j++) values[i + j]! += bias[j]!;
  }
  return true;
}
