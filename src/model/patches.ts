/**
 * @file Layers that TF.js computes otherwise than Keras: set right on the layer itself where that can be done, and
 * refused where not. A model from a file is patched when it is built; a copy of any model gets the patches of its
 * original, and no others, so that it computes the same.
 */
import { type Tensor, logicalAnd } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { isContainer } from './graph.js';
import { show } from '../text/show.js';

type Layer = layers.Layer;
type GraphNode = Layer['inboundNodes'][number];

const MERGING = ['Add', 'Multiply', 'Average', 'Maximum', 'Minimum'];
const RECURRENT = ['RNN', 'SimpleRNN', 'GRU', 'LSTM', 'ConvLSTM2D', 'Bidirectional'];
/** Layers that pass a mask on in Keras, and in TF.js only when they are told to. */
const TO_BE_TOLD = ['LeakyReLU', 'ELU', 'ThresholdedReLU'];
/** Every layer that passes a mask on in Keras, beside those that make one. */
const PASSING = new Set([
  ...['Activation', 'ReLU', 'PReLU', 'Softmax', 'Dense', 'LayerNormalization', 'BatchNormalization'],
  ...['Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout'],
  ...['Concatenate', 'TimeDistributed'],
  ...MERGING,
  ...RECURRENT,
  ...TO_BE_TOLD,
]);
/** Whether a layer of one input passes its mask on, here and in Keras. */
export const passesMask = (className: string): boolean => PASSING.has(className) && className !== 'Softmax';

/** Layers that compute something else with a mask. */
const TAKING = new Set([...RECURRENT, 'TimeDistributed', 'Softmax']);

/** What may be done to a layer. It is done to the object, so that a layer made anew from a configuration lacks it. */
const PATCHES = {
  /** Layers that pass a mask on in Keras, and in TF.js only when they are told to. */
  passesMask(layer: Layer) {
    layer.supportsMasking = true;
  },
  /** The mask of a merge is where each of the masks there lets through; TF.js' own has one dimension too many. */
  mergesMasks(layer: Layer) {
    layer.computeMask = mergedMask;
  },
  /** TF.js gives one tensor as the output and the state, and frees both with the first. */
  separatesStates(layer: Layer) {
    const call = layer.call.bind(layer);
    layer.call = (inputs, kwargs) => {
      const outputs = call(inputs, kwargs);
      if (!Array.isArray(outputs)) return outputs;
      return outputs.map((output, i): Tensor => (outputs.indexOf(output) < i ? output.clone() : output));
    };
  },
  /**
   * TF.js hands one object of call arguments from layer to layer, in which a mask stays when the layers that follow
   * have none.
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

/** Patches a copy of a layer as the original is. */
export function patchAlike(original: Layer, copy: Layer): void {
  for (const name of patchesOf.get(original) ?? []) patch(copy, name);
}

/**
 * Makes a model compute what Keras does.
 *
 * @throws ValueError that names the layer, and the way out
 */
export function patchLayers(model: LayersModel): void {
  const makes = model.layers.some(makesMask);
  for (const layer of model.layers) {
    patchLayer(layer);
    if (makes) patchMasks(layer);
  }
}

function patchLayer(layer: Layer): void {
  if (isContainer(layer)) layer.layers.forEach(patchLayer);
  else if (layer.getClassName() === 'Concatenate') countFromFront(layer as Layer & { axis: number });
  else if (layer.getClassName() === 'Softmax') checkSoftmax(layer as Layer & { axis: number | number[] });
  else if ('returnState' in layer && layer.returnState === true) patch(layer, 'separatesStates');
}

const rankOf = (layer: Layer): number => layer.inboundNodes[0]?.inputTensors[0]?.shape.length ?? 0;

/** TF.js takes every negative axis for the last. */
function countFromFront(layer: Layer & { axis: number }): void {
  if (layer.axis < 0) layer.axis += rankOf(layer);
}

function checkSoftmax(layer: Layer & { axis: number | number[] }): void {
  const [axis, ...others] = [layer.axis].flat();
  if (others.length === 0 && axis !== -1 && axis !== rankOf(layer) - 1) {
    throw new ValueError(
      `Layer ${show(layer.name)} ('Softmax') cannot be loaded: its axis is ${axis}, and TF.js has only the last. ` +
        `Put a Permute before and after it, and save it again.`,
    );
  }
}

const makesMask = (layer: Layer): boolean =>
  isContainer(layer)
    ? layer.layers.some(makesMask)
    : layer.getClassName() === 'Masking' || layer.getConfig().maskZero === true;

/** Whether a tensor comes with a mask in Keras; of nested models, whether it may. */
function carriesMask(tensor: SymbolicTensor): boolean {
  const layer = tensor.sourceLayer;
  if (makesMask(layer)) return true;
  if (!isContainer(layer) && !PASSING.has(layer.getClassName())) return false;
  if ('returnSequences' in layer && layer.returnSequences === false) return false;
  return layer.inboundNodes[tensor.nodeIndex]!.inputTensors.some(carriesMask);
}

const isMasked = (node: GraphNode): boolean => node.inputTensors.some(carriesMask);

function patchMasks(layer: Layer): void {
  const className = layer.getClassName();
  const refuse = (reason: string): never => {
    throw new ValueError(`Layer ${show(layer.name)} (${show(className)}) cannot be loaded: ${reason}`);
  };
  if (TO_BE_TOLD.includes(className)) patch(layer, 'passesMask');
  if (MERGING.includes(className)) patch(layer, 'mergesMasks');
  const isModel = isContainer(layer);
  // A model's first node is its own making.
  const masked = layer.inboundNodes.slice(isModel ? 1 : 0).map(isMasked);
  if (className === 'GlobalAveragePooling1D' && masked.includes(true)) {
    refuse(
      'its input has a mask, which it uses in Keras and not in TF.js. Replace it by GlobalMaxPooling1D or a recurrent ' +
        'layer, or train without a mask.',
    );
  }
  if (!isModel && !TAKING.has(className)) return;
  if (!masked.includes(true)) patch(layer, 'takesNoMask');
  else if (masked.includes(false)) {
    refuse('its input has a mask in one call and none in another, which TF.js cannot tell apart.');
  }
}

function mergedMask(_: unknown, masks?: Tensor | Tensor[]): Tensor | Tensor[] {
  const there = [masks].flat().filter((mask) => mask != null);
  // TF.js takes null for none, though its types do not say so.
  return there.length === 0 ? (null as unknown as Tensor) : there.reduce((a, b) => logicalAnd(a, b));
}
