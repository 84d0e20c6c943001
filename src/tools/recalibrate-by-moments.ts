/** @file New moving statistics from moments that were taken elsewhere. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { plural } from './findings.js';
import { type GivenMomentsOptions, mergeAndRead } from './given-moments.js';
import type { LayerMoments } from './layer-moments.js';
import { type RecalibrateReport, writeResults } from './new-statistics.js';
import { normalizationsIn } from './normalizations.js';

export type RecalibrateByMomentsOptions = GivenMomentsOptions;

/**
 * Gives every batch normalization of a model new moving statistics, as `recalibrate` does, from the moments of shards
 * (`collectMoments`). They are what `recalibrate` computes from the same batches in one process, to some units in the
 * last place of float64; weights are float32, and the same bit for bit.
 *
 * @param model with the weights that it had when the moments were taken. Its statistics are replaced when all are
 *   known, and not before: after an error the model is as it was.
 * @param moments of every normalization, merged or not; they are merged here
 * @param options `statistics` must be what it was for `collectMoments`
 * @throws ValueError for moments that `mergeMoments` refuses; of another model, or of other options; where a layer has
 *   none, or has them of other shards than another layer; for a page without SHA-256
 * @throws TypeError for what is no iterable, and for an unknown option
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [1] })] });
 * const moments = await collectMoments(model, tf.tensor2d([[1], [3]]), { shard: 'a' });
 * const { layers } = await recalibrateByMoments(model, moments, { shards: 1 });
 * console.log(layers[0]?.after); // { mean: [ 2 ], variance: [ 1 ] }
 * ```
 */
export async function recalibrateByMoments(
  model: LayersModel,
  moments: Iterable<LayerMoments>,
  options: RecalibrateByMomentsOptions = {},
): Promise<RecalibrateReport> {
  const normalizations = normalizationsIn(model, 'recalibrate');
  const { results, before, order, statistics } = await mergeAndRead(
    'recalibrateByMoments',
    model,
    normalizations,
    moments,
    options,
  );
  const others = normalizations.filter((one) => !results.has(one));
  if (others.length > 0) {
    throw new ValueError(
      `There are no moments of ${plural(others.length, 'normalization')}: ${show(others.map(({ name }) => name))}. ` +
        'Take them too: in one pass, or in one more round for each.',
    );
  }
  return { statistics, order, layers: writeResults(normalizations, before, results) };
}
