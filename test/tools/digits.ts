/** @file A small network that reads digits, trained for the tests of the tools. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { loadData } from '../../demo/data.js';
import { type Digits, PIXELS, drawDigits } from '../../shared/digits.js';
import { Random } from '../../shared/random.js';

/** Images and classes as a model takes them. */
export interface Samples {
  readonly xs: tf.Tensor2D;
  readonly ys: tf.Tensor2D;
  readonly labels: Uint8Array;
}

const samplesOf = ({ images, labels }: Digits): Samples => ({
  xs: tf.tensor2d(
    Float32Array.from(images, (byte) => byte / 255),
    [labels.length, PIXELS],
  ),
  ys: tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), 10), 'float32') as tf.Tensor2D),
  labels,
});

/** Drawn digits, or MNIST's from a folder: to train and to test. */
export async function loadSamples(folder?: string): Promise<{ training: Samples; test: Samples }> {
  const { training, test } = folder
    ? await loadData(folder, 1)
    : {
        training: drawDigits(3000, new Random(1, 'digits')),
        test: drawDigits(500, new Random(2, 'digits')),
      };
  return { training: samplesOf(training), test: samplesOf(test) };
}

/** Two hidden layers, each normalized before its ReLU; neither trained nor compiled. */
export function makeReader(): tf.Sequential {
  const dense = (units: number, seed: number, args = {}) =>
    tf.layers.dense({ units, kernelInitializer: tf.initializers.heNormal({ seed }), ...args });
  return tf.sequential({
    layers: [
      dense(48, 1, { useBias: false, inputShape: [PIXELS] }),
      layerBatchNormalization({ momentum: 0.9, name: 'bn1' }),
      tf.layers.activation({ activation: 'relu' }),
      dense(32, 2, { useBias: false }),
      layerBatchNormalization({ momentum: 0.9, name: 'bn2' }),
      tf.layers.activation({ activation: 'relu' }),
      dense(10, 3, { activation: 'softmax' }),
    ],
  });
}

/** Trains in batches of 60, in the order that the samples have. */
export async function trainReader(model: tf.LayersModel, { xs, ys }: Samples, epochs: number): Promise<void> {
  const optimizer = tf.train.adam(0.005);
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  await model.fit(xs, ys, { epochs, batchSize: 60, shuffle: false });
}

/** The share of the samples that are read rightly. */
export function accuracyOf(model: tf.LayersModel, { xs, labels }: Samples): number {
  const classes = tf.tidy(() => [...tf.argMax(model.predict(xs) as tf.Tensor, 1).dataSync()]);
  return classes.reduce((hits, one, i) => hits + Number(one === labels[i]), 0) / labels.length;
}

/** Replaces a layer's moving statistics, each by what `change` makes of its values. */
export function changeStatistics(
  layer: tf.layers.Layer,
  change: (mean: number[], variance: number[]) => [number[], number[]],
): void {
  const weights = layer.weights.map((weight) => Array.from(weight.read().dataSync()));
  const statistics = change(weights.at(-2)!, weights.at(-1)!);
  tf.tidy(() => {
    layer.setWeights([...weights.slice(0, -2), ...statistics].map((values) => tf.tensor1d(values)));
  });
}
