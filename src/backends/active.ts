/** @file Finds the kernels for the backend that is active now. No backend is imported: TF.js is asked at run time. */
import { type KernelBackend, engine, getBackend } from '@tensorflow/tfjs-core';
import { cpuPassMemory } from './host/cpu.js';
import type { FusedBackend } from './backend.js';
import { hostBackend } from './host/backend.js';
import type { PassMemory } from './host/memory.js';
import { wasmPassMemory } from './host/wasm.js';
import { webgpuBackend } from './webgpu/backend.js';

/** What the layer runs on, and the memory beneath it where it is a host's. */
interface Found {
  readonly fused: FusedBackend;
  readonly memory: PassMemory | null;
}

const onHost = (memory: PassMemory | null): Found | null => memory && { fused: hostBackend(memory), memory };

const onDevice = (fused: FusedBackend | null): Found | null => fused && { fused, memory: null };

/** Each finds nothing where the backend is not built as expected. */
const MAKERS: Record<string, (backend: KernelBackend) => Found | null> = {
  wasm: (backend) => onHost(wasmPassMemory(backend)),
  cpu: (backend) => onHost(cpuPassMemory(backend)),
  webgpu: (backend) => onDevice(webgpuBackend(backend)),
};

const made = new WeakMap<KernelBackend, Found | null>();

function active(): Found | null {
  const make = MAKERS[getBackend()];
  if (!make) return null;
  const { backend } = engine();
  let found = made.get(backend);
  if (found === undefined) {
    found = make(backend);
    made.set(backend, found);
  }
  return found;
}

/** What the layer's passes run on; null where there are no kernels for the active backend. */
export const activeFusedBackend = () => active()?.fused ?? null;

/** The active backend's memory for the AssemblyScript kernels; null where they cannot reach it. */
export const activePassMemory = () => active()?.memory ?? null;
