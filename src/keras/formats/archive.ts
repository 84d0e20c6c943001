/** @file Models in `.keras` archives, and weights in folders, as they have them and `.weights.h5` of the same format. */
import { type Files, unpackArchive } from '../../data/archive.js';
import type { Budget } from '../../data/limits.js';
import { makeBreather } from '../../model/progress.js';
import { ValueError } from '../../text/value-error.js';
import { type Hdf5File, readHdf5 } from '../../data/hdf5/hdf5.js';
import { type Json, decodeText, expectObject, isObject, readJson } from '../json.js';
import type { LayerConfig } from '../layer-config.js';
import { type Placed, numberedFolders, folderInTfKeras, treeOf, weightsByFolder } from '../weight-order.js';
import {
  type LayerMatch,
  type OpenedModel,
  type OpenedWeights,
  dialectOf,
  fileOrder,
  numbersIn,
  savedClassOf,
  versionIn,
} from './opened-model.js';

interface Parts {
  readonly config: Uint8Array;
  readonly metadata: Uint8Array | undefined;
  readonly weights: Uint8Array;
  readonly files: Files;
}

async function partsOf(bytes: Uint8Array, budget: Budget): Promise<Parts> {
  const names = ['config.json', 'metadata.json', 'model.weights.h5'] as const;
  const wanted = {
    includes: (name: string) => (names as readonly string[]).includes(name) || VOCABULARY.test(name),
  };
  const files = await unpackArchive(bytes, wanted, budget, makeBreather(undefined));
  const [config, metadata, weights] = names.map((name) => files.get(name));
  if (config && weights) return { config, metadata, weights, files };
  throw new ValueError(
    `The zip archive has no ${config ? 'model.weights.h5' : 'config.json'}: it is no .keras file, or not a whole one. ` +
      `Save the model in Keras with model.save('model.keras').`,
  );
}

/** `.keras`: a zip of the configuration and an HDF5 file, in which weights lie in folders named after classes. */
export async function openArchive(bytes: Uint8Array, budget: Budget): Promise<OpenedModel> {
  const { config: configText, metadata, weights, files } = await partsOf(bytes, budget);
  const { keras_version: savedVersion } = expectObject(
    metadata ? readJson(metadata, 'metadata.json', budget) : {},
    'metadata.json',
  );
  const version = versionIn(savedVersion);
  const file = readHdf5(weights, budget);
  const config = readJson(configText, 'config.json', budget);
  const { compile_config: compiled = null } = isObject(config) ? config : {};
  // An empty one is of a model that was not compiled.
  const isCompiled = isObject(compiled) && Object.keys(compiled).length > 0;
  return {
    // Layers keep more in there than weights.
    ...weightsInFolders(file, numbersIn(weights.length), budget, { withRest: false }),
    config: withVocabularies(config, 'assets', files, budget),
    training: isCompiled
      ? {
          config: compiled,
          optimizerWeights: () => storedIn(file, 'optimizer/vars').map((read) => read()),
        }
      : null,
    dialect: dialectOf(version),
    version,
  };
}

/** What lookups keep beside their weights. */
const VOCABULARY = /^assets\/.*\/vocabulary\.txt$/;

/** The configuration with the vocabularies that lie in files of their own, where Keras found them by adapt. */
function withVocabularies(saved: Json, folder: string, files: Files, budget: Budget): Json {
  if (!isObject(saved) || !isObject(saved.config)) return saved;
  const { config } = saved;
  if (Array.isArray(config.layers)) {
    const names = numberedFolders(
      config.layers.map((layer) =>
        isObject(layer) && typeof layer.class_name === 'string' ? layer.class_name : '',
      ),
    );
    const layers = config.layers.map((layer, i) =>
      withVocabularies(layer, `${folder}/layers/${names[i]!}`, files, budget),
    );
    return { ...saved, config: { ...config, layers } };
  }
  const name = `${folder}/vocabulary.txt`;
  const content = files.get(name);
  if (!content || config.vocabulary != null) return saved;
  let lines = 0;
  for (const byte of content) if (byte === 0x0a) lines++;
  budget.take('steps', lines, name);
  const tokens = decodeText(content, name).split(/\r?\n/);
  // Empty lines at the end are none.
  while (tokens.length > 1 && tokens.at(-1) === '') tokens.pop();
  const vocabulary = saved.class_name === 'IntegerLookup' ? tokens.map(Number) : tokens;
  return { ...saved, config: { ...config, vocabulary } };
}

/** The weights of an archive for another model than that in it. */
export async function openArchiveWeights(bytes: Uint8Array, budget: Budget): Promise<OpenedWeights> {
  const { weights } = await partsOf(bytes, budget);
  return weightsInFolders(readHdf5(weights, budget), numbersIn(weights.length), budget, { withRest: true });
}

/** tf-keras up to 2.13 had another name for the folder of layers, at every level, and the separator of Windows. */
const OLD_FOLDER = '_layer_checkpoint_dependencies';

/** Whether a file has its weights in folders. */
export const hasFolders = (file: Hdf5File): boolean => file.has('layers') || file.has(OLD_FOLDER);

/** @param withRest whether folders that no layer of the model asks for are told of */
export function weightsInFolders(
  file: Hdf5File,
  capacity: number,
  budget: Budget,
  { withRest }: { withRest: boolean },
): OpenedWeights {
  const written = (folder: string) =>
    file.has('layers') ? folder : folder.replaceAll(/(^|\/)layers\//g, `$1${OLD_FOLDER}/`);
  return {
    capacity,
    shapeOf(path) {
      const weight = `${written(folderOf(path))}/vars/0`;
      return file.has(weight) ? file.shape(weight) : null;
    },
    hasNames: false,
    *match(model) {
      const matched = new Set<string>();
      for (const weights of byLayer(weightsByFolder(treeOf(model, fileOrder, savedClassOf)))) {
        const own = written(weights[0]!.folder);
        const name = `${file.has(own) ? own : folderInTfKeras(own)}/vars`;
        matched.add(name);
        const path = weights[0]!.names.slice(1).join('/');
        yield { name, path, weights, stored: storedIn(file, name) };
      }
      if (!withRest) return;
      for (const name of foldersOf(file, file.has('layers') ? 'layers' : OLD_FOLDER, budget)) {
        if (!matched.has(name)) yield { name, path: '', weights: [], stored: storedIn(file, name) };
      }
    },
  };
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

/**
 * Every folder of weights below `path`.
 *
 * @throws ValueError where there is no end of them: a damaged file may have a folder within itself, and folders that lie
 *   in several others multiply
 */
function* foldersOf(file: Hdf5File, path: string, budget: Budget, depth = 1): Generator<string> {
  budget.checkDepth(depth, 'The folders of the weights');
  for (const name of file.keys(path)) {
    const inner = `${path}/${name}`;
    budget.take('entries', 1, 'The folders of the weights');
    if (SEEDS.test(name)) continue;
    if (name !== 'vars') yield* foldersOf(file, inner, budget, depth + 1);
    else if (file.keys(inner).length > 0) yield inner;
  }
}

/** The folders of the layers of containers, which are thousands. */
const folders = new WeakMap<readonly LayerConfig[], ReadonlyMap<LayerConfig, string>>();

function foldersAmong(siblings: readonly LayerConfig[]): ReadonlyMap<LayerConfig, string> {
  const known = folders.get(siblings);
  if (known) return known;
  const names = numberedFolders(siblings.map(({ className, savedClass }) => savedClass ?? className));
  const made = new Map(siblings.map((layer, i) => [layer, names[i]!]));
  folders.set(siblings, made);
  return made;
}

/** The folder of the last layer of a path, as `treeOf` names it. */
const folderOf = (path: readonly LayerConfig[]): string =>
  path
    .slice(1)
    .map((layer, i) => {
      const siblings = path[i]!.config.layers;
      return siblings ? `layers/${foldersAmong(siblings).get(layer)!}` : 'layer';
    })
    .join('/');
