/** @file Makes kernels of what assembly/ compiles to: without a fetch and without waiting, once per memory. */

/** A module as text, in base64: for a memory of its own, and for one that threads share. */
interface ModuleText {
  readonly plain: string;
  readonly shared: string;
}

const modules = new Map<string, WebAssembly.Module>();
const instances = new WeakMap<WebAssembly.Memory, Map<string, WebAssembly.Exports>>();

/**
 * The kernels on this memory, the same each time. It may be shared (TF.js' threaded build) if its maximum is 65,536
 * pages, and may grow.
 */
export function instantiate(memory: WebAssembly.Memory, { plain, shared }: ModuleText): WebAssembly.Exports {
  const isShared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const text = isShared ? shared : plain;
  let made = instances.get(memory);
  if (made === undefined) {
    made = new Map();
    instances.set(memory, made);
  }
  let kernels = made.get(text);
  if (kernels === undefined) {
    kernels = new WebAssembly.Instance(compiled(text), { env: { memory } }).exports;
    made.set(text, kernels);
  }
  return kernels;
}

function compiled(base64: string): WebAssembly.Module {
  let module = modules.get(base64);
  if (module === undefined) {
    module = new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    modules.set(base64, module);
  }
  return module;
}
