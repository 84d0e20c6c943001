/** @file All that the module exports: the four passes over the data, and the product of two matrices. */
export { moments } from './moments';
export { normalize } from './normalize';
export { gradientSums } from './gradient-sums';
export { gradientNormalize } from './gradient-normalize';
export { matrixProduct } from './matrix-product';
