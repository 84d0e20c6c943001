/** @file The tools leave the states of stateful recurrent layers alone, and run a model from zero states. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { inspect, recalibrate } from 'evenkeel/tools';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { draw, weightsOf } from '../models/models.js';

type Recurrent = tf.layers.Layer & { getStates(): tf.Tensor[] };

const x = (seed: number) => draw([4, 5, 2], seed);

/** A stateful LSTM, also one within a Bidirectional, with a normalization behind; both have run. */
function makeUsed(): { model: tf.Sequential; states: () => number[][] } {
  const lstm = () => tf.layers.lstm({ units: 3, stateful: true, returnSequences: true });
  const model = tf.sequential({
    layers: [
      tf.layers.lstm({ units: 3, stateful: true, returnSequences: true, batchInputShape: [4, 5, 2] }),
      layerBatchNormalization({ name: 'bn' }),
      tf.layers.bidirectional({ layer: lstm(), mergeMode: 'concat' }),
      layerBatchNormalization({ name: 'last' }),
    ],
  });
  const [first, , wrapper] = model.layers as [
    Recurrent,
    unknown,
    tf.layers.Layer & Record<string, Recurrent>,
  ];
  tf.dispose([model.predict(x(1)), model.predict(x(2))]);
  const recurrent = [first, wrapper.forwardLayer!, wrapper.backwardLayer!];
  const states = () =>
    recurrent.flatMap((layer) => layer.getStates().map((state) => Array.from(state.dataSync())));
  return { model, states };
}

describeBackends(() => {
  test('inspect leaves states as they are, and each mode goes on from its own', async () => {
    const { model, states } = makeUsed();
    const [before, tensors] = [states(), tf.memory().numTensors];
    expect(before.flat().some((value) => value !== 0)).toBe(true);
    const batches = [x(1), x(2)];
    const { layers } = await inspect(model, batches);
    tf.dispose(batches);
    expect(states()).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    model.resetStates();
    const lstm = model.layers[0]!;
    const given = tf.concat([lstm.apply(x(1)) as tf.Tensor, lstm.apply(x(2)) as tf.Tensor]);
    const { mean } = tf.moments(given, [0, 1]);
    layers[0]!.inputs!.inference!.mean.forEach((value, c) => {
      expect(value).toBeCloseTo(mean.dataSync()[c]!, 5);
    });
    expect(layers[0]!.inputs!.training.mean).toEqual(layers[0]!.inputs!.inference!.mean);
  });

  test('recalibrate does so too, whatever the states were, and where it fails', async () => {
    const { model, states } = makeUsed();
    const [before, tensors] = [states(), tf.memory().numTensors];
    const recalibrated = async () => {
      const batches = [x(1), x(2)];
      await recalibrate(model, batches);
      tf.dispose(batches);
      return model.layers.map(weightsOf);
    };
    const first = await recalibrated();
    expect(states()).toEqual(before);
    const broken = [x(1), tf.fill([4, 5, 2], NaN)];
    await expect(recalibrate(model, broken)).rejects.toThrow(/NaN/);
    tf.dispose(broken);
    expect(states()).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    model.resetStates();
    expect(await recalibrated()).toEqual(first);
  });
});
