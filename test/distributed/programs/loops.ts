/** @file Training loops of one's own, and trainings that go on, on several ranks or in one process. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import {
  type Communicator,
  broadcastWeights,
  distributedDataParallel,
  distributedOptimizer,
} from 'evenkeel/distributed';
import { variableOf } from '../../../src/model/tensorflow-internals.js';
import { draw, setWeights } from './drawing.js';
import { kerasOptimizer } from './keras-optimizer.js';

const ROWS = 8;

/** A rank's rows of a batch; all of them in one process. */
function rowsOf(communicator: Communicator | null, values: tf.Tensor2D): tf.Tensor2D {
  const { rank, size } = communicator ?? { rank: 0, size: 1 };
  const rows = values.shape[0] / size;
  return tf.slice(values, [rank * rows, 0], [rows, -1]);
}

const batchOf = (communicator: Communicator | null, step: number) => {
  const of = (columns: number, seed: number) =>
    rowsOf(communicator, tf.tensor2d(draw(ROWS * columns, seed), [ROWS, columns]));
  return tf.tidy((): [tf.Tensor2D, tf.Tensor2D] => [of(4, step), of(2, step + 0.5)]);
};

function makeModel(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.dense({ units: 5, activation: 'tanh', inputShape: [4] }),
      tf.layers.dense({ units: 2 }),
    ],
  });
}

const valuesOf = (tensors: readonly tf.Tensor[]) => tensors.flatMap((one) => Array.from(one.dataSync()));

const weightsOf = (model: tf.LayersModel) => valuesOf(model.weights.map((weight) => weight.read()));

/** The ways to take a step by an optimizer; they give the loss where the optimizer does. */
const STEPS: Record<
  string,
  (optimizer: tf.Optimizer, loss: () => tf.Scalar, variables: tf.Variable[]) => number
> = {
  minimize(optimizer, loss, variables) {
    return optimizer.minimize(loss, true, variables)!.dataSync()[0]!;
  },
  'minimize of all variables'(optimizer, loss) {
    return optimizer.minimize(loss, true)!.dataSync()[0]!;
  },
  'computeGradients and applyGradients'(optimizer, loss) {
    const { value, grads } = optimizer.computeGradients(loss);
    optimizer.applyGradients(grads);
    tf.dispose(grads);
    return value.dataSync()[0]!;
  },
  'variableGrads and applyGradients'(optimizer, loss, variables) {
    const { grads } = tf.variableGrads(loss, variables);
    optimizer.applyGradients(grads);
    tf.dispose(grads);
    return 0;
  },
  'applyGradients of a list'(optimizer, loss, variables) {
    const { grads } = tf.variableGrads(loss, variables);
    optimizer.applyGradients(variables.map(({ name }) => ({ name, tensor: grads[name]! })));
    tf.dispose(grads);
    return 0;
  },
};

export interface Loop {
  readonly name: string;
  readonly losses: number[];
  readonly weights: number[];
}

function loop(communicator: Communicator | null, name: string): Loop {
  const model = makeModel();
  // The weights of the last rank go to all.
  setWeights(model, communicator ? (communicator.rank === communicator.size - 1 ? 0 : 1) : 0);
  if (communicator) broadcastWeights(model, communicator, communicator.size - 1);
  const plain = tf.train.adam(0.01, 0.9, 0.999, 1e-3);
  const optimizer = communicator ? distributedOptimizer(plain, communicator) : plain;
  const variables = model.trainableWeights.map(variableOf);
  const losses = Array.from({ length: 4 }, (_, step) =>
    tf.tidy(() => {
      const [x, y] = batchOf(communicator, step);
      return STEPS[name]!(
        optimizer,
        () => tf.losses.meanSquaredError(y, model.predict(x) as tf.Tensor),
        variables,
      );
    }),
  );
  const weights = weightsOf(model);
  model.dispose();
  return { name, losses, weights };
}

/** What became of variables of which gradients are missing. */
export interface Unreached {
  /** Those of which no loss depends, and those of which only the first rank's does. */
  readonly none: number;
  readonly first: number;
  readonly all: number;
}

/** A variable that no rank's loss depends on, one that only rank 0's does, and one that all do. */
function trainUnreached(communicator: Communicator | null): Unreached {
  const [none, first, all] = [1, 2, 3].map((value) => tf.variable(tf.scalar(value)));
  // Weight decay moves whatever has a gradient, also if this is 0.
  const optimizer = kerasOptimizer('SGD', { learning_rate: 0.5, weight_decay: 0.5 });
  if (communicator) distributedOptimizer(optimizer, communicator);
  const isFirst = !communicator || communicator.rank === 0;
  const variables = [none!, first!, all!];
  optimizer.minimize(() => tf.tidy(() => tf.sum(isFirst ? tf.mul(first!, all!) : all!)), false, variables);
  const [a, b, c] = valuesOf(variables);
  tf.dispose(variables);
  return { none: a!, first: b!, all: c! };
}

const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  adam: () => tf.train.adam(0.01, 0.9, 0.999, 1e-3),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-3, 0.1),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.9, 1e-3),
  momentum: () => tf.train.momentum(0.05, 0.9),
  adagrad: () => tf.train.adagrad(0.05),
  adadelta: () => tf.train.adadelta(0.05),
  "Keras' Adam": kerasOptimizer.bind(null, 'Adam', { learning_rate: 0.01, epsilon: 1e-3 }),
};

/** Trains three steps on the first rank, and a step on the others where `isStale`; then three steps jointly. */
async function resume(communicator: Communicator | null, name: string, isStale: boolean): Promise<number[]> {
  const isFirst = !communicator || communicator.rank === 0;
  // TF.js then gives the layers and variables of this rank other names.
  if (!isFirst) makeModel().dispose();
  const model = makeModel();
  setWeights(model, 0);
  model.compile({ optimizer: OPTIMIZERS[name]!(), loss: 'meanSquaredError' });
  const trainOn = async (source: Communicator | null, step: number) => {
    const [x, y] = batchOf(source, step);
    await model.trainOnBatch(x, y);
    tf.dispose([x, y]);
  };
  for (let step = 0; step < (isFirst ? 3 : isStale ? 1 : 0); step++) await trainOn(null, step);
  if (communicator) distributedDataParallel(model, communicator);
  for (let step = 3; step < 6; step++) await trainOn(communicator, step);
  const weights = [...weightsOf(model), model.optimizer.iterations];
  model.dispose();
  return weights;
}

/** A rank whose optimizer is further than that of the first. */
async function restart(communicator: Communicator | null): Promise<number[]> {
  const model = makeModel();
  setWeights(model, 0);
  model.compile({ optimizer: tf.train.adam(0.01, 0.9, 0.999, 1e-3), loss: 'meanSquaredError' });
  const step = async (source: Communicator | null) => {
    const [x, y] = batchOf(source, 0);
    await model.trainOnBatch(x, y);
  };
  if (communicator && communicator.rank > 0) await step(null);
  if (communicator) distributedDataParallel(model, communicator);
  await step(communicator);
  return weightsOf(model);
}

/** Two models, trained in turns; each has a communicator of its own where `isApart`. */
async function trainTwo(
  communicator: Communicator | null,
  isApart: boolean,
): Promise<{ weights: number[]; sums: number[] }> {
  const sums = [0, 0];
  const communicators = [0, 1].map((i): Communicator | null =>
    communicator && isApart
      ? {
          rank: communicator.rank,
          size: communicator.size,
          allReduce(values) {
            sums[i]!++;
            communicator.allReduce(values);
          },
        }
      : communicator,
  );
  const models = communicators.map((own, i) => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
    layerBatchNormalization(model, { synchronized: true });
    model.add(tf.layers.dense({ units: 2 }));
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    setWeights(model, (communicator?.rank ?? 0) + i);
    if (own) distributedDataParallel(model, own);
    return model;
  });
  sums.fill(0);
  for (let step = 0; step < 3; step++) {
    for (const model of models) {
      const [x, y] = batchOf(communicator, step);
      await model.trainOnBatch(x, y);
    }
  }
  return { weights: models.flatMap(weightsOf), sums };
}

/** All of it, one after the other. */
export async function runAll(communicator: Communicator | null) {
  await tf.setBackend('cpu');
  const resumed: Record<string, number[]> = {};
  for (const name of Object.keys(OPTIMIZERS)) {
    resumed[name] = await resume(communicator, name, false);
    resumed[`${name}, over another state`] = await resume(communicator, name, true);
  }
  return {
    loops: Object.keys(STEPS).map((name) => loop(communicator, name)),
    unreached: trainUnreached(communicator),
    resumed,
    restarted: await restart(communicator),
    together: await trainTwo(communicator, false),
    apart: await trainTwo(communicator, true),
  };
}
