/**
 * @file Layers that TF.js computes otherwise than Keras: set right on the layer itself where that can be done, and
 * refused where not. A model from a file is patched when it is built; a copy of any model gets the patches of its
 * original, and no others, so that it computes the same.
 */
import { type Tensor, logicalAnd } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { fuseEnding, isStockConvolution } from './fused-convolution.js';
import { constrain, constraintOf } from './constraints.js';
import { ValueError } from '../text/value-error.js';
import { activityRegularizerOf, setActivityRegularizer } from './activity-penalties.js';
import { callsTo, containersOf, innerLayersOf, isContainer, isSequential, layersOf } from './graph.js';
import {
  hasMask,
  lacksMaskSupport,
  makesMask,
  mergesMasks,
  takesMask,
  tensorsWithMask,
  usesMasksOfAll,
} from './masks.js';
import {
  callMaking,
  isSavedWrongly,
  settingsOf,
  unusedInputsOf,
  withAllInputs,
} from './tensorflow-internals.js';
import { countPenaltiesOnce } from './penalties.js';
import { takeRepeatedInputs } from './repeated-inputs.js';
import { show } from '../text/show.js';

type Layer = layers.Layer;

/**
 * What may be done to a layer. It is done to the object, so that a layer made anew from a configuration lacks it. Each
 * can go when tfjs-layers does the same.
 */
const PATCHES = {
  /** TF.js drops the mask of a layer that does not say to support masks, as advanced_activations do not. */
  passesMask(layer: Layer) {
    layer.supportsMasking = true;
  },
  /** TF.js 4.22 leaves settings out of what `getConfig` gives. */
  savesAllSettings(layer: Layer) {
    const getConfig = layer.getConfig.bind(layer);
    layer.getConfig = () => settingsOf(layer, getConfig());
  },
  /** The same for inputs of a model that no output uses. */
  savesAllInputs(layer: Layer) {
    if (!isContainer(layer)) return;
    const getConfig = layer.getConfig.bind(layer);
    layer.getConfig = () => withAllInputs(layer, getConfig());
  },
  /** TF.js counts the penalties on weights for each call. */
  countsPenaltiesOnce: countPenaltiesOnce,
  /**
   * The mask of a merge is where each of the masks there lets through. That of `Merge.computeMask` has one dimension too
   * many, and leaves the last of them out.
   */
  mergesMasks(layer: Layer) {
    layer.computeMask = mergedMask;
  },
  /** `RNN.call` gives one tensor as the output and the state, and the executor frees both with the first. */
  separatesStates(layer: Layer) {
    const call = layer.call.bind(layer);
    layer.call = (inputs, kwargs) => {
      const outputs = call(inputs, kwargs);
      if (!Array.isArray(outputs)) return outputs;
      return outputs.map((output, i): Tensor => (outputs.indexOf(output) < i ? output.clone() : output));
    };
  },
  /** The executor frees too early what a layer gets several times in one call (repeated-inputs.ts). */
  takesRepeatedInputs: takeRepeatedInputs,
  /** Optimizers do not apply the constraints of TF.js' own layers. */
  constrainsWeights(layer: Layer) {
    for (const weight of layer.weights) {
      const constraint = constraintOf(weight);
      if (constraint) constrain(weight, constraint);
    }
  },
  /** TF.js' own depthwise convolutions add the bias and activate in passes of their own, and all of its own so do relu6. */
  fusesEnding: fuseEnding,
  /**
   * The executor hands one object of call arguments from layer to layer, in which a mask stays when the layers that
   * follow have none (masks.ts).
   */
  takesNoMask(layer: Layer) {
    const call = layer.call.bind(layer);
    layer.call = (inputs, kwargs) => {
      const own = { ...kwargs };
      delete own.mask;
      return call(inputs, own);
    };
  },
} satisfies Record<string, (layer: Layer) => void>;

type Patch = keyof typeof PATCHES;

const patchesOf = new WeakMap<Layer, Set<Patch>>();

function patch(layer: Layer, name: Patch): void {
  const patches = patchesOf.get(layer) ?? new Set();
  if (patches.has(name)) return;
  patchesOf.set(layer, patches.add(name));
  PATCHES[name](layer);
}

/** Has a layer infer in one kernel, if it is a convolution of TF.js' own that takes several. */
export function patchConvolution(layer: Layer): void {
  if (isStockConvolution(layer)) patch(layer, 'fusesEnding');
}

/** Patches a copy of a layer as the original is. */
export function patchAlike(original: Layer, copy: Layer): void {
  for (const name of patchesOf.get(original) ?? []) patch(copy, name);
  const regularizer = activityRegularizerOf(original);
  if (regularizer && !activityRegularizerOf(copy)) setActivityRegularizer(copy, regularizer);
}

/**
 * Makes a model compute what Keras does.
 *
 * @throws ValueError that names the layer, and the fix
 */
export function patchLayers(model: LayersModel): void {
  const containers = containersOf(model);
  const all = new Set(containers.flatMap((container) => container.layers));
  for (const layer of all) patchLayer(layer);
  for (const { layer } of layersOf(model)) {
    if (isSavedWrongly(layer)) patch(layer, 'savesAllSettings');
    if (innerLayersOf(layer).length === 0 && layer.losses.length > 0) patch(layer, 'countsPenaltiesOnce');
  }
  for (const one of containers) if (hasUnusedInputs(one)) patch(one, 'savesAllInputs');
  if (![...all].some(makesMask)) return;
  for (const layer of all) patchMaskSupport(layer);
  const masks = masksIn(containers, all);
  for (const layer of all) patchMasks(layer, masks);
}

const hasUnusedInputs = (container: LayersModel): boolean =>
  !isSequential(container) && unusedInputsOf(container).length > 0;

function patchLayer(layer: Layer): void {
  if (callsTo(layer).some(({ inputs }) => new Set(inputs).size < inputs.length)) {
    patch(layer, 'takesRepeatedInputs');
  }
  if (!isContainer(layer) && layer.weights.some(constraintOf)) patch(layer, 'constrainsWeights');
  if (layer.getClassName() === 'Concatenate') countFromFront(layer as Layer & { axis: number });
  else if ('returnState' in layer && layer.returnState === true) patch(layer, 'separatesStates');
}

const rankOf = (layer: Layer): number => callsTo(layer)[0]?.inputs[0]?.shape.length ?? 0;

/** TF.js takes every negative axis for the last. */
function countFromFront(layer: Layer & { axis: number }): void {
  if (layer.axis < 0) layer.axis += rankOf(layer);
}

function patchMaskSupport(layer: Layer): void {
  const className = layer.getClassName();
  if (lacksMaskSupport(className)) patch(layer, 'passesMask');
  if (mergesMasks(className)) patch(layer, 'mergesMasks');
}

/** What is known of the masks of a whole model. */
interface Masks {
  /** How many calls of its layers make one. */
  readonly count: number;
  /** The tensors that have a mask in Keras, where masks pass into a nested model and out of it. */
  readonly across: ReadonlySet<SymbolicTensor>;
  /** Those that have one if it passes into nested models alone. */
  readonly into: ReadonlySet<SymbolicTensor>;
}

function masksIn(containers: readonly LayersModel[], all: ReadonlySet<Layer>): Masks {
  const makers = [...all].filter(makesMask);
  const count = makers.reduce((sum, layer) => sum + callsTo(layer).length, 0);
  /** The tensors that stand outside a nested model for one of its inputs. */
  const outside = new Map<SymbolicTensor, SymbolicTensor[]>();
  for (const container of containers) {
    const calls = callsTo(container);
    container.inputs.forEach((tensor, i) => {
      const given = calls.map(({ inputs }) => inputs[i]!);
      outside.set(tensor, [...(outside.get(tensor) ?? []), ...given]);
    });
  }
  const into = (tensor: SymbolicTensor) => outside.get(tensor) ?? [];
  const across = (tensor: SymbolicTensor) => {
    const { sourceLayer: source } = tensor;
    return isContainer(source) ? [source.outputs[callMaking(tensor).outputs.indexOf(tensor)]!] : into(tensor);
  };
  const inputs = [...all].flatMap((layer) => callsTo(layer).flatMap((call) => call.inputs));
  return { count, across: tensorsWithMask(inputs, across), into: tensorsWithMask(inputs, into) };
}

const ELSEWHERE =
  'its mask is made in another model than its own, and TF.js does not hand it on. Put the layers of both models ' +
  'into one, and save it again.';

function patchMasks(layer: Layer, { count, across, into }: Masks): void {
  const className = layer.getClassName();
  const refuse = (reason: string): never => {
    throw new ValueError(`Layer ${show(layer.name)} (${show(className)}) cannot be loaded: ${reason}`);
  };
  const calls = callsTo(layer);
  if (usesMasksOfAll(className)) {
    const inputs = calls.flatMap((call) => call.inputs);
    if (inputs.some((input) => across.has(input) && !hasMask({ inputs: [input] }))) refuse(ELSEWHERE);
    return;
  }
  if (!isContainer(layer) && !takesMask(className)) return;
  const isMaskedIn = (tensors: ReadonlySet<SymbolicTensor>) =>
    calls.map(({ inputs }) => inputs.some((input) => tensors.has(input)));
  const masked = isMaskedIn(across);
  if (!masked.includes(true)) {
    patch(layer, 'takesNoMask');
    return;
  }
  if (masked.includes(false)) {
    refuse('its input has a mask in one call and none in another, which TF.js cannot tell apart.');
  }
  if (isContainer(layer) || calls.every(hasMask)) return;
  // What arrives is the mask that some layer was last called with.
  if (count > 1 || isMaskedIn(into).includes(false)) {
    refuse(ELSEWHERE);
  }
}

function mergedMask(_: unknown, masks?: Tensor | Tensor[]): Tensor | Tensor[] {
  const there = [masks].flat().filter((mask) => mask != null);
  // TF.js takes null for none, though its types do not say so.
  return there.length === 0 ? (null as unknown as Tensor) : there.reduce((a, b) => logicalAnd(a, b));
}
