/** @file Loads a model from a file of Keras or TF.js. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkNames } from '../text/names.js';
import { checkBoolean } from '../text/refusal.js';
import { buildModel } from './build-model.js';
import { compileModel } from './compile-model.js';
import { openArchive } from './formats/archive.js';
import { openHdf5 } from './formats/hdf5.js';
import { type OpenedModel, rememberFile } from './formats/opened-model.js';
import { openTopology } from './formats/tfjs.js';
import { correctGhostAxes } from './ghost-axis.js';
import { importModel } from './import-config.js';
import { fillModel } from './set-weights.js';
import { type KerasSource, type OpenedSource, type SourceOptions, openSource } from './source.js';

/** `onProgress` counts the bytes that are fetched, then the weights that are filled in. */
export interface LoadOptions extends SourceOptions {
  /** Whether to compile the model as it was in Keras, with its optimizer's state. Default true. */
  readonly compile?: boolean | undefined;
}

/**
 * Loads a model that tf-keras, R's keras, Keras 3 or TF.js saved: HDF5 (`.h5`), `.keras` archives, and `model.json` with
 * its shards. What the file is, its content says. The model has this library's layer wherever it says
 * `BatchNormalization`, and the same weights and predictions. TF.js' own layer stays registered for whatever else is loaded.
 *
 * A model that was compiled in Keras is compiled as it was, with what its optimizer has kept, so that training goes on
 * where it stopped: the same losses follow. Where TF.js would compute other losses, the model is left uncompiled, and one
 * warning says why; `compile: false` leaves it so.
 *
 * Code in a file (Lambda, classes of your own) is never run. Axes that tf-keras saved one too high, with ghost batches
 * (keras-team/keras#16713), are set right by the shape of the weights.
 *
 * @param source a path in Node; an http(s) address, or a `Response` of one, whose shards are fetched from beside it; a
 *   `File`, `Blob`, `ArrayBuffer` or `Uint8Array`, or a stream of bytes; or a list of files, one of them `model.json`.
 *   Nothing is fetched but what is named.
 * @throws ValueError for a file that is damaged, or holds what TF.js lacks: it names the layer, and the fix; and where
 *   a server refuses. Nothing is left in memory then.
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
export async function loadKerasModel(source: KerasSource, options: LoadOptions = {}): Promise<LayersModel> {
  checkNames('option', 'loadKerasModel', options, ['compile', 'limits', 'signal', 'onProgress']);
  const { compile = true, signal } = options;
  checkBoolean('compile', compile);
  signal?.throwIfAborted();
  const file = await openSource(source, options);
  const opened = await openModel(file);
  const { config, findings } = importModel(opened.config, opened.dialect, file.budget);
  findings.throwIfBlocked();
  findings.warn();
  correctGhostAxes(config, opened.shapeOf);
  const { model, discard } = buildModel(config, opened.capacity);
  try {
    rememberFile(model, config);
    await fillModel(model, opened, 'name', options);
    if (compile && opened.training) compileModel(model, opened.training);
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
      return Promise.resolve(openHdf5(source.bytes, source.budget));
    case 'zip':
      return openArchive(source.bytes, source.budget);
    case 'json':
      return openTopology(source);
  }
}
