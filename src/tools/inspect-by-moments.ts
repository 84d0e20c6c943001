/** @file What moments of data that was looked at elsewhere say of a model's moving statistics. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { FindingName } from './findings.js';
import { type GivenMomentsOptions, mergeAndRead } from './given-moments.js';
import { type InspectReport, reportOn } from './inspect.js';
import type { LayerMoments } from './layer-moments.js';
import { normalizationsIn } from './normalizations.js';

export type InspectByMomentsOptions = GivenMomentsOptions;

/** What takes single batches, samples or outputs, which moments do not hold. Data with NaN gives no moments. */
export const UNTOLD_BY_MOMENTS: readonly FindingName[] = ['small-batch', 'unshuffled-batches', 'output-gap'];

/**
 * Says what is wrong with a model's batch normalizations, as `inspect` does, by moments that were taken elsewhere
 * (`collectMoments`). Changes nothing.
 *
 * They tell how far the moving statistics are from the data's. They do not tell of outputs, of single batches, and of
 * calls of a shared layer one by one; the report's `untold` names the kinds of findings that are out of reach. Nor do
 * they tell, of any normalization but the first, whether a gap comes of averages that lag behind (`statistics-gap`) or
 * of other data (`data-shift`): it is a `statistics-gap`, which says so.
 *
 * @param model with the weights that it had when the moments were taken
 * @param moments of all normalizations, in one pass; or layer by layer, of those that are known: then `training` in the
 *   report is where each layer before normalizes by its new statistics
 * @throws ValueError for moments that `mergeMoments` refuses, of another model, or of other options; for a page without
 *   SHA-256
 * @throws TypeError for what is no iterable, and for an unknown option
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [1] })] });
 * const moments = await collectMoments(model, tf.tensor2d([[1], [3]]), { shard: 'a' });
 * const { layers, untold } = await inspectByMoments(model, moments);
 * console.log(layers[0]?.inputs?.training, untold.length); // { mean: [ 2 ], variance: [ 1 ] } 3
 * ```
 */
export async function inspectByMoments(
  model: LayersModel,
  moments: Iterable<LayerMoments>,
  options: InspectByMomentsOptions = {},
): Promise<InspectReport> {
  const normalizations = normalizationsIn(model, 'inspect by moments');
  const { results, merged } = await mergeAndRead('inspectByMoments', model, normalizations, moments, options);
  const batches = merged.reduce((most, one) => Math.max(most, one.batches), 0);
  return reportOn(model, normalizations, {
    data: { batches, samples: null },
    inputsOf(normalization) {
      const training = results.get(normalization)?.population;
      if (!training) return null;
      // No normalization comes before the first, nor it itself where it is called once: inference is as training.
      const { calls, isWrapped } = normalization;
      const isFirst = normalization === normalizations[0] && calls.length === 1 && !isWrapped;
      const inference = isFirst ? training : null;
      return { training, inference, perCall: [], batchSize: null, samples: null, brokenBatch: null };
    },
    outputs: [],
    untold: UNTOLD_BY_MOMENTS,
  });
}
