/**
 * @file Builds a checked configuration with TF.js and this library's layer; allocates no more than the file holds, and
 * leaves nothing behind on failure.
 */
import type { LayerVariable, LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { resolveRegularizer, serializeObject } from '../layer/keras-objects.js';
import { penaltyOn } from '../layer/variables.js';
import { setActivityRegularizer } from '../model/activity-penalties.js';
import { type Layer, buildIfNeeded, isContainer } from '../model/graph.js';
import { registerKerasLayers } from './registration.js';
import { type LayerConfig, innerConfigs } from './layer-config.js';
import { patchLayers } from '../model/patches.js';
import { withinStack } from '../model/stack.js';
import { reasonOf } from '../text/refusal.js';
import { interceptWeights, isDisposedWeight, registeredClass } from '../model/tensorflow-internals.js';
import { show } from '../text/show.js';

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
    // A layer that is refused may have freed its own.
    for (const variable of made) if (!isDisposedWeight(variable)) variable.dispose();
  };
  let left = capacity;
  // Nothing else runs in between: all of this is synchronous.
  const unregister = registerKerasLayers();
  const stopIntercepting = interceptWeights((layer, name, shape, add) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    left -= size;
    if (!(size >= 0 && left >= 0)) {
      throw new ValueError(
        `Layer ${show(layer.name)} needs a ${name} of shape ${show(shape)}, more numbers than the file holds. ` +
          `The file is damaged.`,
      );
    }
    // Initial values are the file's. TF.js spares itself drawing any where it is asked to, but does not ask stacked cells;
    // and its orthogonal ones (of 4.22) need methods of tensors that its parts alone do not have.
    layer.setFastWeightInitDuringBuild(true);
    const variable = add();
    made.push(variable);
    return variable;
  });
  try {
    const [constructor, fromConfig] = registeredClass(model.className)!;
    const make = fromConfig as (...args: unknown[]) => LayersModel;
    // A copy: TF.js takes the layers out of the configurations of sequential models.
    const { config } = inTurn(structuredClone(model));
    const built = withinStack(model.savedName, () => {
      const container = make(constructor, config);
      // TF.js would build a chain when it first runs.
      buildIfNeeded(container);
      return container;
    });
    patchLayers(built);
    regularizeActivities(model, built);
    return { model: built, discard };
  } catch (error) {
    discard();
    if (error instanceof ValueError) throw error;
    throw new ValueError(`TF.js cannot build the model of this file: ${reasonOf(error)}`, { cause: error });
  } finally {
    stopIntercepting();
    unregister();
  }
}

/** The same, with the layers of functional models as TF.js is to call them. */
function inTurn(layer: LayerConfig): LayerConfig {
  layer.config.layers?.sort((one, other) => (one.turn ?? 0) - (other.turn ?? 0));
  innerConfigs(layer).forEach(inTurn);
  return layer;
}

/** Gives the layers of a model, and of those in it, their penalties on activity. */
function regularizeActivities({ config, activityRegularizer }: LayerConfig, layer: Layer): void {
  const regularizer = resolveRegularizer('activityRegularizer', activityRegularizer);
  if (regularizer) {
    setActivityRegularizer(layer, {
      penaltyOn: (output) => penaltyOn(regularizer, output),
      saved: serializeObject(regularizer)!,
    });
  }
  if (!isContainer(layer)) return;
  const members = new Map(layer.layers.map((member) => [member.name, member]));
  for (const member of config.layers!) {
    const built = members.get(member.config.name);
    if (built) regularizeActivities(member, built);
  }
}
