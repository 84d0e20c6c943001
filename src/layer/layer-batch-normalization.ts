/** @file R's way to say it: `layer_batch_normalization(object, …)`, where the object may be a model, a tensor or nothing. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { LayersModel, Sequential, SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import type { BatchNormalizationArgs } from './arguments.js';
import { BatchNormalization } from './batch-normalization.js';
import { hintFor } from './environment.js';
import { show, isTensor } from '../text/show.js';
import { callsTo } from '../model/graph.js';

/**
 * Arguments, and no tensor, which has a `dtype` too. This form comes first among the overloads, since TypeScript settles
 * what an `adjustment` returns, a pair or an array, by the first one that it tries; and again last, since its errors are
 * about the last one: they then name the argument that is wrong.
 */
type OnlyArguments = BatchNormalizationArgs & { rank?: never };

type Normalizable = Sequential | Tensor | SymbolicTensor | layers.Layer | null | undefined;

/**
 * What comes back for an object that arguments follow. As there is only one form of two parameters, TypeScript's errors are
 * about the argument that is wrong, and not about the object.
 */
type Normalized<T extends Normalizable> = T extends Sequential
  ? Sequential
  : T extends Tensor
    ? T
    : T extends null | undefined
      ? BatchNormalization
      : SymbolicTensor;

/**
 * Batch normalization, made and applied in one step, as in R's keras: what comes back depends on `object`.
 *
 * | object | returns |
 * |---|---|
 * | nothing, null, or only the arguments | the layer |
 * | a `tf.Sequential` | the model, with the layer added |
 * | a symbolic tensor | the layer's symbolic output |
 * | a tensor | the tensor normalized at once, in inference mode; the layer is disposed |
 * | a layer or model with exactly one output | the layer's symbolic output for that output |
 *
 * @param object what to normalize
 * @param args Keras' arguments, see {@link BatchNormalizationArgs}
 * @throws ValueError where the object is something else
 * @throws TypeError for an unknown argument or a value of the wrong type
 * @example
 * ```ts
 * const layer = layerBatchNormalization({ momentum: 0.9 });
 * const model = layerBatchNormalization(tf.sequential(), { inputShape: [4] });
 * ```
 */
export function layerBatchNormalization(args?: OnlyArguments | null): BatchNormalization;
export function layerBatchNormalization(object: Sequential): Sequential;
export function layerBatchNormalization<T extends Tensor>(object: T): T;
export function layerBatchNormalization(object: SymbolicTensor | layers.Layer): SymbolicTensor;
export function layerBatchNormalization<T extends Normalizable>(
  object: T,
  args: BatchNormalizationArgs | null | undefined,
): Normalized<T>;
// eslint-disable-next-line @typescript-eslint/unified-signatures -- See OnlyArguments.
export function layerBatchNormalization(args?: OnlyArguments | null): BatchNormalization;
export function layerBatchNormalization(
  object?: unknown,
  args?: BatchNormalizationArgs | null,
): BatchNormalization | Sequential | SymbolicTensor | Tensor {
  if (object == null) return new BatchNormalization(args);
  if (isArguments(object) && args == null) return new BatchNormalization(object);
  if (isTensor(object)) return normalizeAtOnce(object, args);
  if (object instanceof SymbolicTensor) return new BatchNormalization(args).apply(object) as SymbolicTensor;
  if (object instanceof Sequential) return addTo(object, args);
  if (object instanceof layers.Layer) {
    return new BatchNormalization(args).apply(onlyOutputOf(object)) as SymbolicTensor;
  }
  throw new ValueError(
    `layerBatchNormalization: expected a tf.Sequential, a tensor, a symbolic tensor, a layer or model with one ` +
      `output, or null for the layer itself, received ${show(object)}.${hintFor(object)}`,
  );
}

function isArguments(value: unknown): value is BatchNormalizationArgs {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function normalizeAtOnce(x: Tensor, args?: BatchNormalizationArgs | null): Tensor {
  const layer = new BatchNormalization(args);
  try {
    return layer.apply(x) as Tensor;
  } finally {
    if (layer.built) layer.dispose();
  }
}

function addTo(model: Sequential, args?: BatchNormalizationArgs | null): Sequential {
  const layer = new BatchNormalization(args);
  if (model.layers.length === 0 && (layer.batchInputShape as unknown) == null) {
    throw new ValueError(
      `layerBatchNormalization: the first layer of a model must know its input. ` +
        `Give inputShape (without the batch) or batchInputShape.`,
    );
  }
  model.add(layer);
  return model;
}

function onlyOutputOf(layer: layers.Layer): SymbolicTensor {
  const outputs =
    layer instanceof LayersModel ? layer.outputs : callsTo(layer).flatMap(({ outputs }) => outputs);
  if (outputs.length === 1) return outputs[0]!;
  throw new ValueError(
    `layerBatchNormalization: expected a layer or model with exactly one output, ${show(layer.name)} has ` +
      `${outputs.length}. ${outputs.length === 0 ? 'Apply it to something first' : 'Pass the output that is meant'}.`,
  );
}
