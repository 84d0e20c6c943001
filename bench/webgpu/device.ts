/**
 * @file WebGPU in Node, by the package `webgpu` (Dawn): on the machine's GPU, or where there is none, on SwiftShader,
 * which Debian's chromium brings. Where neither is, tests skip and say why.
 */
import fs from 'node:fs';
import os from 'node:os';

/** Debian's chromium, and the Vulkan loader and software device that come with it. */
const CHROMIUM = '/usr/lib/chromium';
const SWIFTSHADER = `${CHROMIUM}/vk_swiftshader_icd.json`;

/** glibc: a library that stays loaded. */
const RTLD_NODELETE = 0x1000;

/** Has Dawn find chromium's Vulkan loader, which is not where libraries are looked for. */
function loadVulkan(): void {
  try {
    // It is no addon, which is an error; but then it is loaded, and serves those who ask for it by name.
    process.dlopen(
      { exports: {} },
      `${CHROMIUM}/libvulkan.so.1`,
      os.constants.dlopen.RTLD_NOW | RTLD_NODELETE,
    );
  } catch {
    // Expected.
  }
}

/**
 * Makes `navigator.gpu` and its constants, as in a browser.
 *
 * @param onSwiftShader even where there is a GPU
 * @returns why there is no WebGPU; null where there is
 */
export async function startWebgpu(onSwiftShader: boolean): Promise<string | null> {
  if (onSwiftShader) {
    if (!fs.existsSync(SWIFTSHADER))
      return `no SwiftShader at ${SWIFTSHADER}, which Debian's chromium brings`;
    process.env.VK_ICD_FILENAMES = SWIFTSHADER;
    // Without this folder the device complains that it finds no display, which it does not need.
    process.env.XDG_RUNTIME_DIR ??= os.tmpdir();
    loadVulkan();
  }
  const dawn = await import('webgpu').catch((error: unknown) => String(error));
  if (typeof dawn === 'string') return `the package webgpu does not load: ${dawn}`;
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  return (await gpu.requestAdapter()) ? null : 'WebGPU finds no device';
}
