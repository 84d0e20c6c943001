/** @file What 'evenkeel' exports. */
export { accelerateTensorFlow } from './acceleration/accelerate-tensorflow.js';
export { ValueError } from './text/value-error.js';
export type {
  Adjustment,
  BatchNormalizationArgs,
  NestedNumbers,
  RenormClipping,
  WeightValues,
} from './layer/arguments.js';
export { BatchNormalization } from './layer/batch-normalization.js';
export type { CallArguments } from './layer/call-arguments.js';
export type { Description } from './layer/description.js';
export type { Constraint, Initializer, ObjectConfiguration, Regularizer } from './layer/keras-objects.js';
export { layerBatchNormalization } from './layer/layer-batch-normalization.js';
export { registerBatchNormalization } from './layer/registration.js';
