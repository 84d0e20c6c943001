/** @file Loads a model from a file of Keras or TF.js. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { buildModel } from './build-model.js';
import { openArchive } from './formats/archive.js';
import { openHdf5 } from './formats/hdf5.js';
import type { OpenedModel } from './formats/opened-model.js';
import { openTopology } from './formats/tfjs.js';
import { correctGhostAxes } from './ghost-axis.js';
import { importModel } from './import-config.js';
import { type KerasSource, type OpenedSource, openSource } from './source.js';

/**
 * Loads a model that tf-keras, R's keras, Keras 3 or TF.js saved: HDF5 (`.h5`), `.keras` archives, and `model.json` with
 * its shards. What the file is, its content says. The model has this library's layer wherever it says
 * `BatchNormalization`, and the same weights and predictions; it is not compiled. TF.js' own layer stays registered for
 * whatever else is loaded.
 *
 * Code in a file (Lambda, classes of your own) is never run. Axes that tf-keras saved one too high, with ghost batches
 * (keras-team/keras#16713), are set right by the shape of the weights.
 *
 * @param source a path in Node; a `File`, `Blob`, `ArrayBuffer` or `Uint8Array`; or a list of files, one of them
 *   `model.json`
 * @throws ValueError for a file that is damaged, or holds what TF.js lacks: it names the layer, and the fix. Nothing
 *   is left in memory then.
 * @throws TypeError for a source of another type
 * @example
 * ```ts
 * const bytes = await saveKerasModel(
 *   tf.sequential({ layers: [layerBatchNormalization({ renorm: true, inputShape: [4] })] }),
 *   null,
 *   { for: 'tf-keras' },
 * );
 * const model = await loadKerasModel(bytes);
 * console.log(model.layers.at(-1)?.weights.length); // 7
 * ```
 */
export async function loadKerasModel(source: KerasSource): Promise<LayersModel> {
  const opened = await openModel(await openSource(source));
  const { config, findings } = importModel(opened.config, opened.dialect);
  findings.throwIfBlocked();
  for (const note of findings.notes) console.warn(note);
  correctGhostAxes(config, opened.shapeOf);
  const { model, discard } = buildModel(structuredClone(config), opened.capacity);
  try {
    opened.fill(model, config);
    return model;
  } catch (error) {
    discard();
    throw error;
  }
}

/** Takes a file apart, whatever its format. */
export function openModel(source: OpenedSource): Promise<OpenedModel> {
  switch (source.format) {
    case 'hdf5':
      return Promise.resolve(openHdf5(source.bytes));
    case 'zip':
      return openArchive(source.bytes);
    case 'json':
      return openTopology(source);
  }
}
