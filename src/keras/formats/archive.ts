/** @file Models in `.keras` archives, and weights in folders, as they have them and `.weights.h5` of the same format. */
import { type Files, readArchive } from '../../data/archive.js';
import { ValueError } from '../../text/value-error.js';
import { type Hdf5File, numbersIn, readHdf5 } from '../hdf5-reader.js';
import { type Json, expectObject, isObject, parseJson } from '../json.js';
import type { LayerConfig } from '../layer-config.js';
import { type Placed, numberedFolders, treeOf, weightsByFolder } from '../weight-order.js';
import {
  type LayerMatch,
  type OpenedModel,
  type OpenedWeights,
  decode,
  dialectOf,
  fileOrder,
  versionIn,
} from './opened-model.js';

/** `.keras`: a zip of the configuration and an HDF5 file, in which weights lie in folders named after classes. */
export async function openArchive(bytes: Uint8Array): Promise<OpenedModel> {
  const names = ['config.json', 'metadata.json', 'model.weights.h5'] as const;
  const files = await readArchive(bytes, {
    includes: (name) => (names as readonly string[]).includes(name) || VOCABULARY.test(name),
  });
  const [config, metadata, weights] = names.map((name) => files.get(name));
  if (!config || !weights) {
    throw new ValueError(
      `The zip archive has no ${config ? 'model.weights.h5' : 'config.json'}: it is no .keras file, or not a whole one. ` +
        `Save the model in Keras with model.save('model.keras').`,
    );
  }
  const { keras_version: savedVersion } = expectObject(
    metadata ? parseJson(decode(metadata), 'metadata.json') : {},
    'metadata.json',
  );
  const version = versionIn(savedVersion);
  const file = readHdf5(weights);
  const opened = weightsInFolders(file, numbersIn(weights.length));
  return {
    ...opened,
    config: withVocabularies(parseJson(decode(config), 'config.json'), 'assets', files),
    dialect: dialectOf(version),
    version,
  };
}

/** What lookups keep beside their weights. */
const VOCABULARY = /^assets\/.*\/vocabulary\.txt$/;

/** The configuration with the vocabularies that lie in files of their own, where Keras found them by adapt. */
function withVocabularies(saved: Json, folder: string, files: Files): Json {
  if (!isObject(saved) || !isObject(saved.config)) return saved;
  const { config } = saved;
  if (Array.isArray(config.layers)) {
    const names = numberedFolders(
      config.layers.map((layer) =>
        isObject(layer) && typeof layer.class_name === 'string' ? layer.class_name : '',
      ),
    );
    const layers = config.layers.map((layer, i) =>
      withVocabularies(layer, `${folder}/layers/${names[i]!}`, files),
    );
    return { ...saved, config: { ...config, layers } };
  }
  const lines = files.get(`${folder}/vocabulary.txt`);
  if (!lines || config.vocabulary != null) return saved;
  // Empty lines at the end are none.
  const tokens = decode(lines)
    .replace(/[\r\n]+$/, '')
    .split(/\r?\n/);
  const vocabulary = saved.class_name === 'IntegerLookup' ? tokens.map(Number) : tokens;
  return { ...saved, config: { ...config, vocabulary } };
}

/** tf-keras up to 2.13 had another name for the folder of layers, at every level, and the separator of Windows. */
const OLD_FOLDER = '_layer_checkpoint_dependencies';

/** Whether a file has its weights in folders. */
export const hasFolders = (file: Hdf5File): boolean => file.has('layers') || file.has(OLD_FOLDER);

export function weightsInFolders(file: Hdf5File, capacity: number): OpenedWeights {
  const written = (folder: string) =>
    file.has('layers') ? folder : folder.replaceAll(/(^|\/)layers\//g, `$1${OLD_FOLDER}/`);
  return {
    capacity,
    shapeOf(path) {
      const weight = `${written(folderOf(path))}/vars/0`;
      return file.has(weight) ? file.array(weight).shape : null;
    },
    *match(model) {
      for (const weights of byLayer(weightsByFolder(treeOf(model, fileOrder)))) {
        const folder = `${written(weights[0]!.folder)}/vars`;
        yield { name: folder, weights, stored: storedIn(file, folder) };
      }
    },
  };
}

/** The folders of weights that no layer of a model asked for. Of a whole model, layers keep more in there than weights. */
export function* foldersBeside(file: Hdf5File, matched: ReadonlySet<string>): Generator<LayerMatch> {
  for (const folder of foldersOf(file, file.has('layers') ? 'layers' : OLD_FOLDER, 0)) {
    if (!matched.has(folder)) yield { name: folder, weights: [], stored: storedIn(file, folder) };
  }
}

const storedIn = (file: Hdf5File, folder: string): LayerMatch['stored'] =>
  file
    .keys(folder)
    .sort((a, b) => Number(a) - Number(b))
    .map((name) => () => file.array(`${folder}/${name}`));

/** Weights that follow one another and are of the same layer. */
function byLayer(weights: readonly Placed[]): Placed[][] {
  const groups: Placed[][] = [];
  for (const weight of weights) {
    const last = groups.at(-1);
    if (last?.[0]!.layer === weight.layer) last.push(weight);
    else groups.push([weight]);
  }
  return groups;
}

/** What layers keep beside their weights: the states of random numbers. */
const SEEDS = /seed_generator/;

/** Layers within layers are read by recursion, and a damaged file may have a folder within itself. */
const DEEPEST = 100;

/** Every folder of weights below `path`. */
function* foldersOf(file: Hdf5File, path: string, depth: number): Generator<string> {
  if (depth > DEEPEST) throw new ValueError('Its folders are nested too deeply. The file is damaged.');
  for (const name of file.keys(path)) {
    const inner = `${path}/${name}`;
    if (SEEDS.test(name)) continue;
    if (name !== 'vars') yield* foldersOf(file, inner, depth + 1);
    else if (file.keys(inner).length > 0) yield inner;
  }
}

/** The folder of the last layer of a path, as `treeOf` names it. */
function folderOf(path: readonly LayerConfig[]): string {
  return path
    .slice(1)
    .map((layer, i) => {
      const siblings = path[i]!.config.layers;
      if (!siblings) return 'layer';
      const folders = numberedFolders(siblings.map(({ className }) => className));
      return `layers/${folders[siblings.indexOf(layer)]!}`;
    })
    .join('/');
}
