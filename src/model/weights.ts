/** @file Gives a built model the weights of its file, exactly as they are. */
import { type Tensor, type Variable, tensor, tidy } from '@tensorflow/tfjs-core';
import { ValueError } from '../text/value-error.js';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { showShape } from '../text/show.js';
import type { StoredArray } from '../keras/hdf5-reader.js';
import type { Placed } from '../keras/weight-order.js';
import { quote } from '../text/refusal.js';

/** @throws ValueError where the shapes differ */
export function setWeight({ layer, variable }: Placed, { shape, values }: StoredArray): void {
  if (shape.length !== variable.shape.length || !shape.every((size, i) => size === variable.shape[i])) {
    throw new ValueError(
      `Layer ${quote(layer.name)}: its ${variable.originalName.replace(/^.*\//, '')} has shape ` +
        `${showShape(variable.shape)} by the configuration, and ${showShape(shape)} in the file. The file is damaged.`,
    );
  }
  tidy(() => {
    const value = tensor(values, [...shape], 'float32');
    // TF.js projects what is written by the constraint; a loaded weight stays as it was saved.
    if (layer instanceof BatchNormalization) variable.write(value);
    else {
      const current: Tensor & Partial<Pick<Variable, 'assign'>> = variable.read();
      current.assign?.(value);
    }
  });
}
