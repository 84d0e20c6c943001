/** @file Says whether a model would load, and what keeps it from loading, without making it. */
import { checkNames } from '../text/names.js';
import type { Blocker } from './blockers.js';
import { importModel } from './import-config.js';
import { type LayerConfig, innerConfigs } from './layer-config.js';
import { openModel } from './load-keras-model.js';
import { type KerasSource, type SourceOptions, openSource } from './source.js';

/** What {@link checkKerasModel} finds out about a file. */
export interface KerasModelCheck {
  /** What the file is. */
  readonly format: 'h5' | 'keras' | 'json';
  /** The version of Keras that wrote it: '2.15.0', '3.15.1'; '' where it does not say. */
  readonly kerasVersion: string;
  /** How many layers of each class there are, models within the model included, by Keras' names of the classes. */
  readonly layers: Readonly<Record<string, number>>;
  /** What keeps it from loading; nothing where it loads. */
  readonly blockers: readonly Blocker[];
  /** What will differ from Keras, or have another name. */
  readonly notes: readonly string[];
}

const FORMATS = { hdf5: 'h5', zip: 'keras', json: 'json' } as const;

/**
 * Reads what a file says of its layers, and tells all that keeps it from loading at once. Builds no model and takes no
 * memory for weights.
 *
 * @param source as for `loadKerasModel`
 * @throws ValueError for a file that is damaged, or no model
 * @throws TypeError for a source of another type
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [4] })] });
 * const bytes = await saveKerasModel(model, null, { for: 'keras3' });
 * const { kerasVersion, blockers } = await checkKerasModel(bytes);
 * console.log(kerasVersion.startsWith('3.'), blockers.length); // true 0
 * ```
 */
export async function checkKerasModel(
  source: KerasSource,
  options: SourceOptions = {},
): Promise<KerasModelCheck> {
  checkNames('option', 'checkKerasModel', options, ['limits', 'signal', 'onProgress']);
  const opened = await openSource(source, options);
  const { config: saved, dialect, version } = await openModel(opened);
  const { config, findings } = importModel(saved, dialect, opened.budget);
  // Not an object, which has some names before they are counted.
  const layers = new Map<string, number>();
  for (const name of classesIn(config)) layers.set(name, (layers.get(name) ?? 0) + 1);
  return {
    format: FORMATS[opened.format],
    kerasVersion: version,
    layers: Object.fromEntries(layers),
    blockers: findings.blockers,
    notes: findings.notes,
  };
}

/** The classes of all layers within one, wrappers and models too. */
const classesIn = (layer: LayerConfig): string[] =>
  innerConfigs(layer).flatMap((one) => [one.className, ...classesIn(one)]);
