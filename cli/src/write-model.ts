/** @file Writes a model in the format that the name of its file says. */
import { dirname, extname, join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type OutputOptions, nameParts, readArchive } from 'evenkeel/data';
import { type Dialect, saveKerasModel } from 'evenkeel/keras';
import { splitModel } from '../../shared/tfjs-files.js';
import { UsageError } from '../../shared/usage-error.js';
import { type InputSettings, inputsOf, pathOf, readIf } from './inputs.js';
import type { TargetSettings } from './options.js';
import { checkOutputFile, writeOutputFile } from './output-files.js';

type Format = 'h5' | 'keras' | 'json';

const FORMATS: Readonly<Record<string, Format>> = {
  '.h5': 'h5',
  '.hdf5': 'h5',
  '.keras': 'keras',
  '.json': 'json',
};

/** Where a model goes, and how. A Keras file is written for one Keras or the other. */
export type Target = Pick<OutputOptions, 'inputs'> & { readonly path: string } & (
    { readonly format: 'json' } | { readonly format: 'h5' | 'keras'; readonly dialect: Dialect }
  );

/**
 * What a name and options ask for. Of `.keras` alone there are two kinds; unless said otherwise, a model stays of the
 * kind that it was.
 *
 * @param source the model's own file
 * @throws UsageError where the name does not say a format, or an option does not go with it
 * @throws ValueError where no file can be written there
 */
export async function chooseTarget(
  path: string,
  source: string,
  settings: TargetSettings & InputSettings,
): Promise<Target> {
  const { for: dialect } = settings;
  const format = FORMATS[extname(path).toLowerCase()];
  if (!format) {
    throw new UsageError(
      `The output '${path}' must end in .h5, .keras or .json (TensorFlow.js), which says the format to write.`,
    );
  }
  if (dialect === 'keras3' && format !== 'keras') {
    throw new UsageError(`--for keras3 goes with an output that ends in .keras, not with '${path}'.`);
  }
  const inputs = await inputsOf(source, settings);
  checkOutputFile(path, { inputs, hasParts: format === 'json' });
  if (format === 'json') return { path, inputs, format };
  const kept = dialect ?? (format === 'keras' ? await dialectOf(source) : 'tf-keras');
  return { path, inputs, format, dialect: kept };
}

/** Keras 3 where it says so in its archive. */
async function dialectOf(source: string): Promise<Dialect> {
  try {
    const bytes = await readIf(pathOf(source), 'PK');
    if (!bytes) return 'tf-keras';
    const files = await readArchive(bytes, ['metadata.json']);
    const metadata = JSON.parse(new TextDecoder().decode(files.get('metadata.json'))) as {
      keras_version?: unknown;
    };
    return String(metadata.keras_version).startsWith('3') ? 'keras3' : 'tf-keras';
  } catch {
    // A damaged archive, of which whoever loads it tells more.
    return 'tf-keras';
  }
}

/**
 * @throws ValueError where the format cannot hold the model, or a file cannot be written
 * @throws the signal's reason
 */
export async function writeModel(model: LayersModel, target: Target, signal: AbortSignal): Promise<string[]> {
  const { path, inputs } = target;
  const { bytes, parts } =
    target.format === 'json'
      ? await asTopology(model, path)
      : {
          bytes: await saveKerasModel(model, null, { for: target.dialect, format: target.format }),
          parts: new Map<string, Uint8Array>(),
        };
  await writeOutputFile(path, bytes, { inputs, parts, signal });
  return [...[...parts.keys()].map((name) => join(dirname(path), name)), path];
}

/** TF.js' `model.json`, and its shards by their names. */
async function asTopology(model: LayersModel, path: string) {
  const { shards, topology } = await splitModel(model);
  const parts = nameParts(path, shards);
  return { bytes: topology([...parts.keys()]), parts };
}
