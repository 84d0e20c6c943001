/** @file Gives a built model the weights of its file, exactly as they are. */
import { tensor, tidy } from '@tensorflow/tfjs-core';
import { assignExactly } from '../model/weights.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import type { StoredArray } from './hdf5-reader.js';
import type { Placed } from './weight-order.js';

/** @throws ValueError where the shapes differ */
export function setWeight({ layer, variable }: Placed, { shape, values }: StoredArray): void {
  if (shape.length !== variable.shape.length || !shape.every((size, i) => size === variable.shape[i])) {
    throw new ValueError(
      `Layer ${show(layer.name)}: its ${variable.originalName.replace(/^.*\//, '')} has shape ` +
        `${show(variable.shape)} by the configuration, and ${show(shape)} in the file. The file is damaged.`,
    );
  }
  tidy(() => {
    assignExactly(variable, tensor(values, [...shape], 'float32'));
  });
}
