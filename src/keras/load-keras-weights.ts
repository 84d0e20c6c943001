/** @file Gives a model the weights of a file. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { buildIfNeeded, checkModel } from '../model/graph.js';
import { makeBreather } from '../model/progress.js';
import { checkNames } from '../text/names.js';
import { checkBoolean } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { openArchiveWeights } from './formats/archive.js';
import { openHdf5Weights } from './formats/hdf5.js';
import type { LayerMatch, OpenedWeights } from './formats/opened-model.js';
import { openTopology } from './formats/tfjs.js';
import { type Filling, MismatchError, readMatch, setWeight } from './set-weights.js';
import { type KerasSource, type OpenedSource, type SourceOptions, openSource } from './source.js';

/** `onProgress` counts the bytes that are fetched, then the layers that are read. */
export interface WeightOptions extends SourceOptions {
  /**
   * Whether layers go by their names, as `by_name=True` in Keras: layers of the model that the file lacks stay as they
   * are, and so do those of the file that the model lacks. Default false: by their order.
   */
  readonly byName?: boolean | undefined;
  /** Whether layers with other shapes than in the file stay as they are, instead of an error. Default false. */
  readonly skipMismatch?: boolean | undefined;
}

/** What became of each layer that has weights. */
export interface WeightReport {
  /** Layers of the model that got the file's weights, by their paths. */
  readonly loaded: readonly string[];
  /** Layers of the model that stayed as they were. */
  readonly left: readonly string[];
  /** What the file has, by its own names, and the model has not. */
  readonly unused: readonly string[];
}

/**
 * Gives a model the weights of a file: of `save_weights` in Keras 3 and tf-keras (`.weights.h5`, and HDF5 as Keras 2
 * wrote it), or of a whole model (`.h5`, `.keras`, `model.json` with its shards). The model is one that
 * `loadKerasModel` loaded, or one that was built in TF.js of the same layers. All is compared before any weight changes.
 *
 * Layers go by their order, as in Keras, whatever their names; or by their names with `byName`. `.keras` and
 * `.weights.h5` files count the layers of each class; they hold no names. A `model.json` of TF.js goes by names.
 *
 * @param source as for `loadKerasModel`
 * @throws ValueError where layers, numbers of weights or shapes differ: it names the layer, and the fix; and for what
 *   `loadKerasModel` refuses. The model is as it was then.
 * @throws TypeError for something else than a model or a source
 * @example
 * ```ts
 * const trained = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'trained' })] });
 * const bytes = await saveKerasModel(trained, null, { for: 'keras3' });
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'mine' })] });
 * console.log((await loadKerasWeights(model, bytes)).loaded); // [ 'mine' ]
 * ```
 */
export async function loadKerasWeights(
  model: LayersModel,
  source: KerasSource,
  options: WeightOptions = {},
): Promise<WeightReport> {
  checkModel(model);
  checkNames('option', 'loadKerasWeights', options, [
    'byName',
    'skipMismatch',
    'limits',
    'signal',
    'onProgress',
  ]);
  const { byName = false, skipMismatch = false, signal, onProgress } = options;
  checkBoolean('byName', byName);
  checkBoolean('skipMismatch', skipMismatch);
  signal?.throwIfAborted();
  buildIfNeeded(model);
  const opened = await openWeights(await openSource(source, options));
  if (byName && !opened.hasNames) {
    throw new ValueError(
      'byName: the file has no names of layers, as .keras and .weights.h5 files. Leave it out.',
    );
  }
  const matches = [...opened.match(model, byName ? 'name' : 'order')];
  if (!byName) checkLayers(matches, skipMismatch);
  const breathe = makeBreather(signal);
  const fillings: Filling[] = [];
  const report = { loaded: [] as string[], left: [] as string[], unused: [] as string[] };
  for (const [i, match] of matches.entries()) {
    if (match.weights.length === 0) report.unused.push(match.name);
    else if (match.stored.length === 0) report.left.push(match.path);
    else {
      const read = readLayer(match, skipMismatch);
      fillings.push(...read);
      report[read.length > 0 ? 'loaded' : 'left'].push(match.path);
    }
    onProgress?.({ done: i + 1, total: matches.length, step: match.name });
    await breathe();
  }
  // Nothing can fail from here on.
  for (const filling of fillings) setWeight(filling);
  return report;
}

function openWeights(source: OpenedSource): OpenedWeights | Promise<OpenedWeights> {
  switch (source.format) {
    case 'hdf5':
      return openHdf5Weights(source.bytes, source.budget);
    case 'zip':
      return openArchiveWeights(source.bytes, source.budget);
    case 'json':
      return openTopology(source);
  }
}

const ADVICE =
  'Build the model as it was when the weights were saved; or leave out what differs by skipMismatch: true, or by ' +
  'byName: true where the file has names.';

function readLayer(match: LayerMatch, skipMismatch: boolean): Filling[] {
  try {
    return [...readMatch(match, ADVICE)];
  } catch (error) {
    if (skipMismatch && error instanceof MismatchError) return [];
    throw error;
  }
}

/** @throws ValueError where one side has layers that the other lacks */
function checkLayers(matches: readonly LayerMatch[], skipMismatch: boolean): void {
  if (skipMismatch) return;
  const missing = matches.filter(({ stored }) => stored.length === 0).map(({ path }) => path);
  const unused = matches.filter(({ weights }) => weights.length === 0).map(({ name }) => name);
  if (missing.length + unused.length === 0) return;
  const common = matches.length - missing.length - unused.length;
  const beyond = [
    ...(missing.length > 0 ? [`the model also has ${show(missing)}`] : []),
    ...(unused.length > 0 ? [`the file also has ${show(unused)}`] : []),
  ];
  throw new ValueError(
    `The model and the file share ${common} layers with weights; ${beyond.join(', and ')}. ${ADVICE}`,
  );
}
