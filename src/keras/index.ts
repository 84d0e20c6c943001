/** @file What 'evenkeel/keras' exports. */
export type { Blocker } from './blockers.js';
export { type KerasModelCheck, checkKerasModel } from './check-keras-model.js';
export { loadKerasModel } from './load-keras-model.js';
export { type WeightOptions, type WeightReport, loadKerasWeights } from './load-keras-weights.js';
export * as kerasLayers from './layers/index.js';
export { registerKerasLayers } from './registration.js';
export { type SaveOptions, saveKerasModel } from './save-keras-model.js';
export { shardNames } from './shards.js';
export type { NamedFile } from '../data/files.js';
export type { Limits } from '../data/limits.js';
export type { Dialect } from './setting-values.js';
export type { KerasSource } from './source.js';
