/** @file What a run of `npm run bench:accuracy` finds. */
import type { Origin } from '../report.js';
import type { Errors } from './case.js';

export interface AccuracyRow {
  readonly contender: string;
  /** One for each of the report's means; null where the contender did not run. */
  readonly errors: readonly Errors[] | null;
  /** Then, why. */
  readonly why?: string;
}

export interface AccuracyReport extends Origin {
  readonly shape: readonly number[];
  readonly epsilon: number;
  readonly means: readonly number[];
  readonly rows: readonly AccuracyRow[];
}
