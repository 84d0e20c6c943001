/** @file Has TF.js build a model from a checked configuration, with this library's layer, in bounds, and without a trace where it fails. */
import { tidy } from '@tensorflow/tfjs-core';
import type { LayerVariable, LayersModel, layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { registerBatchNormalization } from '../layer/registration.js';
import type { LayerConfig } from './layer-config.js';
import { patchLayers } from '../model/patches.js';
import { reasonOf } from '../text/refusal.js';
import { isContainer } from '../model/graph.js';
import { interceptWeights, registeredClass } from '../model/tensorflow-internals.js';
import { show } from '../text/show.js';

type Layer = layers.Layer;
export interface BuiltModel {
  readonly model: LayersModel;
  /** Frees every weight, wherever in the model it is. */
  readonly discard: () => void;
}

/**
 * @param capacity how many numbers the file can hold: a configuration that asks for more weights is refused before TF.js
 *   takes the memory for them
 */
export function buildModel(model: LayerConfig, capacity: number): BuiltModel {
  const made: LayerVariable[] = [];
  const discard = () => {
    for (const variable of made) variable.dispose();
  };
  let left = capacity;
  // Nothing else runs in between: all of this is synchronous.
  const unregister = registerBatchNormalization();
  const stopIntercepting = interceptWeights((layer, name, shape, add) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    left -= size;
    if (!(size >= 0 && left >= 0)) {
      throw new ValueError(
        `Layer ${show(layer.name)} wants a ${name} of shape ${show(shape)}, and the file does not hold so many numbers. ` +
          `It is damaged.`,
      );
    }
    const variable = add();
    made.push(variable);
    return variable;
  });
  try {
    const [constructor, fromConfig] = registeredClass(model.className)!;
    // Initial values are the file's: `true` spares TF.js to draw any.
    const build = fromConfig as (...args: unknown[]) => LayersModel;
    let built: LayersModel | undefined;
    // TF.js leaves tensors behind where it draws the first biases of stacked cells.
    tidy(() => {
      built = build(constructor, { ...model.config }, {}, true);
    });
    passTrainingOn(built!);
    patchLayers(built!);
    return { model: built!, discard };
  } catch (error) {
    discard();
    if (error instanceof ValueError) throw error;
    throw new ValueError(`TF.js cannot build the model of this file: ${reasonOf(error)}`, { cause: error });
  } finally {
    stopIntercepting();
    unregister();
  }
}

interface Place {
  callArgs?: { training?: unknown } | null;
}

const placesOf = (layer: Layer): Place[] => (layer as unknown as { inboundNodes: Place[] }).inboundNodes;

/**
 * A nested model that is called with `training=False` passes it on to its layers in Keras, and does not in TF.js: here the
 * layers' own places say so.
 */
function passTrainingOn(container: LayersModel, above?: boolean): void {
  for (const layer of container.layers) {
    if (layer instanceof BatchNormalization && above !== undefined) {
      for (const place of placesOf(layer)) place.callArgs = { training: above, ...place.callArgs };
    }
    if (!isContainer(layer)) continue;
    // Its first place is its own making.
    const said = new Set(
      placesOf(layer)
        .slice(1)
        .map(({ callArgs }) => callArgs?.training ?? above),
    );
    if (said.size > 1) {
      console.warn(
        `The model ${show(layer.name)} is called with different values of training, which TF.js cannot keep apart. ` +
          `Its normalizations take the one of each call of the whole.`,
      );
    }
    const [training] = said.size === 1 ? said : [];
    passTrainingOn(layer, typeof training === 'boolean' ? training : undefined);
  }
}
