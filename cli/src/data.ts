/** @file Data for a model from a file. It brings TF.js with it. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type FitOptions, type FittedData, fitData, readArrays } from 'evenkeel/data';
import type { BackendSettings } from './options.js';

/** @throws ValueError where the file cannot be read, or does not fit the model's inputs */
export const openData = async (
  model: LayersModel,
  path: string,
  options: FitOptions & BackendSettings,
): Promise<FittedData> => fitData(model, await readArrays(path, { limits: options.limit }), options);
