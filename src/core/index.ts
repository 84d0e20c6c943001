/** @file What 'evenkeel/core' exports: the layer on typed arrays. */
export type { Adjustment } from './adjustment.js';
export {
  backward,
  forward,
  type CallArguments,
  type Forward,
  type Gradients,
  type Saved,
} from './batch-normalization.js';
export type { FloatArray, NdArray } from './nd-array.js';
export type { BatchNormalizationOptions, RenormClipping } from './options.js';
export { initialState, parameterShape, type State } from './state.js';
export { ValueError } from '../text/value-error.js';
