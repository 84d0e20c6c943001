/** @file What 'evenkeel' exports. */
export { ValueError } from './core/value-error.js';
