/** @file What 'evenkeel/tools' exports. */
export type { Batch, Batches, Data, DataOptions, Dataset, Inputs } from './data.js';
export { type Finding, FINDING_NAMES, type FindingName, type OutputGap, type Severity } from './findings.js';
export { type FoldOptions, type FoldReport, fold } from './fold.js';
export { type FreezeReport, type LayerPattern, type LayerRange, freeze, unfreeze } from './freeze.js';
export { groupFindings } from './group-findings.js';
export { inspectByMoments, type InspectByMomentsOptions } from './inspect-by-moments.js';
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
export { collectMoments, type CollectMomentsOptions } from './collect-moments.js';
export type { LayerMoments } from './layer-moments.js';
export { mergeMoments, type MergeMomentsOptions } from './merge-moments.js';
export type { PlainStatistics, RecalibratedLayer, RecalibrateReport } from './new-statistics.js';
export type { PopulationMoments } from './population.js';
export { recalibrateByMoments, type RecalibrateByMomentsOptions } from './recalibrate-by-moments.js';
export { recalibrate, type RecalibrateOptions } from './recalibrate.js';
export {
  type ReplacementOptions,
  type ReplacementReport,
  replaceBatchNormalization,
} from './replace-batch-normalization.js';
export { THRESHOLDS } from './thresholds.js';
