/** @file What is wrong with a model's batch normalizations: gathers what the rules look at. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkNames } from '../text/names.js';
import { ValueError } from '../text/value-error.js';
import { type Data, type DataOptions, positiveInteger, sourceOf } from './data.js';
import { Examination } from './examination.js';
import type { Finding, FindingName, InputStatistics, OutputGap, Subject, Weights } from './findings.js';
import { findingsOf } from './model-rules.js';
import { type Normalization, findNormalizations, isEvenkeel } from './normalizations.js';
import { type Statistics, distances, plain } from './population.js';
import { type ToolOptions, breathe } from '../model/progress.js';
import { type LimitOptions, RunLimits } from './run-limits.js';
import { isFrozen } from '../model/frozen.js';

export interface InspectOptions extends ToolOptions, DataOptions, LimitOptions {
  /** How many batches to look at, at most. Default: all of them. */
  readonly batches?: number | undefined;
}

const INSPECT_OPTIONS = Object.keys({
  batches: true,
  batchSize: true,
  limits: true,
  signal: true,
  onProgress: true,
} satisfies Record<keyof InspectOptions, true>);

/** A number per channel; null where it is not finite. */
export type PlainNumbers = readonly (number | null)[];

/** What the data showed of a layer's inputs. */
export interface InspectedInputs {
  readonly batches: number;
  /** Values per channel, or the weight that a mask gave them. */
  readonly count: readonly number[];
  /** Statistics of all batches together, with every layer before normalizing by the batch, as in training. */
  readonly training: { readonly mean: PlainNumbers; readonly variance: PlainNumbers };
  /** The same, with every layer before normalizing by its moving statistics; null by moments, which do not tell. */
  readonly inference: { readonly mean: PlainNumbers; readonly variance: PlainNumbers } | null;
  /**
   * How far from mean 0 and deviation 1 the values of `training` are once the moving statistics have normalized them:
   * √(((mean − moving mean)/σ)² + (√(variance + epsilon)/σ − 1)²), σ = √(moving variance + epsilon).
   */
  readonly distance: PlainNumbers;
  /** The part of the variance of `inference` that lies between batches; null where that is. */
  readonly shareBetweenBatches: PlainNumbers | null;
}

/** A batch normalization, in plain data: enough to draw it. */
export interface InspectedLayer {
  /** The layer's name, behind those of the models and wrappers that it is in: `'encoder/bn1'`. */
  readonly layer: string;
  /** Whose layer it is: this library's, or TF.js' own. */
  readonly implementation: 'evenkeel' | 'tfjs';
  readonly axis: number | readonly number[];
  readonly momentum: number;
  readonly epsilon: number;
  readonly renorm: boolean;
  readonly virtualBatchSize: number | null;
  readonly isFrozen: boolean;
  /** How many times a run of the model calls the layer; the steps of a wrapper are one call. */
  readonly calls: number;
  /** How many channels there are; all arrays have one number for each. */
  readonly channels: number;
  readonly gamma: PlainNumbers | null;
  readonly beta: PlainNumbers | null;
  readonly movingMean: PlainNumbers;
  readonly movingVariance: PlainNumbers;
  /** null without data. */
  readonly inputs: InspectedInputs | null;
}

/** Plain data: what `JSON.stringify` writes is all of it. */
export interface InspectReport {
  readonly model: string;
  /** How much data was looked at; null without data. Moments do not tell how many samples there were. */
  readonly data: { readonly batches: number; readonly samples: number | null } | null;
  /** The batch normalizations, in the order of the graph. */
  readonly layers: readonly InspectedLayer[];
  /** What the statistics do to the outputs; empty without data, and by moments. */
  readonly outputs: readonly OutputGap[];
  /** The kinds of findings that could not be told from what was given, whatever is wrong. */
  readonly untold: readonly FindingName[];
  /** The most severe first. */
  readonly findings: readonly Finding[];
}

/**
 * Says what is wrong with a model's batch normalizations, on what evidence, and what cures it. Changes nothing.
 *
 * Without data it looks at weights and options. With data, it runs each batch through the model twice, in inference mode
 * and with every normalization that is not frozen using the batch's statistics, as in training (all else, such as
 * dropout, in inference mode), and compares: moving statistics with those of the data, calls of a shared layer with
 * each other, batches with each other, outputs with outputs.
 *
 * `THRESHOLDS` holds from where on something is reported, and why. Give batches as for training: their
 * size and order are looked at too.
 *
 * @param model any layers model, with this library's layer or TF.js' own in it, nested or not
 * @param data some hundred samples or more, prepared as for the model's use, see {@link Data}
 * @throws TypeError for data of an unknown form, and for an unknown option
 * @throws ValueError for data that is empty or does not fit the model, options that cannot be, or a model that takes more
 *   than the limits allow
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ momentum: 0.1, inputShape: [4] })] });
 * const { findings } = await inspect(model);
 * console.log(findings.map(({ severity, name }) => `${severity}: ${name}`).join(', '));
 * // warning: inverted-momentum, warning: untrained-statistics
 * ```
 */
export async function inspect(
  model: LayersModel,
  data?: Data | null,
  options: InspectOptions = {},
): Promise<InspectReport> {
  checkNames('option', 'inspect', options, INSPECT_OPTIONS);
  options.signal?.throwIfAborted();
  const normalizations = findNormalizations(model);
  const examination = data == null ? null : await examine(model, normalizations, data, options);
  return reportOn(model, normalizations, {
    data: examination && { batches: examination.batches, samples: examination.samples },
    inputsOf: (normalization) => examination?.inputsOf(normalization) ?? null,
    outputs: examination?.outputGaps() ?? [],
    untold: examination ? [] : FINDINGS_OF_DATA,
  });
}

/** What only data tells. */
export const FINDINGS_OF_DATA: readonly FindingName[] = [
  'not-finite-data',
  'statistics-gap',
  'data-shift',
  'small-batch',
  'unshuffled-batches',
  'output-gap',
];

/** What is known of a model's inputs and outputs. */
export interface Evidence extends Pick<InspectReport, 'data' | 'outputs' | 'untold'> {
  readonly inputsOf: (normalization: Normalization) => InputStatistics | null;
}

/** What the rules say of a model. */
export async function reportOn(
  model: LayersModel,
  normalizations: readonly Normalization[],
  { data, inputsOf, outputs, untold }: Evidence,
): Promise<InspectReport> {
  const subjects = await Promise.all(
    normalizations.map(async (normalization): Promise<Subject> => ({
      ...normalization,
      weights: await readWeights(normalization),
      inputs: inputsOf(normalization),
    })),
  );
  const findings = findingsOf(subjects, outputs);
  return { model: model.name, data, layers: subjects.map(describe), outputs, untold, findings };
}

async function readWeights({ layer }: Normalization): Promise<Weights> {
  const values = async (variable: { read(): Tensor }) => Float64Array.from(await variable.read().data());
  const [movingMean, movingVariance] = await Promise.all(
    [layer.movingMean, layer.movingVariance].map(values),
  );
  return {
    gamma: layer.gamma ? await values(layer.gamma) : null,
    beta: layer.beta ? await values(layer.beta) : null,
    movingMean: movingMean!,
    movingVariance: movingVariance!,
  };
}

async function examine(
  model: LayersModel,
  normalizations: readonly Normalization[],
  data: Data,
  { batches, signal, onProgress, ...options }: InspectOptions,
): Promise<Examination> {
  const limit = positiveInteger('batches', batches) ?? Infinity;
  const source = sourceOf(model, data, options);
  const total = source.length === null ? null : Math.min(limit, source.length);
  const examination = new Examination(model, normalizations, new RunLimits(model, options));
  try {
    for await (const inputs of source.batches(signal)) {
      await examination.add(inputs);
      onProgress?.({ done: examination.batches, total, step: `batch ${examination.batches}` });
      await breathe();
      signal?.throwIfAborted();
      if (examination.batches >= limit) break;
    }
  } finally {
    examination.dispose();
  }
  if (examination.batches > 0) return examination;
  throw new ValueError(
    'data: there are no samples in it. Expected are some hundred; leave data out to look at weights and options only.',
  );
}

const plainStatistics = ({ mean, variance }: Statistics) => ({
  mean: plain(mean),
  variance: plain(variance),
});

function describe({ layer, name, calls, weights, inputs }: Subject): InspectedLayer {
  const { gamma, beta, movingMean, movingVariance } = weights;
  const isOurs = isEvenkeel(layer);
  return {
    layer: name,
    implementation: isOurs ? 'evenkeel' : 'tfjs',
    axis: layer.axis,
    momentum: layer.momentum,
    epsilon: layer.epsilon,
    renorm: isOurs && layer.renorm,
    virtualBatchSize: isOurs ? layer.virtualBatchSize : null,
    isFrozen: isFrozen(layer),
    calls: calls.length,
    channels: movingMean.length,
    gamma: gamma && plain(gamma),
    beta: beta && plain(beta),
    movingMean: plain(movingMean),
    movingVariance: plain(movingVariance),
    inputs: inputs && describeInputs(inputs, { mean: movingMean, variance: movingVariance }, layer.epsilon),
  };
}

function describeInputs(
  { training, inference }: InputStatistics,
  moving: Statistics,
  epsilon: number,
): InspectedInputs {
  const { batches, count } = inference ?? training;
  return {
    batches,
    count: [...count],
    training: plainStatistics(training.whole()),
    inference: inference && plainStatistics(inference.whole()),
    distance: plain(distances(training.whole(), moving, epsilon)),
    shareBetweenBatches: inference && plain(inference.shareBetweenBatches()),
  };
}
