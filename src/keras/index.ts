/** @file What 'evenkeel/keras' exports. */
export { loadKerasModel } from './load-keras-model.js';
export { type SaveOptions, saveKerasModel } from './save-keras-model.js';
export type { KerasSource, NamedFile } from './source.js';
