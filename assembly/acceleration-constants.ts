/** @file What of the kernels of `accelerateTensorFlow` their caller must know. */
export { FILTER_GRADIENT_SCRATCH } from './filter-gradient';
