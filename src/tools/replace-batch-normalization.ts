/** @file Puts this package's layer where a model has TF.js' own. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { copyModel, copyWeights, remakeLayer } from '../model/copy.js';
import { checkNames } from '../text/names.js';
import { type LimitOptions, RunLimits } from './run-limits.js';
import { checkModel, isBatchNormalization, normalizationsOf } from '../model/graph.js';

export interface ReplacementReport {
  /** The model with this package's layers. It is not compiled. */
  readonly model: LayersModel;
  /** The stock layers that were replaced, by path: 'base/bn' is bn in the model base. */
  readonly replaced: readonly string[];
}

/**
 * A copy of a model in which each of TF.js' batch normalizations is one of this package's, in nested models and in
 * TimeDistributed too: with the same name, weights and settings, frozen where it was frozen, and shared where it was
 * shared. What the stock layer does wrong, such as moving the statistics of a frozen layer, the new one does right.
 *
 * The copy shares nothing with the model, which stays as it is. It is not compiled, since an optimizer holds on to the
 * variables that it has trained: compile it, with a new optimizer.
 *
 * @throws TypeError where `model` is no layers model
 * @throws ValueError where a layer of the model cannot be made again from its configuration, or the copy takes more memory
 *   than the limits allow
 * @example
 * ```ts
 * const stock = tf.sequential({ layers: [tf.layers.batchNormalization({ name: 'bn', inputShape: [4] })] });
 * const { model, replaced } = replaceBatchNormalization(stock);
 * console.log(replaced, model.layers[0] instanceof BatchNormalization); // [ 'bn' ] true
 * ```
 */
export function replaceBatchNormalization(model: LayersModel, options: LimitOptions = {}): ReplacementReport {
  checkModel(model);
  checkNames('option', 'replaceBatchNormalization', options, ['limits']);
  new RunLimits(model, options, 2).checkWeights();
  const stock = normalizationsOf(model).filter(({ layer }) => !(layer instanceof BatchNormalization));
  const copy = copyModel(model, {
    remake: (layer) =>
      isBatchNormalization(layer) && !(layer instanceof BatchNormalization)
        ? remakeLayer(layer, {}, BatchNormalization)
        : undefined,
    fill: copyWeights,
  });
  return { model: copy.model, replaced: stock.map(({ path }) => path) };
}
