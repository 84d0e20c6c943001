/** @file What of the kernels their caller must know: constants on which the size of the scratch depends. */
export { BYTES_PER_LANE, MOST_JOINED_LANES, RUN } from './lanes';
export { PRODUCT_SCRATCH_BYTES } from './matrix-product';
