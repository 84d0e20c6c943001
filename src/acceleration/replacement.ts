/**
 * @file Puts kernels and gradients into TF.js' registries, and back what was there. TF.js warns of a kernel that is
 * registered twice, so what is there is taken out first.
 */
import {
  type GradConfig,
  type KernelConfig,
  getGradient,
  getKernel,
  registerGradient,
  registerKernel,
  unregisterGradient,
  unregisterKernel,
} from '@tensorflow/tfjs-core';

/** Brings back what was replaced, unless somebody has replaced the replacement. */
export type Undo = () => void;

/** What is registered, which may be nothing; TF.js' types do not say so. */
export const registeredKernel = (kernelName: string, backendName: string) =>
  getKernel(kernelName, backendName) as KernelConfig | undefined;

/** Registers a kernel, in the place of another or where there is none. */
export function placeKernel(config: KernelConfig): Undo {
  const { kernelName, backendName } = config;
  const before = registeredKernel(kernelName, backendName);
  if (before) unregisterKernel(kernelName, backendName);
  registerKernel(config);
  return () => {
    if (registeredKernel(kernelName, backendName) !== config) return;
    unregisterKernel(kernelName, backendName);
    if (before) registerKernel(before);
  };
}

/** Registers a gradient, in the place of another or where there is none. */
export function placeGradient(config: GradConfig): Undo {
  const { kernelName } = config;
  const registered = () => getGradient(kernelName) as GradConfig | undefined;
  const before = registered();
  if (before) unregisterGradient(kernelName);
  registerGradient(config);
  return () => {
    if (registered() !== config) return;
    unregisterGradient(kernelName);
    if (before) registerGradient(before);
  };
}
