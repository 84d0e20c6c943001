/** @file TF.js' backends, each loaded when it is first asked for. */
import { enableProdMode, env, getBackend, setBackend } from '@tensorflow/tfjs-core';
import { ValueError } from '../../src/text/value-error.js';
import type { BackendName } from '../shared/settings.js';
import { messageOf } from '../../src/text/refusal.js';

/** How to load each backend. */
const LOADERS: Readonly<Record<BackendName, () => Promise<unknown>>> = {
  async wasm() {
    const [{ setWasmPaths }, ...urls] = await Promise.all([
      import('@tensorflow/tfjs-backend-wasm'),
      import('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'),
      import('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'),
      import('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'),
    ]);
    const [plain, simd, threaded] = urls.map((url) => new URL(url.default, import.meta.url).href);
    // Its threads are scripts that it makes of text, which the page's policy forbids. They would be had where a server
    // isolates the page from other sites.
    env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    setWasmPaths({
      'tfjs-backend-wasm.wasm': plain!,
      'tfjs-backend-wasm-simd.wasm': simd!,
      'tfjs-backend-wasm-threaded-simd.wasm': threaded!,
    });
  },
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  webgl: () => import('@tensorflow/tfjs-backend-webgl'),
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
};

/** What each backend needs of the browser, for messages. */
const NEEDS: Readonly<Record<BackendName, string>> = {
  wasm: 'WebAssembly',
  cpu: 'nothing',
  webgl: 'WebGL 2 in workers (OffscreenCanvas)',
  webgpu: 'WebGPU, which not every browser and graphics card has',
};

/** What runs in every browser, fastest first. */
const EVERYWHERE: readonly BackendName[] = ['wasm', 'cpu'];

/**
 * Makes `name` the active backend, or the next one that this browser can run.
 *
 * @returns the one that is active now, and in a sentence why it is another, where it is
 */
export async function useNearestBackend(
  name: BackendName,
): Promise<{ readonly backend: BackendName; readonly notice: string | null }> {
  let notice: string | null = null;
  for (const backend of [name, ...EVERYWHERE.filter((one) => one !== name)]) {
    try {
      await useBackend(backend);
      return { backend, notice: notice && `${notice} The networks run on ${backend} instead.` };
    } catch (error) {
      notice ??= messageOf(error);
    }
  }
  throw new ValueError(notice!);
}

/**
 * Makes `name` the active backend.
 *
 * @throws ValueError where this browser cannot run it; the one before is then active
 */
export async function useBackend(name: BackendName): Promise<void> {
  if (getBackend() === name) return;
  const before = getBackend() as BackendName | undefined;
  // Also keeps TF.js from greeting, and from advising another backend.
  enableProdMode();
  let reason = 'it does not start';
  try {
    await LOADERS[name]();
    if (await setBackend(name)) return;
  } catch (error) {
    reason = messageOf(error);
  }
  if (before) await setBackend(before);
  throw new ValueError(
    `The backend ${name} cannot be used in this browser (${reason}). It needs ${NEEDS[name]}.`,
  );
}
