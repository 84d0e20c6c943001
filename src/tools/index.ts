/** @file What 'evenkeel/tools' exports. */
export { type FoldOptions, type FoldReport, fold } from './fold.js';
export { type FreezeReport, type LayerPattern, freeze, unfreeze } from './freeze.js';
export type { Progress, ToolOptions } from './progress.js';
export { type ReplacementReport, replaceBatchNormalization } from './replace-batch-normalization.js';
