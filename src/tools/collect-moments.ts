/** @file The moments of one shard of the data: what recalibration needs of it, so that no machine needs all data. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ToolOptions } from '../model/progress.js';
import { checkNames } from '../text/names.js';
import { refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Data, type DataOptions, sourceOf } from './data.js';
import { readMoments } from './given-moments.js';
import { FEWEST_VALUES, type LayerMoments, MOMENTS_FORMAT } from './layer-moments.js';
import { mergeMoments } from './merge-moments.js';
import { checkKinds } from './new-statistics.js';
import { normalizationsIn } from './normalizations.js';
import type { RecalibrateOptions } from './recalibrate.js';
import { RecalibrationPass } from './recalibration-pass.js';
import { type LimitOptions, RunLimits } from './run-limits.js';

export interface CollectMomentsOptions
  extends ToolOptions, DataOptions, LimitOptions, Pick<RecalibrateOptions, 'order' | 'statistics'> {
  /**
   * The name of this part of the data, by which it is counted once. It must be the same wherever and however often the
   * part is looked at, and no other part's.
   */
  readonly shard: string;
  /**
   * Layer by layer, the merged moments of the layers before, of all rounds so far: the layer that is looked at is the
   * next one in the order of the graph. Default: none, for the first layer.
   */
  readonly given?: readonly LayerMoments[] | undefined;
  /**
   * How the data was prepared, in words of your own such as 'pixels / 255'. Moments of data that was prepared in other
   * words are not merged. Default: ''.
   */
  readonly preparation?: string | undefined;
}

const COLLECT_MOMENTS_OPTIONS = Object.keys({
  shard: true,
  order: true,
  statistics: true,
  given: true,
  preparation: true,
  batchSize: true,
  limits: true,
  signal: true,
  onProgress: true,
} satisfies Record<keyof CollectMomentsOptions, true>);

/**
 * Takes the moments of one shard of the data at a model's batch normalizations: counts, means and sums of squared
 * distances, per channel and in float64. `mergeMoments` merges those of all shards, and `recalibrateByMoments` computes
 * the moving statistics that `recalibrate` computes from the whole data. Changes nothing.
 *
 * - `'one pass'` gives the moments of all layers. It takes one round, and large batches.
 * - `'layer by layer'` (the default) gives those of one layer, the first that is not among `given`; of none when all
 *   are there. It takes a round over all shards for each normalization.
 *
 * Moments are of many values, and hold no sample. Those of a single value would be that value; they are refused.
 *
 * @param model as it is, with the same weights on every machine and in every round
 * @param data of one shard, see {@link Data}; it is gone through once
 * @returns plain data: `JSON.stringify` keeps every bit of it
 * @throws TypeError for data of an unknown form, and for an unknown option
 * @throws ValueError for options that cannot be; data that is empty, does not fit the model or holds NaN; one value per
 *   channel; `given` moments of another model, round or preparation; more than the limits allow; a page without
 *   SHA-256, which is one that came by http
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [1] })] });
 * const [moments] = await collectMoments(model, tf.tensor2d([[1], [3]]), { shard: 'a' });
 * console.log(moments?.count, moments?.mean, moments?.m2); // [ 2 ] [ 2 ] [ 2 ]
 * ```
 */
export async function collectMoments(
  model: LayersModel,
  data: Data,
  options: CollectMomentsOptions,
): Promise<LayerMoments[]> {
  checkNames('option', 'collectMoments', options, COLLECT_MOMENTS_OPTIONS);
  const { shard, order = 'layer by layer', statistics = 'population', preparation = '' } = options;
  checkText('shard', shard, 'a name for this part of the data');
  if (shard === '') refuse(ValueError, 'shard', 'a name for this part of the data', shard);
  checkText('preparation', preparation, 'a text');
  checkKinds(statistics, order);
  const given = mergeMoments(options.given ?? []);
  if (order === 'one pass' && given.length > 0) {
    throw new ValueError(
      "given: in one pass no layer waits for another's moments. Leave it out, or use order: 'layer by layer'.",
    );
  }
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const normalizations = normalizationsIn(model, 'take moments of');
  const source = sourceOf(model, data, options);
  const limits = new RunLimits(model, options);
  const rounds = { order, statistics };
  const { results, originIn } = await readMoments(model, normalizations, given, rounds, preparation);
  const others = normalizations.filter((one) => !results.has(one));
  const targets = order === 'one pass' ? others : others.slice(0, 1);
  if (targets.length === 0) return [];

  const of = await originIn(preparation);
  const pass = new RecalibrationPass(model, normalizations, targets, results, statistics, limits);
  const batches = await pass.run(source, {
    signal,
    onBatch: (number) =>
      onProgress?.({ done: number, total: source.length, step: `${pass.name}, batch ${number}` }),
  });
  if (batches === 0) {
    throw new ValueError(
      `data: there are no samples in the shard ${show(shard)}. Leave out shards without any.`,
    );
  }
  return targets.map((target): LayerMoments => {
    const population = pass.populationOf(target);
    if (population.count.some((n) => n > 0 && n < FEWEST_VALUES)) {
      throw new ValueError(
        `The shard ${show(shard)} has one value per channel for the layer ${show(target.name)}, and moments of one value ` +
          'are that value. Give several samples in each shard.',
      );
    }
    const bessel = population.hasBessel;
    return {
      ...{ format: MOMENTS_FORMAT, layer: target.name, of, order, bessel, shards: [shard] },
      ...population.moments(),
    };
  });
}

function checkText(name: string, value: unknown, expected: string): void {
  if (typeof value !== 'string') refuse(TypeError, name, expected, value);
}
