/** @file Gives weights of TF.js' layers their values. */
import { type Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { variableOf } from './tensorflow-internals.js';

/** Gives a variable exactly these values: TF.js' `write` would apply the layer's constraint to them. */
export function assignExactly(variable: LayerVariable, value: Tensor): void {
  Variable.prototype.assign.call(variableOf(variable), value);
}
