/**
 * @file The kernels on TF.js' wasm backend: they work on its memory, where its tensors are, so nothing is copied.
 */
import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/nd-array.js';
import { ValueError } from '../../text/value-error.js';
import { instantiateKernels } from './wasm-kernels.js';
import type { PassMemory } from './memory.js';

/** What tfjs-backend-wasm 4.22 has and does not declare. */
interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly wasmMemory?: WebAssembly.Memory;
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    _malloc(byteLength: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: {
    get(dataId: object): { memoryOffset: number; refCount: number };
    delete(dataId: object): unknown;
  };
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
}

/** The backend's memory, in which tensors have addresses. */
export interface WasmPassMemory extends PassMemory {
  /** Where a tensor's values are, for as long as it is there. Brings it over if it is another backend's. */
  addressOf(tensor: TensorInfo): number;
  allocate(shape: number[], dtype?: DataType): TensorInfo;
}

const memories = new WeakMap<KernelBackend, WasmPassMemory | null>();

/** The kernels' way into the backend's memory, the same each time; null where it is not built as expected. */
export function wasmPassMemory(backend: KernelBackend): WasmPassMemory | null {
  let memory = memories.get(backend);
  if (memory === undefined) {
    memory = reachMemory(backend);
    memories.set(backend, memory);
  }
  return memory;
}

function reachMemory(backend: KernelBackend): WasmPassMemory | null {
  const { wasm, dataIdMap } = backend as WasmBackend;
  const module = wasm as WasmBackend['wasm'] | undefined;
  const memory = module?.wasmMemory ?? module?.asm?.memory;
  if (!memory) return null;
  refuseWhereFull(wasm);
  // That of a tensor from before is 0 where the memory was full.
  const addressOf = ({ dataId, shape }: TensorInfo) => {
    const { memoryOffset } = dataIdMap.get(dataId);
    if (memoryOffset === 0 && sizeOf(shape) > 0) throw outOfMemory(4 * sizeOf(shape));
    return memoryOffset;
  };
  const values = (...tensors: TensorInfo[]) => {
    // First all addresses: each may bring a tensor over from another backend, and the memory's buffer may grow by it.
    const addresses = tensors.map(addressOf);
    return tensors.map(({ shape, dtype }, i) => {
      const View = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
      return new View(memory.buffer, addresses[i], sizeOf(shape));
    });
  };
  let reserved = { address: 0, byteLength: 0 };
  return {
    kernels: instantiateKernels(memory),
    wasmMemory: memory,
    addressOf,
    reserve(byteLength) {
      if (byteLength > reserved.byteLength) {
        if (reserved.address !== 0) wasm._free(reserved.address);
        reserved = { address: 0, byteLength: 0 };
        // emscripten's addresses are signed, those beyond 2 GiB negative.
        reserved = { address: wasm._malloc(byteLength) >>> 0, byteLength };
      }
      return reserved.address;
    },
    values,
    replace(tensor, newValues) {
      if (dataIdMap.get(tensor.dataId).refCount > 1) return false;
      values(tensor)[0]!.set(newValues);
      return true;
    },
    allocate: (shape, dtype = 'float32') => (backend as WasmBackend).makeOutput(shape, dtype),
    forEachSlab(sizes, _, inputs, output, run) {
      run({
        sizes,
        firstElement: 0,
        firstNumber: 0,
        inputs: inputs.map(addressOf),
        output: output ? addressOf(output) : 0,
      });
    },
  };
}

/** What TF.js' list of tensors may need when it grows. */
const SPARE_BYTES = 2 ** 16;

/**
 * Where its memory is full, TF.js 4.22 goes on with address 0: operations give garbage without a word, and what is uploaded
 * overwrites what lies there. Without a few bytes for its list of tensors it ends for good ("Aborted()"). So every
 * allocation is refused before, those of TF.js' own operations too. Can go when tfjs-backend-wasm looks at what `_malloc`
 * gives.
 */
function refuseWhereFull(wasm: WasmBackend['wasm']): void {
  // emscripten puts the real functions in place when they are first called.
  wasm._free(wasm._malloc(1));
  const malloc = wasm._malloc.bind(wasm);
  wasm._malloc = (byteLength) => {
    const address = malloc(byteLength);
    const spare = malloc(SPARE_BYTES);
    wasm._free(spare);
    if (spare !== 0 && (address !== 0 || byteLength === 0)) return address;
    wasm._free(address);
    throw outOfMemory(byteLength);
  };
}

const outOfMemory = (byteLength: number) =>
  new ValueError(
    `The wasm backend has no ${byteLength} bytes left. Use smaller batches, or dispose of tensors that are not needed.`,
  );
