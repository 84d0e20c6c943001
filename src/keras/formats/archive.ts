/** @file Models in `.keras` archives. */
import { readArchive } from '../../data/archive.js';
import { ValueError } from '../../text/value-error.js';
import { numbersIn, readHdf5 } from '../hdf5-reader.js';
import { expectObject, parseJson } from '../json.js';
import type { LayerConfig } from '../layer-config.js';
import { setWeight } from '../set-weights.js';
import { numberedFolders, treeOf, weightsByFolder } from '../weight-order.js';
import { type OpenedModel, decode, dialectOf, fileOrder, versionIn } from './opened-model.js';
import { show } from '../../text/show.js';

/** `.keras`: a zip of the configuration and an HDF5 file, in which weights lie in folders named after classes. */
export async function openArchive(bytes: Uint8Array): Promise<OpenedModel> {
  const names = ['config.json', 'metadata.json', 'model.weights.h5'] as const;
  const files = await readArchive(bytes, names);
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
  // tf-keras up to 2.13 had another name for the folder of layers, and the separator of Windows.
  const written = (folder: string) =>
    file.has('layers') ? folder : folder.replaceAll(/(^|\/)layers\//g, '$1_layer_checkpoint_dependencies/');
  return {
    config: parseJson(decode(config), 'config.json'),
    dialect: dialectOf(version),
    version,
    capacity: numbersIn(weights),
    shapeOf(path) {
      const weight = `${written(folderOf(path))}/vars/0`;
      return file.has(weight) ? file.array(weight).shape : null;
    },
    fill(model, imported) {
      const tree = treeOf(model, fileOrder(model, imported));
      for (const weight of weightsByFolder(tree)) {
        const path = `${written(weight.folder)}/vars/${weight.index}`;
        if (!file.has(path)) {
          throw new ValueError(`Layer ${show(weight.layer.name)}: the file has no weight at ${show(path)}.`);
        }
        setWeight(weight, file.array(path));
      }
    },
  };
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
