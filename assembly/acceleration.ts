/** @file The kernels of `accelerateTensorFlow`, for what TF.js' own cannot do fast, however they are joined. */
export { depthwiseFilterGradient } from './depthwise-filter-gradient';
export { depthwiseInputGradient } from './depthwise-input-gradient';
export { filterGradient } from './filter-gradient';
export { rearrange } from './rearrange';
