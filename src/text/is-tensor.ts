/** @file Tells tensors from other values, without TypeScript's `any` that `instanceof` brings for a generic class. */
import { Tensor } from '@tensorflow/tfjs-core';

/** Whether a value is a TF.js tensor (or variable), of whichever copy of TF.js. */
export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;
