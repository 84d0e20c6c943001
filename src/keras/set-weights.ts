/** @file Gives a model the weights of a file, exactly as they are. */
import { cast, tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type ToolOptions, makeBreather } from '../model/progress.js';
import { assignExactly } from '../model/weights.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import type { LayerMatch, OpenedWeights } from './formats/opened-model.js';
import type { StoredArray } from '../data/elements.js';
import { type Placed, treeOf, weightsByFolder } from './weight-order.js';

/** What a weight gets. */
export interface Filling {
  readonly weight: Placed;
  readonly stored: StoredArray;
}

/** A layer whose weights are others in the file. */
export class MismatchError extends ValueError {}

/** What is said of a file whose parts do not fit each other. */
const DAMAGED = 'The file is damaged.';

/**
 * Fills a model that was built by the file's own configuration, layer by layer.
 *
 * @throws ValueError where file and model do not fit
 */
export async function fillModel(
  model: LayersModel,
  opened: OpenedWeights,
  by: 'name' | 'order',
  { signal, onProgress }: ToolOptions,
): Promise<void> {
  const breathe = makeBreather(signal);
  const total = weightsByFolder(treeOf(model)).length;
  let done = 0;
  const rest: string[] = [];
  for (const match of opened.match(model, by)) {
    if (match.weights.length === 0) rest.push(match.name);
    for (const filling of readMatch(match, DAMAGED)) {
      setWeight(filling);
      onProgress?.({ done: ++done, total, step: match.name });
    }
    await breathe();
  }
  refuseRest(rest);
}

/**
 * The weights of a layer and what they get, compared before anything is changed; none for a layer that the model lacks.
 *
 * @param advice the end of the message where they do not fit
 * @throws ValueError where the numbers of weights or their shapes differ
 */
export function* readMatch({ name, weights, stored }: LayerMatch, advice: string): Generator<Filling> {
  if (weights.length === 0) return;
  const { layer } = weights[0]!;
  if (stored.length !== weights.length) {
    throw new MismatchError(
      `Layer ${show(layer.name)} has ${weights.length} weights, and ${show(name)} of the file has ${stored.length}. ${advice}`,
    );
  }
  for (const [i, weight] of weights.entries()) {
    const { variable } = weight;
    const array = stored[i]!();
    if (
      array.shape.length !== variable.shape.length ||
      !array.shape.every((size, d) => size === variable.shape[d])
    ) {
      throw new MismatchError(
        `Layer ${show(weight.layer.name)}: its ${variable.originalName.replace(/^.*\//, '')} has shape ` +
          `${show(variable.shape)} in the model, and ${show(array.shape)} in the file. ${advice}`,
      );
    }
    yield { weight, stored: array };
  }
}

export function setWeight({ weight: { variable }, stored: { shape, values } }: Filling): void {
  tidy(() => {
    assignExactly(variable, cast(tensor(values, [...shape], 'float32'), variable.dtype));
  });
}

function refuseRest(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new ValueError(`The file has weights of ${show(names)}, which the model does not have.`);
}
