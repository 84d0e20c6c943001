/** @file Freezes layers of a model, however deep they lie, so that training leaves them alone. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { nearest } from '../text/names.js';
import { show } from '../text/show.js';
import {
  type FoundLayer,
  type Layer,
  checkModel,
  isBatchNormalization,
  isContainer,
  isTimeDistributed,
  layersOf,
  withInner,
} from '../model/graph.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';

/** Which layers: a glob, where * stands for any characters, a regular expression, or a row of layers. */
export type LayerPattern = string | RegExp | LayerRange;

/** A row of the model's own layers, in their order, as in R's `freeze_weights`. Both ends are in it. */
export interface LayerRange {
  /** The name of the first one. Default: the model's first layer. */
  readonly from?: string | null;
  /** The name of the last one. Default: the model's last layer. */
  readonly to?: string | null;
}

export interface FreezeReport {
  /** The layers that are otherwise than before, by path: 'base/bn' is bn in the model base. */
  readonly changed: readonly string[];
  /**
   * Frozen normalizations of TF.js' own class: their gamma and beta stay, but TF.js moves their statistics all the
   * same. `replaceBatchNormalization` cures it.
   */
  readonly stillMoving: readonly string[];
}

/**
 * Freezes the layers that match: `fit` leaves their weights alone, and a normalization of this package works in
 * inference mode. Every layer is frozen itself. Compile the model afterwards, as after any change of `trainable`.
 *
 * @param pattern compared with a layer's name, and with its path, in which the names of the models around it stand
 *   first: 'conv*', 'base/*', /^block[12]_/; or `{ from, to }`, the names of the model's own layers from the first to the
 *   last that is meant. A nested model that matches is frozen with all that is in it. Default: all
 * @throws TypeError where `model` is no layers model, or `pattern` is something else
 * @throws ValueError where nothing matches; the message names the nearest layer
 * @example
 * ```ts
 * const model = tf.sequential();
 * model.add(tf.layers.dense({ name: 'dense1', units: 4, inputShape: [3] }));
 * layerBatchNormalization(model, { name: 'bn1' });
 * model.add(tf.layers.dense({ name: 'head', units: 1 }));
 * console.log(freeze(model, '*1').changed); // [ 'dense1', 'bn1' ]
 * ```
 */
export function freeze(model: LayersModel, pattern: LayerPattern = '*'): FreezeReport {
  return change(model, pattern, false);
}

/**
 * Lets the layers that match be trained again. A nested model that is itself frozen (`model.trainable = false`) is
 * opened where something in it matches; its other layers stay frozen, each by itself.
 *
 * @param pattern as in {@link freeze}. Default: all
 * @throws TypeError where `model` is no layers model, or `pattern` is something else
 * @throws ValueError where nothing matches; the message names the nearest layer
 */
export function unfreeze(model: LayersModel, pattern: LayerPattern = '*'): FreezeReport {
  return change(model, pattern, true);
}

function change(model: LayersModel, pattern: LayerPattern, trainable: boolean): FreezeReport {
  checkModel(model);
  const found = layersOf(model);
  const named = isRange(pattern) ? rowOf(model, pattern) : matching(found, pattern);
  // Whatever lies within something that matches goes with it.
  const meant = new Set(named.flatMap(withInner));
  const before = trainedIn(model);
  if (trainable) open(model, meant, false);
  // A container's setter writes over all that is in it, so it comes before its layers. When freezing, containers stay
  // open, so that single layers can be unfrozen.
  for (const layer of meant) if (trainable || !isContainer(layer)) layer.trainable = trainable;
  const after = trainedIn(model);
  return {
    changed: unitsOf(found)
      .filter(({ layer }) => layer.weights.length > 0)
      .filter(({ layer }) => withInner(layer).some((part) => before.has(part) !== after.has(part)))
      .map(({ path }) => path),
    stillMoving: found
      .filter(({ layer }) => isBatchNormalization(layer) && !(layer instanceof BatchNormalization))
      .filter(({ layer }) => !after.has(layer))
      .map(({ path }) => path),
  };
}

/** The layers that a user would name: neither containers nor the parts of wrappers and recurrent layers. */
function unitsOf(found: readonly FoundLayer[]): FoundLayer[] {
  const layers = found.filter(({ layer }) => !isContainer(layer));
  const parts = new Set(layers.flatMap(({ layer }) => withInner(layer).slice(1)));
  return layers.filter(({ layer }) => !parts.has(layer));
}

/** The layers within a model that training reaches: frozen neither themselves nor through what they lie in. */
function trainedIn(model: LayersModel): Set<Layer> {
  const all = withInner(model);
  const frozen = new Set(all.filter(({ trainable }) => !trainable).flatMap(withInner));
  return new Set(all.filter((layer) => !frozen.has(layer) && ownWeightsOf(layer).length > 0));
}

/**
 * Unfreezes the containers on the way to the layers that are meant, and freezes one by one what was frozen with them
 * and is not meant.
 */
function open(container: LayersModel, meant: ReadonlySet<Layer>, isFrozen: boolean): void {
  const wasFrozen = isFrozen || !container.trainable;
  if (wasFrozen) container.trainable = true;
  for (const layer of container.layers) {
    if (meant.has(layer)) continue;
    const within = isTimeDistributed(layer) ? layer.layer : layer;
    if (isContainer(within) && withInner(within).some((inner) => meant.has(inner))) {
      open(within, meant, wasFrozen);
    } else if (wasFrozen) {
      for (const inner of withInner(layer)) if (!isContainer(inner)) inner.trainable = false;
    }
  }
}

const isRange = (pattern: LayerPattern): pattern is LayerRange =>
  typeof pattern === 'object' && (pattern as unknown) !== null && !(pattern instanceof RegExp);

/** @throws ValueError where a layer of that name is not there, or the last stands before the first */
function rowOf({ layers }: LayersModel, range: LayerRange): Layer[] {
  const unknown = Object.keys(range).find((key) => key !== 'from' && key !== 'to');
  if (unknown !== undefined) {
    throw new TypeError(`pattern: ${show(unknown)} is unknown. Accepted are from and to, names of layers.`);
  }
  const names = layers.map(({ name }) => name);
  const indexOf = (name: string, end: keyof LayerRange): number => {
    const index = names.indexOf(name);
    if (index >= 0) return index;
    const hint = hintAt(name, names, 'Its layers');
    throw new ValueError(`${end}: the model itself has no layer ${show(name)}. ${hint}`);
  };
  const first = range.from == null ? 0 : indexOf(range.from, 'from');
  const last = range.to == null ? layers.length - 1 : indexOf(range.to, 'to');
  if (last < first) {
    throw new ValueError(
      `The layer ${show(range.to)} stands before ${show(range.from)}: exchange from and to.`,
    );
  }
  return layers.slice(first, last + 1);
}

/** @throws ValueError where nothing matches */
function matching(found: readonly FoundLayer[], pattern: string | RegExp): Layer[] {
  const matches = matcherOf(pattern);
  const named = found.filter(({ layer, path }) => matches(layer.name) || matches(path));
  if (named.length === 0) throw new ValueError(nothingMatches(pattern, found));
  return named.map(({ layer }) => layer);
}

/** @throws TypeError where the pattern is neither a string nor a RegExp */
function matcherOf(pattern: string | RegExp): (name: string) => boolean {
  if (pattern instanceof RegExp) {
    // With these flags a RegExp remembers where it last matched.
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return (name) => stateless.test(name);
  }
  if (typeof pattern !== 'string') {
    throw new TypeError(
      `pattern: expected a string such as 'conv*', a RegExp or { from, to }, received ${show(pattern)}.`,
    );
  }
  const pieces = pattern.split('*');
  return (name) => hasPieces(name, pieces);
}

/**
 * Whether a name consists of the pieces in their order, with any characters between them. Each is taken where it comes
 * first, so that nothing is tried twice: names in a file may be long.
 */
function hasPieces(name: string, [first = '', ...others]: readonly string[]): boolean {
  const last = others.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of others) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

function nothingMatches(pattern: string | RegExp, found: readonly FoundLayer[]): string {
  const names = found.map(({ path }) => path);
  const hint = hintAt(pattern instanceof RegExp ? pattern.source : pattern, names, 'The layers');
  return (
    `No layer matches ${show(pattern)}. ${hint} ` +
    `A name, its path ('base/conv1'), '*' for any characters, and a RegExp are accepted.`
  );
}

/** The layer that may have been meant, or else those that there are. */
function hintAt(name: string, names: readonly string[], what: string): string {
  const near = nearest(name, names);
  return near === null ? `${what} are ${show(names)}.` : `Did you mean ${show(near)}?`;
}
