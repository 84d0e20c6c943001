/** @file What a finding is, and what the rules that make findings look at. */
import type { Normalization } from './normalizations.js';
import type { Population } from './population.js';
import { THRESHOLDS } from './thresholds.js';

export type Severity = 'error' | 'warning' | 'note';

/** The kinds of trouble. */
export const FINDING_NAMES = [
  'not-finite',
  'negative-variance',
  'huge-variance',
  'not-finite-data',
  'stock-axis',
  'impossible-momentum',
  'inverted-momentum',
  'untrained-statistics',
  'young-statistics',
  'statistics-gap',
  'data-shift',
  'zero-gamma',
  'quantized-weights',
  'constant-channel',
  'dead-relu',
  'epsilon-dominates',
  'small-batch',
  'unshuffled-batches',
  'output-gap',
  'shared-layer',
  'foreign-epsilon',
  'useless-bias',
] as const;

export type FindingName = (typeof FINDING_NAMES)[number];

/** Something that is wrong, or worth knowing. */
export interface Finding {
  /** The kind of finding. */
  readonly name: FindingName;
  /** error: results are wrong. warning: they may well be. note: worth knowing. */
  readonly severity: Severity;
  /** The layer's name as in the report's layers; null for the model as a whole. */
  readonly layer: string | null;
  /** Indices of the channels concerned, as in the weights' arrays; empty where it is the layer as a whole. */
  readonly channels: readonly number[];
  /** The numbers behind it. */
  readonly evidence: Readonly<Record<string, number | string>>;
  readonly message: string;
  readonly cure: string;
}

/** A layer's weights as they are, NaN included. */
export interface Weights {
  readonly gamma: Float64Array | null;
  readonly beta: Float64Array | null;
  readonly movingMean: Float64Array;
  readonly movingVariance: Float64Array;
}

/** What the data showed of a layer's inputs. */
export interface InputStatistics {
  /** Where every layer before normalized by the batch's statistics. */
  readonly training: Population;
  /** Where they normalized by the moving ones; null where that is not known. */
  readonly inference: Population | null;
  /** The same for each of the layer's calls, where there are several, and it is known. */
  readonly perCall: readonly Population[];
  /** The most samples that a batch had; null where that is not known. */
  readonly batchSize: number | null;
  /** All samples; null where that is not known. */
  readonly samples: number | null;
  /** The first batch that brought NaN or infinity, counted from 1; null if none did. */
  readonly brokenBatch: number | null;
}

/** A layer that is looked at. */
export interface Subject extends Normalization {
  readonly weights: Weights;
  /** null without data. */
  readonly inputs: InputStatistics | null;
}

/** A finding, before it is known of which layer it is. */
export type Diagnosis = Omit<Finding, 'layer'>;

/** Looks for one kind of trouble in a layer. */
export type Rule = (subject: Subject) => Diagnosis | null;

/** `channels` may be left out where it is the layer as a whole. */
export const diagnose = (
  name: FindingName,
  severity: Severity,
  {
    channels = [],
    ...details
  }: Partial<Pick<Diagnosis, 'channels'>> & Pick<Diagnosis, 'evidence' | 'message' | 'cure'>,
): Diagnosis => ({ name, severity, channels, ...details });

/** Of a finding that a few channels of a healthy model may have. */
export const severityOf = (channels: readonly number[], { weights }: Subject): Severity =>
  channels.length >= THRESHOLDS.manyChannels * weights.movingMean.length ? 'warning' : 'note';

/** Indices of the values for which something holds. */
export const indicesOf = (values: Float64Array, holds: (value: number, index: number) => boolean): number[] =>
  [...values.keys()].filter((i) => holds(values[i]!, i));

export const round = (value: number): number => Number(value.toPrecision(4));

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/**
 * How far the mean of a sample may be from the data's by chance, in deviations. The number of samples tells; where it
 * is not known, how batches differ; and where that is not known either, the number of batches, each of which has at
 * least one sample.
 */
export const noiseOf = ({ samples, training }: InputStatistics, epsilon: number): number =>
  samples === null
    ? (training.standardError(epsilon)?.mean ?? 1 / Math.sqrt(training.batches))
    : 1 / Math.sqrt(samples);

/** undefined where there are none. */
export const median = (values: Float64Array): number | undefined =>
  values.toSorted()[Math.floor(values.length / 2)];

/** How a model's output changes between training and inference mode. */
export interface OutputGap {
  /** The output's name. */
  readonly output: string;
  /** The root of the mean squared difference, in deviations of the output in inference mode. */
  readonly relativeDifference: number;
  readonly largestDifference: number;
  /** The share of samples whose largest value stands in the same column; null unless the output has rank 2, and columns. */
  readonly agreement: number | null;
}
