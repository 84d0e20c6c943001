/** @file Finds the kernels for the backend that is active now. No backend is imported: TF.js is asked at run time. */
import { type KernelBackend, engine, getBackend } from '@tensorflow/tfjs-core';
import { cpuPassMemory } from './cpu.js';
import type { PassMemory } from './pass-memory.js';
import { wasmPassMemory } from './wasm.js';

const MAKERS: Record<string, (backend: KernelBackend) => PassMemory | null> = {
  wasm: wasmPassMemory,
  cpu: cpuPassMemory,
};

const made = new WeakMap<KernelBackend, PassMemory | null>();

/** The active backend's memory for the passes; null where there are no kernels for it. */
export function activePassMemory(): PassMemory | null {
  const make = MAKERS[getBackend()];
  if (!make) return null;
  const { backend } = engine();
  let memory = made.get(backend);
  if (memory === undefined) {
    memory = make(backend);
    made.set(backend, memory);
  }
  return memory;
}
