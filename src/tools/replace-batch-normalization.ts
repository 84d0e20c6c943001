/** @file Puts this package's layer where a model has TF.js' own, and synchronizes those that a model has. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { copyModel, copyWeights, remakeLayer } from '../model/copy.js';
import {
  type NormalizationLayer,
  checkModel,
  isBatchNormalization,
  normalizationsOf,
} from '../model/graph.js';
import { checkNames } from '../text/names.js';
import { checkBoolean } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type LimitOptions, RunLimits } from './run-limits.js';

export interface ReplacementOptions extends LimitOptions {
  /**
   * Whether the copy's normalizations are synchronized: `true` as PyTorch's `convert_sync_batchnorm`, `false` undoes
   * it. A layer of this package that is otherwise is made again, too. Left out: what replaces stock layers is not
   * synchronized, and this package's own layers stay as they are.
   */
  readonly synchronized?: boolean | null;
}

export interface ReplacementReport {
  /** The model with this package's layers. It is not compiled. */
  readonly model: LayersModel;
  /** The layers that are others in the copy, by path: 'base/bn' is bn in the model base. */
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
 * @throws TypeError where `model` is no layers model, or `synchronized` no boolean
 * @throws ValueError where a layer of the model cannot be made again from its configuration, or cannot be synchronized,
 *   or the copy takes more memory than the limits allow
 * @example
 * ```ts
 * const stock = tf.sequential({ layers: [tf.layers.batchNormalization({ name: 'bn', inputShape: [4] })] });
 * const { model, replaced } = replaceBatchNormalization(stock);
 * console.log(replaced, model.layers[0] instanceof BatchNormalization); // [ 'bn' ] true
 * ```
 */
export function replaceBatchNormalization(
  model: LayersModel,
  options: ReplacementOptions = {},
): ReplacementReport {
  checkModel(model);
  checkNames('option', 'replaceBatchNormalization', options, ['limits', 'synchronized']);
  const synchronized = options.synchronized ?? null;
  if (synchronized !== null) checkBoolean('synchronized', synchronized);
  new RunLimits(model, options, 2).checkWeights();
  const isReplaced = (layer: NormalizationLayer) =>
    !(layer instanceof BatchNormalization) || (synchronized !== null && layer.synchronized !== synchronized);
  const replaced = normalizationsOf(model).filter(({ layer }) => isReplaced(layer));
  if (synchronized) checkSynchronizable(replaced);
  const copy = copyModel(model, {
    remake(layer) {
      if (!isBatchNormalization(layer) || !isReplaced(layer)) return undefined;
      const changed = { synchronized: synchronized ?? false };
      return layer instanceof BatchNormalization
        ? remakeLayer(layer, changed)
        : remakeLayer(layer, changed, BatchNormalization);
    },
    fill: copyWeights,
  });
  return { model: copy.model, replaced: replaced.map(({ path }) => path) };
}

/** @throws ValueError that names all layers that say what goes with `synchronized: false` alone */
function checkSynchronizable(layers: ReturnType<typeof normalizationsOf>): void {
  const reasons = layers.flatMap(({ layer, path }) => {
    if (!(layer instanceof BatchNormalization)) return [];
    if (layer.fused === true) return [`${show(path)} has fused: true`];
    return layer.virtualBatchSize === null
      ? []
      : [`${show(path)} has virtualBatchSize: ${layer.virtualBatchSize}`];
  });
  if (reasons.length === 0) return;
  throw new ValueError(
    `synchronized: true cannot be combined with what layers of the model say: ${reasons.join(', ')}. Make them without ` +
      'it, or leave synchronized out.',
  );
}
