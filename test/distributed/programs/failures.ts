/** @file What goes wrong on one rank. */
import * as tf from '@tensorflow/tfjs';
import { type Communicator, broadcastWeights, distributedDataParallel } from 'evenkeel/distributed';

interface Model {
  readonly units?: number;
  readonly layers?: number;
  readonly rate?: number;
  readonly metrics?: readonly string[];
  readonly loss?: string;
  readonly isFrozen?: boolean;
}

function make({
  units = 3,
  layers = 1,
  rate = 0.1,
  metrics = [],
  loss = 'meanSquaredError',
  isFrozen = false,
}: Model): tf.LayersModel {
  const input = tf.input({ shape: [2] });
  const chain = Array.from({ length: layers }, () => tf.layers.dense({ units }));
  const output = chain.reduce((one, layer) => layer.apply(one) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output });
  // Not in a sequential model: TF.js thaws what is in one when it is compiled.
  if (isFrozen) chain[0]!.trainable = false;
  model.compile({ optimizer: tf.train.sgd(rate), loss, metrics: [...metrics] });
  return model;
}

/** Errors that leave all ranks at the same sum, so that they can go on. */
const REFUSALS: Record<string, (communicator: Communicator, others: Model) => unknown> = {
  distributedDataParallel(communicator, others) {
    distributedDataParallel(make(communicator.rank === 0 ? {} : others), communicator);
  },
  broadcastWeights(communicator, others) {
    broadcastWeights(make(communicator.rank === 0 ? {} : others), communicator);
  },
  async trainOnBatch(communicator, others) {
    const model = make(others);
    distributedDataParallel(model, communicator);
    await model.trainOnBatch(tf.ones([0, 2]), tf.ones([0, 3]));
  },
};

/**
 * What functions refuse.
 *
 * @param calls with a model that differs on the ranks behind the first
 */
export async function refuse(
  communicator: Communicator,
  calls: readonly (readonly [name: string, others: Model])[],
): Promise<string[]> {
  await tf.setBackend('cpu');
  const errors: string[] = [];
  for (const [name, others] of calls) {
    try {
      await REFUSALS[name]!(communicator, others);
      errors.push('none');
    } catch (error) {
      errors.push(String(error));
    }
  }
  return errors;
}

/** The first rank has more batches than the others. */
export async function trainLonger(communicator: Communicator, isFit: boolean): Promise<void> {
  await tf.setBackend('cpu');
  const model = make({});
  const { callbacks } = distributedDataParallel(model, communicator);
  const batches = communicator.rank === 0 ? 3 : 2;
  if (isFit) {
    const [x, y] = [tf.ones([4 * batches, 2]), tf.ones([4 * batches, 3])];
    await model.fit(x, y, { batchSize: 4, callbacks });
    return;
  }
  for (let i = 0; i < batches; i++) await model.trainOnBatch(tf.ones([4, 2]), tf.ones([4, 3]));
}
