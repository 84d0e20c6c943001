/**
 * @file New moving statistics from data: "precise batch normalization".
 *
 * Source: Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", arXiv:2105.07576, section 3: moving averages lag
 * behind the weights, and statistics of the population, computed with the weights as they are, do not.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ToolOptions } from '../model/progress.js';
import { checkNames } from '../text/names.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Data, type DataOptions, positiveInteger, sourceOf } from './data.js';
import {
  type PassOrder,
  type RecalibrateReport,
  type Result,
  type StatisticsKind,
  checkKinds,
  readStatistics,
  resultOf,
  writeResults,
} from './new-statistics.js';
import { type Normalization, normalizationsIn } from './normalizations.js';
import { RecalibrationPass } from './recalibration-pass.js';
import { type LimitOptions, RunLimits } from './run-limits.js';

export interface RecalibrateOptions extends ToolOptions, DataOptions, LimitOptions {
  /** How many batches to look at, in each pass, at most. Default: all of them. */
  readonly batches?: number | undefined;
  /**
   * `'population'` (the default): mean and variance of all values together, the same in however many batches they come.
   * `'batches'`: the mean over batches of each batch's mean and variance, every batch with the same weight; that is what
   * the moving averages of training tend to. A ghost batch is a batch here, and so is each call of a shared layer.
   */
  readonly statistics?: StatisticsKind | undefined;
  /**
   * `'layer by layer'` (the default): one pass over the data per normalization, in the order of the graph, so that each
   * sees what those before it will give in inference. `'one pass'`: one pass in all, in which every layer normalizes by
   * the batch's own statistics, as in training; cheaper by far, and good where batches are large.
   */
  readonly order?: PassOrder | undefined;
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
  checkKinds(statistics, order);
  const limit = positiveInteger('batches', options.batches) ?? Infinity;
  if (!(tolerance >= 0 && Number.isFinite(tolerance))) {
    throw new ValueError(`tolerance: expected a number of at least 0, received ${show(tolerance)}.`);
  }
  signal?.throwIfAborted();
  const normalizations = normalizationsIn(model, 'recalibrate');
  const source = sourceOf(model, data, options);
  const limits = new RunLimits(model, options);
  const passes = order === 'one pass' ? [normalizations] : normalizations.map((one) => [one]);
  if (passes.length > 1 && !source.isReplayable) {
    throw new ValueError(
      `data: it can be gone through only once, and the order 'layer by layer' needs one pass for each of ` +
        `${passes.length} layers. Give a function that returns fresh batches each time, or use order: 'one pass'.`,
    );
  }

  const before = await Promise.all(normalizations.map(readStatistics));
  const perPass = source.length === null ? null : Math.min(limit, source.length);
  const total = perPass === null || tolerance > 0 ? null : perPass * passes.length;
  let done = 0;
  const results = new Map<Normalization, Result>();
  for (const targets of passes) {
    const pass = new RecalibrationPass(model, normalizations, targets, results, statistics, limits);
    const batches = await pass.run(source, {
      batches: limit,
      tolerance,
      signal,
      onBatch: (number) => onProgress?.({ done: ++done, total, step: `${pass.name}, batch ${number}` }),
    });
    if (batches === 0) {
      const isLater = results.size > 0;
      throw new ValueError(
        `data: there are no samples in it${isLater ? ' any more, the second time' : ''}. Expected is some ` +
          `thousand samples${isLater ? ', from data that can be gone through again' : ''}.`,
      );
    }
    for (const target of targets) {
      const old = before[normalizations.indexOf(target)]!;
      results.set(target, resultOf(pass.populationOf(target), statistics, old));
    }
  }
  return { statistics, order, layers: writeResults(normalizations, before, results, tolerance) };
}
