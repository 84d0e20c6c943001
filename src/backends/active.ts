/** @file Finds the kernels for the backend that is active now. No backend is imported: TF.js is asked at run time. */
import { type KernelBackend, engine, getBackend } from '@tensorflow/tfjs-core';
import { HostBackend } from './host/backend.js';
import { cpuPassMemory } from './host/cpu.js';
import type { FusedBackend } from './backend.js';
import type { PassMemory } from './host/memory.js';
import { wasmPassMemory } from './host/wasm.js';
import { webgpuBackend } from './webgpu/backend.js';

const onHost = (memory: PassMemory | null) => memory && new HostBackend(memory);

/** Each gives null where the backend is not built as expected. */
const MAKERS: Record<string, (backend: KernelBackend) => FusedBackend | null> = {
  wasm: (backend) => onHost(wasmPassMemory(backend)),
  cpu: (backend) => onHost(cpuPassMemory(backend)),
  webgpu: webgpuBackend,
};

const made = new WeakMap<KernelBackend, FusedBackend | null>();

/** What passes run on; null where there are no kernels for the active backend. The same object each time. */
export function activeFusedBackend(): FusedBackend | null {
  const make = MAKERS[getBackend()];
  if (!make) return null;
  const { backend } = engine();
  let fused = made.get(backend);
  if (fused === undefined) {
    fused = make(backend);
    made.set(backend, fused);
  }
  return fused;
}
