/** @file What the script for pages without a bundler holds: the global `evenkeel`. */
export * from '../src/index.js';
export * as core from '../src/core/index.js';
export * as data from '../src/data/index.js';
export * as keras from '../src/keras/index.js';
export * as tools from '../src/tools/index.js';
