/**
 * @file The activations that TF.js' kernels for convolutions apply to each sum before they write it, for which an
 * operation of its own would read and write everything again: for relu6 twice.
 */
import { engine } from '@tensorflow/tfjs-core';

/** Those that cost nothing there on every backend; 'linear' is none. */
export type FusedActivation = (typeof FUSED)[number];

const FUSED = ['linear', 'relu', 'relu6'] as const;

/**
 * What a convolution may apply of an activation by its name; 'linear' leaves the activation to be applied. While a
 * gradient is recorded TF.js fuses nothing, and its relu6 has another gradient at 6 than Keras'.
 */
export function fusedActivation(name: string): FusedActivation {
  if (engine().isTapeOn()) return 'linear';
  return FUSED.find((one) => one === name) ?? 'linear';
}
