/** @file What 'evenkeel/data' exports. */
export { readArchive } from './archive.js';
export type { NumberArray } from './elements.js';
export type { NamedFile } from './files.js';
export { type BatchOptions, type FitOptions, type FittedBatches, type FittedData, fitData } from './fit.js';
export type { Limits } from './limits.js';
export { type OutputOptions, checkOutput } from './writing/output-path.js';
export { nameParts } from './writing/parts.js';
export { type DataFile, type DataSource, readArrays } from './read-arrays.js';
export { type WriteOptions, writeOutput } from './writing/write-files.js';
