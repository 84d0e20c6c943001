/** @file New statistics of a normalization: what they are computed from, checked, written and reported. */
import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { NormalizationLayer } from '../model/graph.js';
import { refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Normalization, isEvenkeel } from './normalizations.js';
import { type Population, type Statistics, distances, plain } from './population.js';

const STATISTICS = ['population', 'batches'] as const;
export const ORDERS = ['layer by layer', 'one pass'] as const;

export type StatisticsKind = (typeof STATISTICS)[number];
export type PassOrder = (typeof ORDERS)[number];

/** @throws ValueError for a kind of statistics, or an order, that is none */
export function checkKinds(statistics: unknown, order: unknown): void {
  checkOneOf('statistics', statistics, STATISTICS);
  checkOneOf('order', order, ORDERS);
}

function checkOneOf(name: string, value: unknown, accepted: readonly string[]): void {
  if (!accepted.includes(value as string)) {
    refuse(ValueError, name, accepted.map(show).join(' or '), value);
  }
}

/** A layer's statistics as plain numbers; null where one is not finite. */
export interface PlainStatistics {
  readonly mean: readonly (number | null)[];
  readonly variance: readonly (number | null)[];
}

/** What became of one layer. */
export interface RecalibratedLayer {
  /** The layer's name, behind those of the models that it is in: `'encoder/bn1'`. */
  readonly layer: string;
  readonly before: PlainStatistics;
  readonly after: PlainStatistics;
  /**
   * How far from mean 0 and deviation 1 values normalized by the old statistics were, per channel:
   * √(((mean − old mean)/σ)² + (√(variance + epsilon)/σ − 1)²) with σ = √(old variance + epsilon). null: not finite.
   */
  readonly distance: readonly (number | null)[];
  /** Batches looked at. */
  readonly batches: number;
  /** Values per channel, or the weight that a mask gave them. A channel with 0 keeps its old statistics. */
  readonly count: readonly number[];
  /**
   * How far the new statistics may still be off, as for `tolerance`; null unless each channel had values in two
   * batches.
   */
  readonly standardError: { readonly mean: number; readonly variance: number } | null;
  /** Whether the tolerance was reached, and ended the pass. */
  readonly isSettled: boolean;
}

export interface RecalibrateReport {
  readonly statistics: StatisticsKind;
  readonly order: PassOrder;
  /** In the order of the graph. */
  readonly layers: readonly RecalibratedLayer[];
}

/** The moving statistics as they are. */
export async function readStatistics({
  layer: { movingMean, movingVariance },
}: Normalization): Promise<Statistics> {
  const [mean, variance] = await Promise.all([movingMean.read().data(), movingVariance.read().data()]);
  return { mean: Float64Array.from(mean), variance: Float64Array.from(variance) };
}

/** New statistics of a layer. */
export interface Result {
  readonly population: Population;
  readonly after: Statistics;
}

/**
 * The statistics that a population comes to.
 *
 * @param before what channels without values keep
 */
export function resultOf(population: Population, kind: StatisticsKind, before: Statistics): Result {
  const { mean, variance } = kind === 'population' ? population.corrected() : population.overUpdates();
  const orBefore = (values: Float64Array, old: Float64Array) =>
    values.map((value, c) => (population.count[c] === 0 ? old[c]! : value));
  return {
    population,
    after: { mean: orBefore(mean, before.mean), variance: orBefore(variance, before.variance) },
  };
}

/** How many batches are looked at before they may be found to be enough. */
const FEWEST_TO_SETTLE = 4;

export function isSettled(population: Population, tolerance: number, epsilon: number): boolean {
  if (tolerance === 0 || population.batches < FEWEST_TO_SETTLE) return false;
  const error = population.standardError(epsilon);
  return error !== null && error.mean <= tolerance && error.variance <= tolerance;
}

/** @throws ValueError for statistics that cannot be used */
export function checkResult(
  layer: string,
  { population: { count }, after: { mean, variance } }: Result,
): void {
  if (count.some((n) => n > 0 && n < 2)) {
    throw new ValueError(
      `The data has one value per channel for the layer '${layer}', of which there is no variance. Expected is some ` +
        `thousand samples.`,
    );
  }
  const isTooLarge = (value: number, c: number) => count[c]! > 0 && !Number.isFinite(Math.fround(value));
  if (mean.some(isTooLarge) || variance.some(isTooLarge)) {
    throw new ValueError(
      `The values that reach the layer '${layer}' are too large for float32 to hold their variance. Scale the data.`,
    );
  }
}

/**
 * Writes the statistics of all normalizations, and none unless all can be used.
 *
 * @throws ValueError for statistics that cannot be used
 */
export function writeResults(
  normalizations: readonly Normalization[],
  before: readonly Statistics[],
  results: ReadonlyMap<Normalization, Result>,
  tolerance = 0,
): RecalibratedLayer[] {
  for (const [{ name }, result] of results) checkResult(name, result);
  const layers = normalizations.map((one, i) =>
    describeResult(one, before[i]!, results.get(one)!, tolerance),
  );
  writeStatistics(normalizations.map((one) => [one.layer, results.get(one)!.after]));
  return layers;
}

function describeResult(
  { layer, name }: Normalization,
  before: Statistics,
  { population, after }: Result,
  tolerance: number,
): RecalibratedLayer {
  return {
    layer: name,
    before: { mean: plain(before.mean), variance: plain(before.variance) },
    after: { mean: plain(after.mean), variance: plain(after.variance) },
    distance: plain(distances(after, before, layer.epsilon)),
    batches: population.batches,
    count: [...population.count],
    standardError: population.standardError(layer.epsilon),
    isSettled: isSettled(population, tolerance, layer.epsilon),
  };
}

function writeStatistics(results: readonly (readonly [NormalizationLayer, Statistics])[]): void {
  const changes = results.flatMap(([layer, { mean, variance }]) => {
    const deviation = variance.map((value) => Math.sqrt(value + layer.epsilon));
    const { movingMean, movingVariance } = layer;
    const { movingStddev = null, renormMean = null, renormStddev = null } = isEvenkeel(layer) ? layer : {};
    const pairs = [
      [movingMean, mean],
      [movingVariance, variance],
      [movingStddev, deviation],
      [renormMean, mean],
      [renormStddev, deviation],
    ] as const;
    return pairs.flatMap(([variable, values]) => (variable ? [{ variable, values }] : []));
  });
  tidy(() => {
    const written = changes.map(({ variable, values }) => ({
      variable,
      value: tensor(new Float32Array(values), variable.shape as number[]),
    }));
    for (const { variable, value } of written) variable.write(value);
  });
}
