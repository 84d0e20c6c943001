/** @file What 'evenkeel/core' exports. */
export { ValueError } from './value-error.js';
