/** @file The batch normalizations of a model, this library's and TF.js' own, with what surrounds each of them. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { BatchNormalization } from '../layer/batch-normalization.js';
import {
  type Layer,
  type NormalizationLayer,
  buildIfNeeded,
  checkModel,
  innerLayersOf,
  isBatchNormalization,
  isContainer,
  callsOf,
  callsTo,
} from '../model/graph.js';

/** What surrounds one use of a normalization in a model. */
export interface Surroundings {
  /** Where the input comes from. */
  readonly source: Layer;
  /** Whether nothing else takes what `source` gives, here or where else it is called. */
  readonly isOnlyUser: boolean;
  /** What takes the output. */
  readonly followers: readonly Layer[];
}

/** A batch normalization of a model. */
export interface Normalization {
  readonly layer: NormalizationLayer;
  /** The layer's name, behind those of the models and wrappers that it is in: `'encoder/bn1'`. */
  readonly name: string;
  /** One for each time that a run of the model comes to the layer; a model within may be shared too. */
  readonly calls: readonly Surroundings[];
  /** Whether it is in a wrapper, which may call it any number of times, once for each step of a sequence. */
  readonly isWrapped: boolean;
}

/** Whether the layer is this library's, and not TF.js' own. */
export const isEvenkeel = (layer: Layer): layer is BatchNormalization => layer instanceof BatchNormalization;

/**
 * Whether a layer is TF.js' own with an axis other than the last. On cpu and wasm, TF.js infers as if the parameters lay
 * along the last axis, whatever the axis is.
 */
export function isStockOffLastAxis(layer: NormalizationLayer): boolean {
  if (isEvenkeel(layer)) return false;
  const rank = layer.inputSpec[0]!.ndim!;
  return (Number(layer.axis) + rank) % rank !== rank - 1;
}

/** What there is to say of a layer for which `isStockOffLastAxis` holds. */
export const STOCK_AXIS = {
  message:
    "TF.js' own layer infers along the last axis only: with another one, predictions on the cpu and wasm backends are " +
    'wrong, and training throws on all.',
  cure: 'replaceBatchNormalization puts a layer there that is right.',
} as const;

/**
 * The model's batch normalizations, each after those that its input depends on.
 *
 * @throws TypeError for what is no layers model
 */
export function findNormalizations(model: LayersModel): Normalization[] {
  checkModel(model);
  buildIfNeeded(model);
  const found = new Map<NormalizationLayer, { name: string; calls: Surroundings[]; isWrapped: boolean }>();
  const add = (layer: NormalizationLayer, name: string, call: Surroundings, isWrapped: boolean): void => {
    const known = found.get(layer) ?? { name, calls: [], isWrapped: false };
    known.calls.push(call);
    known.isWrapped ||= isWrapped;
    found.set(layer, known);
  };

  const look = (layer: Layer, name: string, surroundings: Surroundings, isWrapped: boolean): void => {
    if (isBatchNormalization(layer)) add(layer, name, surroundings, isWrapped);
    else if (isContainer(layer)) walk(layer, `${name}/`, isWrapped);
    else for (const inner of innerLayersOf(layer)) look(inner, `${name}/${inner.name}`, surroundings, true);
  };
  const walk = (container: LayersModel, prefix: string, isWrapped: boolean): void => {
    const calls = callsOf(container);
    for (const { layer, inputs, outputs } of calls) {
      const takesOutput = (other: (typeof calls)[number]) =>
        other.inputs.some((input) => outputs.includes(input));
      const followers = calls.filter(takesOutput).map((other) => other.layer);
      const source = inputs[0]!.sourceLayer;
      const users = calls.filter((other) => other.inputs.includes(inputs[0]!)).length;
      const isOnlyUser =
        users === 1 && callsTo(source).length === 1 && !container.outputs.includes(inputs[0]!);
      look(layer, prefix + layer.name, { source, isOnlyUser, followers }, isWrapped);
    }
  };
  walk(model, '', false);
  return [...found].map(([layer, rest]) => ({ layer, ...rest }));
}

/**
 * The same, of a model that has some.
 *
 * @param action what needs them: 'recalibrate'
 * @throws ValueError for a model without any
 */
export function normalizationsIn(model: LayersModel, action: string): Normalization[] {
  const normalizations = findNormalizations(model);
  if (normalizations.length > 0) return normalizations;
  throw new ValueError(
    `The model '${model.name}' has no batch normalization, so there is nothing to ${action}.`,
  );
}
