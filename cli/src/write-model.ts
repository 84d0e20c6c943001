/** @file Writes a model in the format that the name of its file says. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkWritable, readArchive, writeFiles } from 'evenkeel/data';
import { type Dialect, saveKerasModel } from 'evenkeel/keras';
import { UsageError } from '../../shared/usage-error.js';

type Format = 'h5' | 'keras' | 'json';

const FORMATS: Readonly<Record<string, Format>> = {
  '.h5': 'h5',
  '.hdf5': 'h5',
  '.keras': 'keras',
  '.json': 'json',
};

/** Where a model goes, and how. A Keras file is written for one Keras or the other. */
export type Target = { readonly path: string } & (
  { readonly format: 'json' } | { readonly format: 'h5' | 'keras'; readonly dialect: Dialect }
);

/**
 * What a name and an option ask for. Of `.keras` alone there are two kinds; unless said otherwise, a model stays of the
 * kind that it was.
 *
 * @param source the model's own file
 * @throws UsageError where the name does not say a format, or the option does not go with it
 * @throws ValueError where no file can be written there
 */
export async function chooseTarget(
  path: string,
  source: string,
  dialect: Dialect | undefined,
): Promise<Target> {
  const format = FORMATS[extname(path).toLowerCase()];
  if (!format) {
    throw new UsageError(
      `The output '${path}' must end in .h5, .keras or .json (TensorFlow.js), which says the format to write.`,
    );
  }
  if (dialect === 'keras3' && format !== 'keras') {
    throw new UsageError(`--for keras3 goes with an output that ends in .keras, not with '${path}'.`);
  }
  await checkWritable(path);
  if (format === 'json') return { path, format };
  return { path, format, dialect: dialect ?? (format === 'keras' ? await dialectOf(source) : 'tf-keras') };
}

/** Keras 3 where it says so in its archive. */
async function dialectOf(path: string): Promise<Dialect> {
  try {
    const files = await readArchive(await readFile(path), ['metadata.json']);
    const metadata = JSON.parse(new TextDecoder().decode(files.get('metadata.json'))) as {
      keras_version?: unknown;
    };
    return String(metadata.keras_version).startsWith('3') ? 'keras3' : 'tf-keras';
  } catch {
    // No archive, or a damaged one, of which whoever loads it tells more.
    return 'tf-keras';
  }
}

/**
 * @throws ValueError where the format cannot hold the model, or a file cannot be written
 * @throws the signal's reason
 */
export async function writeModel(model: LayersModel, target: Target, signal: AbortSignal): Promise<string[]> {
  const { path } = target;
  const files =
    target.format === 'json'
      ? await asTopology(model, path)
      : new Map([[path, await saveKerasModel(model, null, { for: target.dialect, format: target.format })]]);
  signal.throwIfAborted();
  await writeFiles(files);
  return [...files.keys()];
}

/** As large as tensorflowjs' converter makes them: browsers keep files of that size in their caches. */
const SHARD_BYTES = 4 * 2 ** 20;

/** TF.js' `model.json`, and its shards beside it. The shards come first, so that what names them is written last. */
async function asTopology(model: LayersModel, path: string): Promise<Map<string, Uint8Array>> {
  let artifacts: io.ModelArtifacts | undefined;
  await model.save({
    save(saved) {
      artifacts = saved;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    },
  });
  const { modelTopology, weightSpecs, weightData, format, generatedBy } = artifacts!;
  const parts = [weightData ?? []].flat().map((part) => new Uint8Array(part));
  const bytes = Buffer.concat(parts);
  const count = Math.max(1, Math.ceil(bytes.length / SHARD_BYTES));
  const stem = basename(path, extname(path));
  const shards = Array.from({ length: count }, (_, i) => ({
    name: `${stem}-shard${i + 1}of${count}.bin`,
    bytes: bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES),
  }));
  const weightsManifest = [{ paths: shards.map(({ name }) => name), weights: weightSpecs }];
  const json = { format, generatedBy, convertedBy: null, modelTopology, weightsManifest };
  return new Map([
    ...shards.map((shard) => [join(dirname(path), shard.name), shard.bytes] as const),
    [path, new TextEncoder().encode(JSON.stringify(json))],
  ]);
}
