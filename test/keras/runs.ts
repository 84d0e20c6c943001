/**
 * @file Replays whole trainings on the active backend, in Node or in a page: models whose topology tf-keras wrote,
 * trained here to the same losses, weights and predictions. What differs is thrown.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, accelerateTensorFlow, registerBatchNormalization } from 'evenkeel';
import { check } from '../check.js';
import { type GoldenRun, type Packed, unpack } from '../golden/format.js';

const tensor = ({ data, shape }: Packed) => tf.tensor(data.map(Number), shape);

async function distance(got: tf.Tensor, want: Packed): Promise<number> {
  const values = await got.data();
  return Math.max(...unpack(want).map((value, i) => Math.abs(value - values[i]!)));
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
  const { learningRate } = run.optimizer;
  const optimizer =
    run.optimizer.class === 'sgd'
      ? tf.train.sgd(learningRate)
      : tf.train.adam(learningRate, 0.9, 0.999, 1e-7);
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

/** TF.js cannot train convolutions on wasm; with `accelerateTensorFlow` it can. */
export const canTrain = (backend: string, { name }: GoldenRun, accelerate: boolean) =>
  backend !== 'wasm' || accelerate || !name.startsWith('conv');

/** Trains a run's model, with or without `accelerateTensorFlow`. */
export async function replayRun(run: GoldenRun, accelerate: boolean): Promise<void> {
  const undos = [registerBatchNormalization(), ...(accelerate ? [accelerateTensorFlow()] : [])];
  try {
    await train(run);
  } finally {
    for (const undo of undos) undo();
  }
}
