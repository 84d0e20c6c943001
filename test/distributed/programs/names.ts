/** @file Ranks on which TF.js has given layers other names, since it counts them in each process. */
import * as tf from '@tensorflow/tfjs';
import { type Communicator, distributedDataParallel } from 'evenkeel/distributed';

/** Trains a model of two outputs; gives how many logs there are. */
export async function trainTwoOutputs(communicator: Communicator): Promise<number> {
  await tf.setBackend('cpu');
  if (communicator.rank === 1) tf.layers.dense({ units: 1 });
  const input = tf.input({ shape: [2] });
  const outputs = [1, 2].map((units) => tf.layers.dense({ units }).apply(input) as tf.SymbolicTensor);
  const model = tf.model({ inputs: input, outputs });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mae'] });
  const { callbacks } = distributedDataParallel(model, communicator);
  const targets = [tf.ones([4, 1]), tf.ones([4, 2])];
  const { history } = await model.fit(tf.ones([4, 2]), targets, { callbacks });
  return Object.keys(history).length;
}
