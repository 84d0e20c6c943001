/** @file What of the kernels of `accelerateTensorFlow` their caller must know. */
export { FILTER_GRADIENT_SCRATCH } from './filter-gradient';
export { PRODUCT_SCRATCH_BYTES } from './matrix-product';
