/** @file What the page and the training worker call each other for. */
import type { Settings } from './settings.js';

/** Side of the square that the decision pictures are of: x and y from −EXTENT to EXTENT. */
export const EXTENT = 1.6;
/** Points along each side of a decision picture. */
export const GRID = 48;

/** Of what reaches a unit: enough of them to draw its distribution, and the paper's three are among them. */
export const PERCENTILES = [1, 5, 10, 15, 25, 35, 50, 65, 75, 85, 90, 95, 99] as const;

/** What a normalization layer's statistics are, one value per channel. */
export interface StatisticsReading {
  /** Of the last training batch. */
  readonly batchMean: Float32Array;
  readonly batchDeviation: Float32Array;
  readonly movingMean: Float32Array;
  readonly movingDeviation: Float32Array;
  /** What batch renormalization would multiply by and add; null where it is off. */
  readonly renorm: { readonly r: Float32Array; readonly d: Float32Array } | null;
}

/** What was measured of one hidden layer. */
export interface LayerReading {
  /** Of what reaches each unit's activation, over test samples: an array per percentile, a value per unit. */
  readonly percentiles: readonly Float32Array[];
  /** How many of its units no sample activates; null where the activation lets every unit through. */
  readonly deadUnits: number | null;
  readonly statistics: StatisticsReading | null;
}

/** A larger cross-entropy is no number that says anything: guessing among ten classes costs 2.3. */
export const LARGEST_LOSS = 1000;

/** Whether a network with such a loss diverges. */
export const isDiverged = (loss: number): boolean => !Number.isFinite(loss) || loss > LARGEST_LOSS;

/** What was measured of one network. */
export interface Reading {
  /** The mean over the steps since the last measurement; null before the first step. */
  readonly trainingLoss: number | null;
  /** Cross-entropy and accuracy over test samples, in inference mode. */
  readonly testLoss: number;
  readonly accuracy: number;
  /**
   * Accuracy in training mode, with the statistics of batches as large as those of training; null without normalization,
   * or where there are fewer test samples than a batch has.
   */
  readonly trainingModeAccuracy: number | null;
  /** The first step whose loss was that of a network that diverges; null where there was none. */
  readonly divergedAt: number | null;
  readonly layers: readonly LayerReading[];
  /** For toy data: the probability of the second class over the grid, row by row from the top; 0 to 255. */
  readonly decisions: Uint8Array | null;
  /** For images: the class that each sample of `Setup.samples` is taken for; one that there is not where it is no number. */
  readonly guesses: Uint8Array | null;
}

export interface Measurement {
  readonly step: number;
  /** Of each network. */
  readonly readings: readonly Reading[];
  /** How many tensors TF.js holds. */
  readonly tensors: number;
}

/** What a network turned out to be. */
export interface NetworkDescription {
  /** Weights that training changes. */
  readonly parameters: number;
  /** For each hidden layer: its units, and how many channels the normalization keeps statistics of (0: none). */
  readonly layers: readonly { readonly units: number; readonly channels: number }[];
  /** What the normalization runs on; null where there is none. */
  readonly execution: { readonly kernels: readonly string[]; readonly reason: string } | null;
}

/** Some of the test points, to be drawn into the decision pictures. */
export interface Points {
  /** x and y of each, one after the other. */
  readonly coordinates: Float32Array;
  readonly labels: Uint8Array;
}

/** The test images that networks are measured on. */
export interface Samples {
  /** 28×28 bytes each, one after the other. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** What the worker made of the settings. */
export interface Setup {
  readonly source: string;
  readonly trainingCount: number;
  readonly testCount: number;
  readonly points: Points | null;
  readonly samples: Samples | null;
  readonly tensorflow: string;
  /** Those that hold: on the backend that this browser can run. */
  readonly settings: Settings;
  /** Why that is not the backend that was asked for, in a sentence; null where it is. */
  readonly notice: string | null;
  readonly networks: readonly NetworkDescription[];
  /** Before the first step. */
  readonly first: Measurement;
}

/** What the page asks of the worker. One is done after the other. */
export interface TrainerFunctions {
  /**
   * Makes the networks anew, and the data where other is asked for; what was there is disposed. On refusal what was
   * there stays, paused.
   */
  configure(settings: Settings, files: readonly File[]): Promise<Setup>;
  start(): Promise<void>;
  /** How many steps were done by then. */
  pause(): Promise<number>;
  /** One step, and a measurement of it. */
  step(): Promise<Measurement>;
  /** Each network's probabilities of the ten classes for an image of 28×28 bytes. */
  classify(image: Uint8Array): Promise<number[][]>;
}

/** What the worker tells the page, unasked. */
export interface PageFunctions {
  measured(measurement: Measurement): void;
  /** Often, while training: the steps done, and how many a second. */
  progressed(step: number, rate: number): void;
  /** Training stopped. */
  failed(message: string): void;
}
