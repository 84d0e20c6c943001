/**
 * @file The kernels on TF.js' cpu backend, whose tensors are JavaScript arrays: slab by slab, these are copied into a
 * memory of the kernels' own that fits the processor's cache, and results back.
 */
import { type DataStorage, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/nd-array.js';
import { instantiateKernels } from './wasm-kernels.js';
import type { PassMemory } from './memory.js';
import { divide } from './slabs.js';

interface CpuBackend extends KernelBackend {
  readonly data: DataStorage<{ values: Float32Array; refCount: number }>;
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

const PAGE = 65_536;
/** Bytes of one array in a slab: with two arrays in and one out, less than a second-level cache. */
const SLAB_BYTES = 131_072;

const align = (byteLength: number) => Math.ceil(byteLength / 16) * 16;

/** The kernels' way to the backend's arrays; null where the backend is not built as expected. */
export function cpuPassMemory(backend: KernelBackend): PassMemory | null {
  const { data } = backend as CpuBackend;
  if ((data as unknown) === undefined) return null;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const valuesOf = ({ dataId }: TensorInfo) => data.get(dataId).values;
  // The passes' own bytes come first, so that they stay where they are; slabs come after them.
  let reserved = 0;
  const grow = (byteLength: number) => {
    const missing = byteLength - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  };
  return {
    kernels: instantiateKernels(memory),
    wasmMemory: memory,
    reserve(byteLength) {
      reserved = align(byteLength);
      grow(reserved);
      return 0;
    },
    values: (...tensors) => tensors.map(valuesOf),
    replace(tensor, values) {
      const entry = data.get(tensor.dataId);
      if (entry.refCount > 1) return false;
      // Another array, since dataSync gives the present one away.
      entry.values = values;
      return true;
    },
    allocate: (shape) =>
      (backend as CpuBackend).makeTensorInfo(shape, 'float32', new Float32Array(sizeOf(shape))),
    forEachSlab(sizes, span, inputs, output, run) {
      const parts = divide(sizes, span, SLAB_BYTES / 4);
      const stride = align(4 * parts.reduce((most, part) => Math.max(most, sizeOf(part.sizes)), 0));
      grow(reserved + stride * (inputs.length + 1));
      const whole = new Float32Array(memory.buffer);
      const addresses = inputs.map((_, i) => reserved + stride * i);
      const outputAddress = reserved + stride * inputs.length;
      const arrays = inputs.map(valuesOf);
      const outputArray = output && valuesOf(output);
      for (const part of parts) {
        const start = part.firstElement;
        const size = sizeOf(part.sizes);
        arrays.forEach((array, i) => {
          whole.set(array.subarray(start, start + size), addresses[i]! / 4);
        });
        run({ ...part, inputs: addresses, output: outputAddress });
        outputArray?.set(whole.subarray(outputAddress / 4, outputAddress / 4 + size), start);
      }
    },
  };
}
