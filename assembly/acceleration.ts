/** @file The kernels of `accelerateTensorFlow`, for what TF.js' own cannot do fast, however they are joined. */
export { depthwiseFilterGradient } from './depthwise-filter-gradient';
export { depthwiseInputGradient } from './depthwise-input-gradient';
export { filterGradient } from './filter-gradient';
export { matrixProduct } from './matrix-product';
export { rearrange } from './rearrange';
export { averagePoolGradient, maxPool, maxPoolGradient } from './pooling';
export { sumRows } from './sum-rows';
export { compare, logicalAnd, select } from './compare';
