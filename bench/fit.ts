/** @file A whole `fit`: the experiment's network with this layer, against the same with the stock one. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { median } from './measure.js';
import { NETWORKS, build } from './networks/networks.js';

const [SAMPLES, BATCH, ROUNDS] = [600, 60, 9];

function network(normalization: () => tf.layers.Layer): tf.LayersModel {
  const { model } = build(NETWORKS.experiment, normalization);
  model.compile({ optimizer: tf.train.sgd(0.1), loss: tf.losses.softmaxCrossEntropy });
  return model;
}

/** Median milliseconds of an epoch of ten batches of 60, both networks in turn, after two warm rounds. */
export async function raceFit(): Promise<{ evenkeelMs: number; stockMs: number }> {
  const x = tf.randomNormal([SAMPLES, 784]);
  const y = tf.oneHot(tf.cast(tf.randomUniform([SAMPLES], 0, 10), 'int32'), 10);
  const models = {
    evenkeel: network(() => layerBatchNormalization()),
    stock: network(() => tf.layers.batchNormalization({})),
  };
  const times = { evenkeel: [] as number[], stock: [] as number[] };
  for (let round = 0; round < ROUNDS + 2; round++) {
    for (const name of ['evenkeel', 'stock'] as const) {
      const start = performance.now();
      await models[name].fit(x, y, { epochs: 1, batchSize: BATCH, yieldEvery: 'never' });
      if (round >= 2) times[name].push(performance.now() - start);
    }
  }
  for (const model of Object.values(models)) model.dispose();
  tf.dispose([x, y]);
  return { evenkeelMs: median(times.evenkeel), stockMs: median(times.stock) };
}
