/** @file What the tests of models share: reading weights, training for a few steps, going through a saved model. */
import * as tf from '@tensorflow/tfjs';
import { numbers, sizeOf } from '../core/reference.js';

/** The numbers of each of a layer's weights, in the layer's order. */
export const weightsOf = (layer: tf.layers.Layer): number[][] =>
  layer.weights.map((weight) => Array.from(weight.read().dataSync()));

export const valuesOf = (tensor: tf.Tensor | tf.Tensor[]): number[] =>
  Array.from((tensor as tf.Tensor).dataSync());

/** Seeded numbers in [-1, 1). */
export const draw = (shape: number[], seed: number) =>
  tf.tensor(Float32Array.from(numbers(sizeOf(shape), seed)), shape);

/** Every optimizer of TF.js, with steps large enough to be seen. */
export const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.5),
  momentum: () => tf.train.momentum(0.5, 0.9),
  adagrad: () => tf.train.adagrad(0.5),
  adadelta: () => tf.train.adadelta(5),
  adam: () => tf.train.adam(0.5),
  adamax: () => tf.train.adamax(0.5),
  rmsprop: () => tf.train.rmsprop(0.5),
};

/** Compiles the model with the mean squared error. */
export function compile(model: tf.LayersModel, optimizer: tf.Optimizer | string = 'sgd'): void {
  model.compile({ optimizer, loss: 'meanSquaredError' });
}

/** Trains on the whole batch for some steps. Returns the loss before each. */
export async function train(
  model: tf.LayersModel,
  x: tf.Tensor | tf.Tensor[],
  y: tf.Tensor | tf.Tensor[],
  epochs = 1,
): Promise<number[]> {
  const batchSize = [x].flat()[0]!.shape[0];
  const { history } = await model.fit(x, y, { epochs, batchSize, shuffle: false });
  return history.loss as number[];
}

/** Drawn numbers for a model's input or output: 8 samples, free dimensions are 4, integers up to 9. */
export function drawFor(of: tf.SymbolicTensor, seed: number): tf.Tensor {
  const x = draw([8, ...of.shape.slice(1).map((dim) => dim ?? 4)], seed);
  return of.dtype === 'float32' ? x : tf.tidy(() => tf.cast(tf.mul(x, 9), of.dtype));
}

/** Trains on drawn numbers for some steps. */
export async function fit(model: tf.LayersModel, epochs = 1, seed = 1): Promise<number[]> {
  const x = model.inputs.map((input, i) => drawFor(input, seed + i));
  const y = model.outputs.map((output, i) => drawFor(output, seed + 10 + i));
  const losses = await train(model, x, y, epochs);
  tf.dispose([x, y]);
  return losses;
}

/** What `model.save` writes. */
export async function save(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let saved: tf.io.ModelArtifacts = {};
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  return saved;
}

/** The model that is loaded from what `model` saves. */
export const saveAndLoad = async (model: tf.LayersModel) =>
  tf.loadLayersModel(tf.io.fromMemory(await save(model)));
