/**
 * @file The activations that TF.js' kernels for convolutions apply to each sum before they write it. An operation of its
 * own would read and write everything again, and relu6 is two.
 */
import { engine } from '@tensorflow/tfjs-core';

const FUSED = ['relu', 'relu6'] as const;

/** Those that cost nothing there on every backend, by their names in TF.js and Keras. */
export type FusedActivation = (typeof FUSED)[number];

export const isFused = (name: string): name is FusedActivation => FUSED.some((one) => one === name);

/**
 * What the kernel may apply of a layer's activation; 'linear' leaves it to the layer. While a gradient is recorded TF.js
 * fuses nothing, and its relu6 has another gradient at 6 than Keras'.
 */
export const fusedNow = (name: string): FusedActivation | 'linear' =>
  isFused(name) && !engine().isTapeOn() ? name : 'linear';
