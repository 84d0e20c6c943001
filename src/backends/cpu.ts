/**
 * @file The kernels on TF.js' cpu backend, whose tensors are JavaScript arrays: slab by slab, these are copied into a
 * memory of the kernels' own that fits the processor's cache, and results back.
 */
import { type DataStorage, type KernelBackend, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { instantiateKernels } from './kernels.js';
import type { PassMemory } from './pass-memory.js';

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
    memory,
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
      (backend as CpuBackend).makeTensorInfo(shape, 'float32', new Float32Array(util.sizeFromShape(shape))),
    forEachSlab({ count, size }, inputs, output, run) {
      const unitsPerSlab = Math.max(1, Math.min(count, Math.floor(SLAB_BYTES / (4 * size))));
      const stride = align(4 * unitsPerSlab * size);
      grow(reserved + stride * (inputs.length + 1));
      const whole = new Float32Array(memory.buffer);
      const addresses = inputs.map((_, i) => reserved + stride * i);
      const outputAddress = reserved + stride * inputs.length;
      const arrays = inputs.map(valuesOf);
      const outputArray = output && valuesOf(output);
      for (let first = 0; first < count; first += unitsPerSlab) {
        const units = Math.min(unitsPerSlab, count - first);
        const [start, end] = [first * size, (first + units) * size];
        arrays.forEach((array, i) => {
          whole.set(array.subarray(start, end), addresses[i]! / 4);
        });
        run({ units, firstElement: start, inputs: addresses, output: outputAddress });
        outputArray?.set(whole.subarray(outputAddress / 4, outputAddress / 4 + end - start), start);
      }
    },
  };
}
