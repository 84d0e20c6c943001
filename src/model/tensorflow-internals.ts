/**
 * @file What this library uses of tfjs-layers 4.22 that it does not promise: the one file to read again when it changes.
 * (What is used of backends' memory is in src/backends.)
 */
import {
  type Optimizer,
  type Scalar,
  type Tensor,
  Variable,
  serialization,
  variable,
} from '@tensorflow/tfjs-core';
import {
  type LayerVariable,
  LayersModel,
  Sequential,
  type SymbolicTensor,
  input,
  layers,
} from '@tensorflow/tfjs-layers';
import { override } from './override.js';

type Layer = layers.Layer;

/** Whether a value is a layer, of this copy of TF.js or of another. */
export const isLayer = (value: unknown): value is Layer =>
  typeof value === 'object' && value !== null && 'getClassName' in value && 'inboundNodes' in value;

/** Whether a value is a symbolic tensor, of this copy of TF.js or of another. */
export const isSymbolic = (value: unknown): value is SymbolicTensor =>
  typeof value === 'object' && value !== null && 'sourceLayer' in value && 'nodeIndex' in value;

/** What a layer holds under a name: some settings are missing in its configuration. */
export const propertyOf = (layer: Layer, name: string): unknown => Reflect.get(layer, name);

/** What TF.js leaves out of a layer's configuration, or writes another value for. */
const FORGOTTEN: Readonly<Record<string, readonly string[]>> = {
  DepthwiseConv2D: ['depthwiseConstraint'],
  SeparableConv2D: ['depthMultiplier'],
};

/** Whether TF.js saves a layer as another one, so that nobody can load it, or without what holds its weights. */
export const isSavedWrongly = (layer: Layer): boolean => Object.hasOwn(FORGOTTEN, layer.getClassName());

/** A layer's whole configuration. */
export function settingsOf(layer: Layer, config = layer.getConfig()): serialization.ConfigDict {
  const forgotten = FORGOTTEN[layer.getClassName()] ?? [];
  const settings = forgotten.map((name) => {
    const value = propertyOf(layer, name) ?? null;
    return [name, value instanceof serialization.Serializable ? describe(value) : value] as const;
  });
  return { ...config, ...Object.fromEntries(settings) } as serialization.ConfigDict;
}

const describe = (object: serialization.Serializable) => ({
  className: object.getClassName(),
  config: object.getConfig(),
});
/** The inputs of a container that no output uses: TF.js keeps them, and leaves them out of its configuration. */
export function unusedInputsOf({ inputLayers, layers: members }: LayersModel): Layer[] {
  const used = new Set(members);
  return inputLayers.filter((layer) => !used.has(layer));
}

/** The configuration of a functional model with all of its inputs, whether or not it has them already. */
export function withAllInputs(
  container: LayersModel,
  config: serialization.ConfigDict,
): serialization.ConfigDict {
  const members = config.layers as (serialization.ConfigDict & { name: string })[];
  const names = new Set(members.map(({ name }) => name));
  const missing = unusedInputsOf(container)
    .filter(({ name }) => !names.has(name))
    .map((layer) => ({
      name: layer.name,
      className: layer.getClassName(),
      config: layer.getConfig(),
      inboundNodes: [],
    }));
  return {
    ...config,
    layers: [...missing, ...members],
    inputLayers: container.inputLayers.map(({ name }) => [name, 0, 0]),
  };
}

/** One call of a layer in a graph; a shared layer has several. */
export interface LayerCall {
  readonly layer: Layer;
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  /** What the layer was called with beside tensors, such as `training`. */
  readonly kwargs: Readonly<Record<string, unknown>>;
}

type GraphNode = Layer['inboundNodes'][number];
const calls = new WeakMap<GraphNode, LayerCall>();

/** A node as a call. */
class NodeCall implements LayerCall {
  readonly #node: GraphNode;

  constructor(node: GraphNode) {
    this.#node = node;
  }

  get layer() {
    return this.#node.outboundLayer;
  }

  get inputs() {
    return this.#node.inputTensors;
  }

  get outputs() {
    return this.#node.outputTensors;
  }

  get kwargs() {
    return this.#node.callArgs ?? {};
  }
}

/** The same object for the same node. */
function callOf(node: GraphNode): LayerCall {
  const call = calls.get(node) ?? new NodeCall(node);
  calls.set(node, call);
  return call;
}

/** Every call of a layer; of a model, its making comes first, as if it were one. */
export const callsAndMakingOf = (layer: Layer): LayerCall[] => layer.inboundNodes.map(callOf);

/** The call of a layer that gave a tensor. */
export const callMaking = ({ sourceLayer, nodeIndex }: SymbolicTensor): LayerCall =>
  callOf(sourceLayer.inboundNodes[nodeIndex]!);

/**
 * Watches a call of a layer: TF.js reads the inputs of its output right before it applies the layer.
 *
 * @param output what the layer gave when it was called
 * @param inputs what TF.js is to take for them
 */
export function watchExecution(
  output: SymbolicTensor,
  onExecution: () => void,
  inputs = output.inputs,
): void {
  const before = Object.getOwnPropertyDescriptor(output, 'inputs');
  Object.defineProperty(output, 'inputs', {
    configurable: true,
    enumerable: true,
    get: () => {
      before?.get?.();
      onExecution();
      return inputs;
    },
  });
}

/**
 * Every weight that a layer made itself, without those of the layers in it, in the order in which it made them: TF.js'
 * own lists change with what is trainable.
 */
export function ownWeightsOf(layer: Layer): LayerVariable[] {
  const { _trainableWeights: trainable, _nonTrainableWeights: others } = layer as unknown as Record<
    '_trainableWeights' | '_nonTrainableWeights',
    LayerVariable[]
  >;
  return [...trainable, ...others];
}

/** Whether a weight is gone, which `read` would refuse to give. */
export const isDisposedWeight = (weight: LayerVariable): boolean =>
  (weight as unknown as { readonly val: Variable }).val.isDisposed;

/** Whether a weight is trained unless its layer is frozen: `trainable` of a weight says what holds now. */
export const isMadeToTrain = (layer: Layer, weight: LayerVariable): boolean =>
  (layer as unknown as { _trainableWeights: LayerVariable[] })._trainableWeights.includes(weight);

/** Lets a layer make weights of the same names again. */
export function freeWeightNames(layer: Layer): void {
  (layer as unknown as { _addedWeightNames: string[] })._addedWeightNames = [];
}

/** The variable that a layer's weight is. */
export const variableOf = (weight: LayerVariable) => weight.read() as unknown as Variable;

type AddWeight = (this: Layer, name: string, shape: number[], ...rest: unknown[]) => LayerVariable;

/**
 * Stands between all layers and the weights that they make, until it is undone.
 *
 * @param addWeight gets what makes the weight
 */
export function interceptWeights(
  addWeight: (
    layer: Layer,
    name: string,
    shape: readonly number[],
    add: () => LayerVariable,
  ) => LayerVariable,
): () => void {
  const prototype = layers.Layer.prototype as unknown as { addWeight: AddWeight };
  const original = prototype.addWeight;
  prototype.addWeight = function (name, shape, ...rest) {
    return addWeight(this, name, shape, () => original.call(this, name, shape, ...rest));
  };
  return () => {
    prototype.addWeight = original;
  };
}

const HOLDERS = [
  'layer',
  'forwardLayer',
  'backwardLayer',
  'cell',
  'cells',
  'queryDense',
  'keyDense',
  'gateDense',
  'valueDense',
  'outputDense',
] as const;

/** The layers that a wrapper, recurrent layer or attention holds, under the names that TF.js or this library has. */
type HeldLayers = Partial<
  Record<Exclude<(typeof HOLDERS)[number], 'cells'>, Layer> & Record<'cells', Layer[]>
>;

export function heldLayersOf(layer: Layer): HeldLayers {
  const held = HOLDERS.map((name) => [name, propertyOf(layer, name)] as const);
  return Object.fromEntries(
    held.filter(([, one]) => isLayer(one) || (Array.isArray(one) && one.every(isLayer))),
  );
}

type Registered = (typeof serialization.SerializationMap.prototype.classNameMap)[string];

/** The class that is registered under a name, with what makes one from a configuration. */
export function registeredClass(className: string): Registered | undefined {
  const { classNameMap } = serialization.SerializationMap.getMap();
  return Object.hasOwn(classNameMap, className) ? classNameMap[className] : undefined;
}

/** What every model inherits from TF.js' class of whatever holds layers, which is not exported. */
export const containerPrototype = () => Object.getPrototypeOf(LayersModel.prototype) as object;

/** What every TimeDistributed inherits; the class is not exported. */
export function timeDistributedPrototype(): object {
  // With names, since TF.js counts the layers that it has to name.
  const layer = layers.timeDistributed({ name: 'wrapper', layer: layers.flatten({ name: 'layer' }) });
  return Object.getPrototypeOf(layer) as object;
}

/** The functional model that a sequential one makes of itself when it is built, and trains and runs. */
export const builtModelOf = (chain: Sequential) =>
  (chain as unknown as { readonly model: LayersModel }).model;

/** What TF.js names after a layer that holds others, while they make their weights. */
class NameScope extends layers.Layer {
  static readonly className = 'NameScope';
  readonly #action: () => void;

  constructor(name: string, action: () => void) {
    super({ name });
    this.#action = action;
  }

  override build(): void {
    this.#action();
    this.built = true;
  }

  override computeOutputShape(): number[] {
    return [1];
  }
}

/** Runs `action`; the names of weights that are made in it begin with `name`. TF.js does so while it applies a layer. */
export function inNameScope(name: string, action: () => void): void {
  new NameScope(name, action).apply(input({ shape: [], name: 'scope' }));
}

/** A loss by TF.js' name, with what computes it where that is another function. */
interface NamedLoss {
  readonly name: string;
  readonly compute: ((yTrue: Tensor, yPred: Tensor) => Tensor) | null;
}

/** What `compile` makes of its arguments. */
interface Compiled {
  lossFunctions: unknown[];
  metricsTensors: [unknown, number][];
  isOptimizerOwned: boolean;
}

/**
 * Compiles a model so that it owns the optimizer: disposing it disposes both. TF.js sees by its own functions which
 * targets go with a loss, so that a loss of another function is compiled by its name first.
 *
 * @param losses one for each output
 * @param metrics those of each output
 */
export function giveOptimizer(
  model: LayersModel,
  optimizer: Optimizer,
  losses: readonly NamedLoss[],
  metrics: readonly (readonly (string | NamedLoss['compute'])[])[],
): void {
  model.compile({
    optimizer,
    loss: losses.map(({ name }) => name),
    metrics: (metrics.length === 1
      ? metrics[0]!
      : Object.fromEntries(model.outputNames.map((name, i) => [name, metrics[i]!]))) as string[],
  });
  const inner = trainedModelOf(model);
  for (const one of [inner, model] as unknown as Compiled[]) one.isOptimizerOwned = true;
  const { lossFunctions, metricsTensors } = inner as unknown as Compiled;
  losses.forEach(({ compute }, i) => {
    if (!compute) return;
    lossFunctions[i] = compute;
    // The loss of each output is watched beside the whole.
    if (losses.length > 1) metricsTensors[i] = [compute, i];
  });
}

/** Changes the weights by a batch's inputs and targets, and gives the loss and the metrics. */
export type TrainFunction = (data: Tensor[]) => Scalar[];
/** Gives the loss and the metrics of a batch. */
export type TestFunction = TrainFunction;

/** What `fit`, `fitDataset`, `trainOnBatch` and `evaluate` of a model do with a batch. */
interface BatchFunctions {
  makeTrainFunction: () => TrainFunction;
  /** Makes `testFunction`. */
  makeTestFunction: () => void;
  testFunction: TestFunction;
  /** The weights that were to be trained when the model was compiled. */
  readonly collectedTrainableWeights: LayerVariable[];
}

/**
 * Stands between a model and what trains and tests it, until that is undone. It must be no sequential model: these train
 * by a model within.
 */
export function interceptBatches(
  model: LayersModel,
  {
    train,
    test,
  }: { train: (original: TrainFunction) => TrainFunction; test: (original: TestFunction) => TestFunction },
): () => void {
  const functions = model as unknown as BatchFunctions;
  const { makeTrainFunction, makeTestFunction } = functions;
  const undoTrain = override(functions, 'makeTrainFunction', () => train(makeTrainFunction.call(model)));
  const undoTest = override(functions, 'makeTestFunction', () => {
    makeTestFunction.call(model);
    functions.testFunction = test(functions.testFunction);
  });
  return () => {
    undoTest();
    undoTrain();
  };
}

/** The variables that a compiled model trains. */
export const trainedVariablesOf = (model: LayersModel): Variable[] =>
  (model as unknown as BatchFunctions).collectedTrainableWeights.map(variableOf);

/** What a model is trained by: itself, or the model within a sequential one. */
export const trainedModelOf = (model: LayersModel): LayersModel =>
  model instanceof Sequential ? builtModelOf(model) : model;

/**
 * Does something with the model that trains, now and whenever there is another one: a sequential model makes a new one
 * each time that it is compiled.
 *
 * @param attach gives what undoes it
 * @returns a function that undoes it
 */
export function attachToTrained(
  model: LayersModel,
  attach: (trained: LayersModel) => () => void,
): () => void {
  if (!(model instanceof Sequential)) return attach(model);
  let trained = builtModelOf(model);
  let detach = attach(trained);
  Object.defineProperty(model, 'model', {
    configurable: true,
    enumerable: true,
    get: () => trained,
    set: (next: LayersModel) => {
      detach();
      trained = next;
      detach = attach(trained);
    },
  });
  return () => {
    detach();
    Object.defineProperty(model, 'model', {
      value: trained,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  };
}

/** Something that an optimizer keeps: of the weight `index`, in the order in which it changes them, or of none. */
export interface Kept {
  readonly field: string;
  readonly index?: number;
  readonly originalName?: string;
  readonly tensor: Tensor;
}

interface SlotVariable {
  readonly originalName: string;
  readonly variable: Variable;
}

const isSlot = (value: unknown): value is SlotVariable =>
  typeof value === 'object' && value !== null && 'originalName' in value && 'variable' in value;

/** What an optimizer of TF.js keeps beside its settings, under the names of its fields. */
export function readKept(optimizer: Optimizer): Kept[] {
  return Object.entries(optimizer).flatMap(([field, value]: [string, unknown]): Kept[] => {
    if (value instanceof Variable) return [{ field, tensor: value }];
    if (!Array.isArray(value)) return [];
    return value.flatMap((slot: unknown, index) =>
      isSlot(slot) ? [{ field, index, originalName: slot.originalName, tensor: slot.variable }] : [],
    );
  });
}

/** Has an optimizer of TF.js keep that, and nothing else. */
export function writeKept(optimizer: Optimizer, kept: readonly Kept[]): void {
  const fields = optimizer as unknown as Record<string, Variable | SlotVariable[]>;
  for (const value of Object.values(fields)) {
    if (!Array.isArray(value) || !value.every(isSlot)) continue;
    for (const slot of value.splice(0)) slot.variable.dispose();
  }
  for (const { field, index, originalName, tensor } of kept) {
    const value = fields[field]!;
    if (value instanceof Variable) value.assign(tensor);
    else value[index!] = { originalName: originalName!, variable: variable(tensor, false) };
  }
}

/** Sets how many steps an optimizer has done. */
export function setIterations(optimizer: Optimizer, iterations: number): void {
  (optimizer as unknown as { iterations_: number }).iterations_ = iterations;
}
