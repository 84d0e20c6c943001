/** @file Data for a model from files that were dropped: NumPy's arrays (.npy, .npz), or IDX images. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type DataFile, fitData } from 'evenkeel/data';
import { ValueError } from '../../src/text/value-error.js';
import { readDropped } from '../shared/dropped.js';

const stemOf = (name: string): string => name.replace(/(\.npy)?(\.gz)?$/, '');

/** Several files as one. Their arrays have the names of the files, or, where no input is called so, their order. */
function join(files: readonly DataFile[], inputs: readonly string[]): DataFile {
  const [first, ...others] = files;
  if (first && others.length === 0) return first;
  if (files.length !== inputs.length || files.some(({ arrays }) => !arrays.has(''))) {
    throw new ValueError(
      `The model has ${inputs.length} input${inputs.length === 1 ? '' : 's'}, received ${files.length} files. Drop one ` +
        '.npz in which the arrays are named as the inputs, or one .npy or IDX file for each input.',
    );
  }
  const isNamed = files.some(({ name }) => inputs.includes(stemOf(name)));
  const named = files.map(
    ({ name, arrays }, i) => [isNamed ? stemOf(name) : `arr_${i}`, arrays.get('')!] as const,
  );
  return { name: files.map(({ name }) => name).join(', '), format: 'npz', arrays: new Map(named) };
}

/**
 * A tensor for each input of a model. The pixels of IDX images are brought to 0 … 1, as models most often take them.
 *
 * @throws ValueError for files that are damaged, hold something else, or do not fit
 */
export async function readData(dropped: readonly File[], model: LayersModel): Promise<Tensor[]> {
  const files = (await readDropped(dropped)).sort((a, b) => a.name.localeCompare(b.name));
  const { inputs } = model;
  const isOfPixels =
    files.every(({ format }) => format === 'idx') && inputs.every(({ dtype }) => dtype === 'float32');
  const names = inputs.map(({ sourceLayer }) => sourceLayer.name);
  return fitData(model, join(files, names), { divideBy: isOfPixels ? 255 : 1 }).tensors();
}
