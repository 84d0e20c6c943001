/** @file What `--json` prints, of which its documentation is made. */
import type { KerasModelCheck } from 'evenkeel/keras';
import type {
  FoldReport,
  FreezeReport,
  InspectReport,
  LayerMoments,
  RecalibrateReport,
} from 'evenkeel/tools';

/** What was written, by commands that write. */
interface Written {
  /** The paths of the files; the model's own, or the only one, is the last. */
  readonly written: readonly string[];
}

export interface MomentsSummary extends Written {
  /** What was written of each layer: of each shard, or of all of them once they are merged. */
  readonly layers: readonly Pick<LayerMoments, 'layer' | 'shards' | 'batches' | 'count'>[];
}

export interface ConvertReport extends Written {
  /** The model's name. */
  readonly model: string;
  /** How many layers lie directly in it. */
  readonly layers: number;
  /** How many numbers its weights have. */
  readonly parameters: number;
  /** What was written. */
  readonly format: 'h5' | 'keras' | 'json';
  /** Who reads it. */
  readonly for: 'tf-keras' | 'keras3' | 'tfjs';
}

/** By the command line that prints it. */
export interface PrintedJson {
  readonly 'inspect --json': InspectReport;
  readonly 'inspect --compatibility --json': KerasModelCheck;
  readonly 'recalibrate --json': RecalibrateReport & Written;
  readonly 'moments --output --json': MomentsSummary;
  readonly 'moments --count --json': {
    /** How many rounds over all shards there are to go. */
    readonly rounds: number;
  };
  readonly 'merge --output --json': MomentsSummary;
  readonly 'fold --json': Omit<FoldReport, 'model'> & Written;
  readonly 'convert --json': ConvertReport;
  readonly 'freeze --json': Pick<FreezeReport, 'changed'> & Written;
  readonly 'unfreeze --json': Pick<FreezeReport, 'changed'> & Written;
}

/** A line of what `moments` and `merge` print, with `--json` or without. */
export type PrintedLine = LayerMoments;
