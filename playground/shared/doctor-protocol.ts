/** @file What the page and the doctor's worker call each other for. */
import type { FoldReport, InspectReport, Progress } from 'evenkeel/tools';

/** A model as it is now, and what is wrong with it. */
export interface Examination {
  /** The shape of each input, null where a dimension is free. */
  readonly inputs: readonly (readonly (number | null)[])[];
  readonly parameters: number;
  /** What the data is that was looked at, in words; null without. */
  readonly data: string | null;
  /** The beginning of it, if it is long. */
  readonly report: InspectReport;
  /** How many there are in all. */
  readonly counts: { readonly layers: number; readonly findings: number };
  /** How many tensors TF.js holds. */
  readonly tensors: number;
  /** What was done to the model since it was read, the last at the end. */
  readonly steps: readonly Done[];
  /** What would still change something. */
  readonly left: Readonly<Record<Repair, boolean>>;
}

/** What can be done to a model. */
export type Repair = 'recalibrate' | 'fold' | 'freeze';

export interface Done {
  readonly repair: Repair;
  /** In words. */
  readonly what: string;
}

/** What folding did; the beginning of it, if it is long. */
export interface Folding extends Omit<FoldReport, 'model'> {
  /** How many there are in all. */
  readonly counts: { readonly folded: number; readonly kept: number };
}

/** The files that a model can be saved as. */
export const FORMATS = {
  'keras3 keras': { title: '.keras for Keras 3', for: 'keras3', format: 'keras' },
  'tf-keras keras': { title: '.keras for tf-keras', for: 'tf-keras', format: 'keras' },
  'tf-keras h5': { title: '.h5 for tf-keras and R', for: 'tf-keras', format: 'h5' },
  tfjs: { title: 'model.json and shards for TensorFlow.js, in one .zip', for: null, format: 'zip' },
} as const;
export type FormatName = keyof typeof FORMATS;

/** What the page asks of the worker, which has one model. After a refusal the model is as it was before. */
export interface DoctorFunctions {
  /** Reads the model from what was dropped, and looks at it. */
  open(files: readonly File[]): Promise<Examination>;
  /** Reads data from what was dropped, and looks at the model with it. */
  takeData(files: readonly File[]): Promise<Examination>;
  fold(): Promise<Folding>;
  recalibrate(): Promise<void>;
  /** Freezes every normalization, for training to come. */
  freeze(): Promise<void>;
  /** Takes back what was done last. */
  undo(): Promise<void>;
  /** Looks at the model as it is. Where it is stopped, it looks without the data. */
  examine(): Promise<Examination>;
  save(format: FormatName): Promise<Uint8Array>;
  /** Stops what is being done. */
  cancel(): void;
}

/** What the worker tells the page, unasked. */
export interface DoctorPageFunctions {
  progressed(progress: Progress): void;
}
