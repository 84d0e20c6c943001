/**
 * @file New moving statistics from data: "precise batch normalization".
 *
 * Source: Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", arXiv:2105.07576, section 3: moving averages lag
 * behind the weights, and statistics of the population, computed with the weights as they are, do not.
 */
import { type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { checkNames } from '../text/names.js';
import { show } from '../text/show.js';
import { type Data, type DataOptions, positiveInteger, sourceOf } from './data.js';
import type { NormalizationLayer } from '../model/graph.js';
import { BorrowedStates } from '../model/states.js';
import { type Normalization, findNormalizations, isEvenkeel } from './normalizations.js';
import {
  type Call,
  EndOfRun,
  MomentsOfRun,
  normalizeByBatch,
  normalizeByStatistics,
  runWith,
} from './observe.js';
import { Population, type Statistics, areFinite, distances, plain } from './population.js';
import { type ToolOptions, breathe } from '../model/progress.js';
import { type LimitOptions, RunLimits } from './run-limits.js';

const STATISTICS = ['population', 'batches'] as const;
const ORDERS = ['layer by layer', 'one pass'] as const;

export interface RecalibrateOptions extends ToolOptions, DataOptions, LimitOptions {
  /** How many batches to look at, in each pass, at most. Default: all of them. */
  readonly batches?: number | undefined;
  /**
   * `'population'` (the default): mean and variance of all values together, the same in however many batches they come.
   * `'batches'`: the mean over batches of each batch's mean and variance, every batch with the same weight; that is what
   * the moving averages of training tend to. A ghost batch is a batch here, and so is each call of a shared layer.
   */
  readonly statistics?: (typeof STATISTICS)[number] | undefined;
  /**
   * `'layer by layer'` (the default): one pass over the data per normalization, in the order of the graph, so that each
   * sees what those before it will give in inference. `'one pass'`: one pass in all, in which every layer normalizes by
   * the batch's own statistics, as in training; cheaper by far, and good where batches are large.
   */
  readonly order?: (typeof ORDERS)[number] | undefined;
  /**
   * Ends a pass early, once the standard errors of means and variances have come down to this, in standard deviations
   * and variances of the channel (the root of the mean square over channels). They come from how batches differ, so
   * batches must be shuffled; four are looked at in any case. Default 0: never.
   */
  readonly tolerance?: number | undefined;
}

const RECALIBRATE_OPTIONS = Object.keys({
  batches: true,
  statistics: true,
  order: true,
  tolerance: true,
  batchSize: true,
  limits: true,
  signal: true,
  onProgress: true,
} satisfies Record<keyof RecalibrateOptions, true>);

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
  /** How far the new statistics may still be off, as for `tolerance`; null unless each channel had values in two batches. */
  readonly standardError: { readonly mean: number; readonly variance: number } | null;
  /** Whether the tolerance was reached, and ended the pass. */
  readonly isSettled: boolean;
}

export interface RecalibrateReport {
  readonly statistics: (typeof STATISTICS)[number];
  readonly order: (typeof ORDERS)[number];
  /** In the order of the graph. */
  readonly layers: readonly RecalibratedLayer[];
}

/** How many batches are looked at before they may be found to be enough. */
const FEWEST_TO_SETTLE = 4;

/**
 * Gives every batch normalization of a model new moving statistics, computed from data with the weights as they are.
 * All else in the model works in inference mode: dropout is off, as it will be. Nothing is trained, no gradient taken.
 *
 * Counts, means and sums of squared distances of batches are merged in float64 (Chan). The moving variance gets Bessel's
 * correction n/(n − 1) where training gives it, which is where Keras runs its fused kernel (README, COMPATIBILITY.md); n
 * is the whole count for `'population'` and the batch's for `'batches'`. With renorm, the moving and the renorm
 * deviation become √(variance + epsilon), the renorm mean the mean. Masked values do not count, where the layer takes
 * masks. Frozen layers get new statistics too: freezing guards against training.
 *
 * A layer that is called several times gets the statistics of all its inputs together, one set for all, as in training.
 * While its statistics are being computed, it normalizes by the batch's own.
 *
 * Use some thousand samples, from what the model is used on, prepared as they are there; 1,000 to 10,000 were enough on
 * ImageNet (Wu and Johnson 2021). Batches should be shuffled.
 *
 * @param model any layers model, with this library's layer or TF.js' own in it, nested or not. Its statistics are
 *   replaced when all are known, and not before: after an error or an abort the model is as it was.
 * @param data what to take the statistics from, see {@link Data}; `'layer by layer'` goes through it more than once
 * @throws TypeError for data of an unknown form, and for an unknown option
 * @throws ValueError for options that cannot be, data that does not fit the model or holds NaN, an iterable that can be
 *   gone through only once where that is not enough, fewer than two values per channel, more than the limits allow
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [1] })] });
 * const { layers } = await recalibrate(model, tf.tensor2d([[1], [3]]));
 * console.log(layers[0]?.after); // { mean: [ 2 ], variance: [ 1 ] }
 * ```
 */
export async function recalibrate(
  model: LayersModel,
  data: Data,
  options: RecalibrateOptions = {},
): Promise<RecalibrateReport> {
  checkNames('option', 'recalibrate', options, RECALIBRATE_OPTIONS);
  const { statistics = 'population', order = 'layer by layer', tolerance = 0, signal, onProgress } = options;
  oneOf('statistics', statistics, STATISTICS);
  oneOf('order', order, ORDERS);
  const limit = positiveInteger('batches', options.batches) ?? Infinity;
  if (!(tolerance >= 0 && Number.isFinite(tolerance))) {
    throw new ValueError(`tolerance: expected a number of at least 0, received ${show(tolerance)}.`);
  }
  signal?.throwIfAborted();
  const normalizations = findNormalizations(model);
  if (normalizations.length === 0) {
    throw new ValueError(
      `The model '${model.name}' has no batch normalization, so there is nothing to recalibrate.`,
    );
  }
  const source = sourceOf(model, data, options);
  const limits = new RunLimits(model, options);
  const passes = order === 'one pass' ? [normalizations] : normalizations.map((one) => [one]);
  if (passes.length > 1 && !source.isReplayable) {
    throw new ValueError(
      `data: it can be gone through only once, and the order 'layer by layer' needs one pass for each of ` +
        `${passes.length} layers. Give a function that returns fresh batches each time, or use order: 'one pass'.`,
    );
  }

  const before = new Map(
    await Promise.all(normalizations.map(async (one) => [one, await read(one)] as const)),
  );
  const perPass = source.length === null ? null : Math.min(limit, source.length);
  const total = perPass === null || tolerance > 0 ? null : perPass * passes.length;
  let done = 0;
  const results = new Map<Normalization, Result>();
  for (const targets of passes) {
    const pass = new Pass(model, normalizations, targets, results, statistics, limits);
    let number = 0;
    try {
      for await (const inputs of source.batches(signal)) {
        await pass.add(inputs, ++number);
        done++;
        onProgress?.({ done, total, step: `${pass.name}, batch ${number}` });
        await breathe();
        signal?.throwIfAborted();
        if (number >= limit || pass.isSettled(tolerance)) break;
      }
    } finally {
      pass.dispose();
    }
    if (number === 0) {
      const isLater = results.size > 0;
      throw new ValueError(
        `data: there are no samples in it${isLater ? ' any more, the second time' : ''}. Expected is some ` +
          `thousand samples${isLater ? ', from data that can be gone through again' : ''}.`,
      );
    }
    for (const target of targets) results.set(target, pass.result(target, before.get(target)!));
  }
  for (const [{ name }, { population, after }] of results) check(name, population, after);
  const layers = normalizations.map((one) => describe(one, before.get(one)!, results.get(one)!, tolerance));
  write(normalizations.map((one) => [one.layer, results.get(one)!.after]));
  return { statistics, order, layers };
}

function oneOf(name: string, value: unknown, accepted: readonly string[]): void {
  if (accepted.includes(value as string)) return;
  throw new ValueError(
    `${name}: expected ${accepted.map((one) => `'${one}'`).join(' or ')}, received ${show(value)}.`,
  );
}

async function read({ layer: { movingMean, movingVariance } }: Normalization): Promise<Statistics> {
  const [mean, variance] = await Promise.all([movingMean.read().data(), movingVariance.read().data()]);
  return { mean: Float64Array.from(mean), variance: Float64Array.from(variance) };
}

/** New statistics of a layer. */
interface Result {
  readonly population: Population;
  readonly after: Statistics;
}

/** One pass over the data, for the statistics of some layers. To be disposed after use. */
class Pass {
  readonly #populations = new Map<Normalization, Population>();
  #states: BorrowedStates | null = null;

  constructor(
    private readonly model: LayersModel,
    private readonly normalizations: readonly Normalization[],
    private readonly targets: readonly Normalization[],
    private readonly results: ReadonlyMap<Normalization, Result>,
    private readonly statistics: (typeof STATISTICS)[number],
    private readonly limits: RunLimits,
  ) {}

  get name(): string {
    return this.targets.length === 1 ? this.targets[0]!.name : 'all layers';
  }

  /** Adds what a batch shows of the targets. */
  async add(inputs: readonly Tensor[], number: number): Promise<void> {
    this.limits.check({ inputs: inputs.map(({ shape }) => shape) });
    this.#states ??= new BorrowedStates(this.model);
    const moments = new MomentsOfRun();
    try {
      this.#run(inputs, moments);
      for (const { normalization, hasBessel, calls } of await moments.read()) {
        if (!calls.every(areFinite)) throw notFiniteError(number, normalization.name);
        const { layer } = normalization;
        const population =
          this.#populations.get(normalization) ?? new Population(layer.movingMean.read().size, hasBessel);
        population.add(calls);
        this.#populations.set(normalization, population);
      }
    } finally {
      moments.dispose();
    }
  }

  #run(inputs: readonly Tensor[], moments: MomentsOfRun): void {
    const { targets, results } = this;
    const [only] = targets;
    // A lone target that is called once has been called when anything else is.
    const canStop = targets.length === 1 && only!.calls.length === 1 && !only!.isWrapped;
    const normalize = (call: Call): Tensor => {
      if (canStop && !moments.isEmpty) throw new EndOfRun();
      const { normalization } = call;
      const result = results.get(normalization);
      if (result) return normalizeByStatistics(call, result.after);
      const virtualBatchSize = this.statistics === 'batches' ? virtualBatchSizeOf(call) : null;
      const isTarget = targets.includes(normalization);
      const taken = isTarget ? moments.take(call, virtualBatchSize) : null;
      return normalizeByBatch(call, virtualBatchSize === null ? taken : null);
    };
    try {
      tidy(() => {
        this.#states!.during(() => runWith(this.model, inputs, this.normalizations, normalize));
      });
    } catch (error) {
      if (!(error instanceof EndOfRun)) throw error;
    }
  }

  /** Whether there are batches enough for all targets. */
  isSettled(tolerance: number): boolean {
    return this.targets.every((target) => {
      const population = this.#populations.get(target);
      return population !== undefined && isSettled(population, tolerance, target.layer.epsilon);
    });
  }

  result(target: Normalization, before: Statistics): Result {
    const population = this.#populations.get(target) ?? new Population(before.mean.length, false);
    const { mean, variance } =
      this.statistics === 'population' ? population.corrected() : population.overUpdates();
    const orBefore = (values: Float64Array, old: Float64Array) =>
      values.map((value, c) => (population.count[c] === 0 ? old[c]! : value));
    return {
      population,
      after: { mean: orBefore(mean, before.mean), variance: orBefore(variance, before.variance) },
    };
  }

  dispose(): void {
    this.#states?.dispose();
  }
}

function isSettled(population: Population, tolerance: number, epsilon: number): boolean {
  if (tolerance === 0 || population.batches < FEWEST_TO_SETTLE) return false;
  const error = population.standardError(epsilon);
  return error !== null && error.mean <= tolerance && error.variance <= tolerance;
}

/** The size of the ghost batches that training would divide this batch into; null for none. */
function virtualBatchSizeOf({ normalization: { layer, name }, x }: Call): number | null {
  const virtualBatchSize = isEvenkeel(layer) ? layer.virtualBatchSize : null;
  const samples = x.shape[0];
  if (virtualBatchSize !== null && samples % virtualBatchSize !== 0) {
    throw new ValueError(
      `The layer '${name}' has virtualBatchSize ${virtualBatchSize}, which does not divide the batch of ${samples}. ` +
        `Give batches of a multiple, or take the statistics of the population, to which batches do not matter.`,
    );
  }
  return virtualBatchSize;
}

const notFiniteError = (batch: number, layer: string) =>
  new ValueError(
    `Batch ${batch} of the data brings values to the layer '${layer}' that are NaN or infinite. Look for them in the ` +
      `data and in the weights of the layers before; inspect tells of those in normalizations.`,
  );

/** @throws ValueError for statistics that cannot be used */
function check(layer: string, { count }: Population, { mean, variance }: Statistics): void {
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

function describe(
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

/** Writes all statistics, and none unless all could be made. */
function write(results: readonly (readonly [NormalizationLayer, Statistics])[]): void {
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
