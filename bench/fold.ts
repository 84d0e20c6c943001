/** @file `npm run bench:fold`: inference of a convolutional network before and after folding, as ratios within one run. */
import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import Table from 'cli-table3';
import { layerBatchNormalization } from 'evenkeel';
import { fold } from 'evenkeel/tools';
import { LARGE, race } from './measure.js';

type Normalization = (args: { name: string }) => tf.layers.Layer;

/** Depthwise and pointwise convolutions in turn, each normalized, as in MobileNet. */
function network(normalization: Normalization): tf.LayersModel {
  const model = tf.sequential();
  const normalize = (name: string) => {
    model.add(normalization({ name }));
    model.add(tf.layers.reLU({ maxValue: 6 }));
  };
  model.add(
    tf.layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, useBias: false, inputShape: [96, 96, 3] }),
  );
  normalize('bn');
  [32, 64, 64, 128].forEach((filters, block) => {
    const strides = block % 2 === 1 ? 2 : 1;
    model.add(tf.layers.depthwiseConv2d({ kernelSize: 3, strides, padding: 'same', useBias: false }));
    normalize(`bn${block}_depthwise`);
    model.add(tf.layers.conv2d({ filters, kernelSize: 1, useBias: false }));
    normalize(`bn${block}_pointwise`);
  });
  model.add(tf.layers.globalAveragePooling2d({}));
  model.add(tf.layers.dense({ units: 10 }));
  return model;
}

const KINDS: Record<string, Normalization> = {
  evenkeel: (args) => layerBatchNormalization(args),
  stock: (args) => tf.layers.batchNormalization(args),
};

const table = new Table({
  head: ['backend', 'normalization', 'ms', 'folded ms', 'times as fast', 'largest difference'],
  style: { head: [], border: [] },
});
for (const backend of ['wasm', 'cpu']) {
  await tf.setBackend(backend);
  for (const [kind, normalization] of Object.entries(KINDS)) {
    const model = network(normalization);
    const { model: folded, largestDifference } = await fold(model);
    const x = tf.randomNormal([1, 96, 96, 3]);
    const predict = (one: tf.LayersModel) => () => {
      tf.tidy(() => (one.predict(x) as tf.Tensor).dataSync());
    };
    const ms = race({ model: predict(model), folded: predict(folded) }, LARGE);
    table.push([
      ...[backend, kind, ms.model.toFixed(2), ms.folded.toFixed(2)],
      ...[(ms.model / ms.folded).toFixed(2), largestDifference.toExponential(1)],
    ]);
    x.dispose();
    model.dispose();
    folded.dispose();
  }
}
process.stdout.write(`${table.toString()}\n`);
process.stdout.write(`${os.cpus()[0]?.model ?? 'unknown'}, ${os.cpus().length} cores, ${process.version}\n`);
