/** @file The four passes over the data: all that the module exports. */
export { moments } from './moments';
export { normalize } from './normalize';
export { gradientSums } from './gradient-sums';
export { gradientNormalize } from './gradient-normalize';
