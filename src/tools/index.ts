/** @file What 'evenkeel/tools' exports. */
export type { Batch, Batches, Data, DataOptions, Dataset, Inputs } from './data.js';
export { type Finding, FINDING_NAMES, type FindingName, type OutputGap, type Severity } from './findings.js';
export { type FoldOptions, type FoldReport, fold } from './fold.js';
export { type FreezeReport, type LayerPattern, freeze, unfreeze } from './freeze.js';
export { groupFindings } from './group-findings.js';
export {
  inspect,
  type InspectedInputs,
  type InspectedLayer,
  type InspectOptions,
  type InspectReport,
  type PlainNumbers,
} from './inspect.js';
export type { Progress, ToolOptions } from '../model/progress.js';
export type { LimitOptions } from './run-limits.js';
export {
  recalibrate,
  type PlainStatistics,
  type RecalibratedLayer,
  type RecalibrateOptions,
  type RecalibrateReport,
} from './recalibrate.js';
export { type ReplacementReport, replaceBatchNormalization } from './replace-batch-normalization.js';
export { THRESHOLDS } from './thresholds.js';
