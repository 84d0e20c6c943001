/**
 * @file Replays whole trainings on the active backend, in Node or in a page: models whose topology tf-keras wrote,
 * trained here to the same losses, weights and predictions. What differs is thrown.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, accelerateTensorFlow, registerBatchNormalization } from 'evenkeel';
import { registerKerasLayers } from 'evenkeel/keras';
import { check } from '../check.js';
import { type GoldenRun, type Packed, unpack } from '../golden/format.js';

const tensor = ({ data, shape }: Packed) => tf.tensor(data.map(Number), shape);

async function distance(got: tf.Tensor, want: Packed): Promise<number> {
  const values = await got.data();
  return Math.max(...unpack(want).map((value, i) => Math.abs(value - values[i]!)));
}

function makeOptimizer(optimizer: GoldenRun['optimizer']): tf.Optimizer {
  switch (optimizer.class) {
    case 'sgd':
      return tf.train.sgd(optimizer.learningRate);
    case 'momentum':
      return tf.train.momentum(optimizer.learningRate, optimizer.momentum);
    case 'adam':
      return tf.train.adam(optimizer.learningRate, 0.9, 0.999, 1e-7);
  }
}

async function train(run: GoldenRun): Promise<void> {
  const checkNear = (error: number, what: string) => {
    check(error <= run.tolerance, `${what}: off by ${error}, not by at most ${run.tolerance}`);
  };
  const model = await tf.models.modelFromJSON({ modelTopology: run.modelConfig as never });
  // TF.js puts a model's trainable weights first; Keras goes layer by layer, as this does.
  let taken = 0;
  const perLayer = model.layers.map((layer) => ({
    layer,
    first: taken,
    end: (taken += layer.weights.length),
  }));
  for (const { layer, first, end } of perLayer) {
    if (end > first) layer.setWeights(run.initialWeights.slice(first, end).map(tensor));
  }
  const optimizer = makeOptimizer(run.optimizer);
  const compile = () => {
    model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  };
  compile();
  const [x, labels] = [tensor(run.x), tensor(run.labels)];
  const batch = (all: tf.Tensor, i: number) => tf.squeeze(tf.slice(all, i, 1), [0]);
  for (const [i, loss] of run.losses.entries()) {
    if (i === run.freezeAfter) {
      for (const layer of model.layers) if (layer instanceof BatchNormalization) layer.trainable = false;
      compile();
    }
    const got = (await model.trainOnBatch(batch(x, i), batch(labels, i))) as number;
    checkNear(Math.abs(got - loss), `loss of step ${i + 1}`);
  }
  for (const { layer, first } of perLayer) {
    for (const [i, weight] of layer.getWeights().entries()) {
      checkNear(await distance(weight, run.finalWeights[first + i]!), `weight ${i} of ${layer.name}`);
    }
  }
  checkNear(await distance(model.predict(batch(x, 0)) as tf.Tensor, run.prediction), 'prediction');
}

/** With what a run's model is trained. */
export interface Setup {
  /** TF.js' own, but for this library's normalization; or all as Keras has them. */
  readonly layers: 'TF.js' | 'Keras';
  readonly accelerate: boolean;
}

/** Runs with layers that TF.js does not build, does not train, or computes otherwise than Keras. */
const KERAS_LAYERS_ONLY = new Set([
  'conv dilated',
  'conv 1d dilated adam',
  'conv separable',
  'conv 3d transposed',
  'conv 3d long strides',
]);
/** Runs for which TF.js' layers have a wrong kernel on every backend. */
const WRONG_KERNELS = new Set(['conv average pooling', 'conv 3d', 'conv 3d adam']);

/** Where TF.js (4.22) compiles its own Conv3D: its shaders for webgpu and webgl are refused. */
const CONV3D_BACKENDS = ['cpu', 'wasm'];

/** Whether a run can be trained: without `accelerateTensorFlow`, TF.js trains no convolutions on wasm. */
export function canTrain(backend: string, { name }: GoldenRun, { layers, accelerate }: Setup): boolean {
  if (name.startsWith('conv 3d') && !CONV3D_BACKENDS.includes(backend)) return false;
  if (!name.startsWith('conv') || accelerate) return layers === 'Keras' || !KERAS_LAYERS_ONLY.has(name);
  if (backend === 'wasm') return false;
  return layers === 'Keras' || !(KERAS_LAYERS_ONLY.has(name) || WRONG_KERNELS.has(name));
}

/** Trains a run's model. */
export async function replayRun(run: GoldenRun, { layers, accelerate }: Setup): Promise<void> {
  const register = layers === 'Keras' ? registerKerasLayers : registerBatchNormalization;
  const undos = [register(), ...(accelerate ? [accelerateTensorFlow()] : [])];
  try {
    await train(run);
  } finally {
    for (const undo of undos) undo();
  }
}
