/**
 * @file Whole trainings: models whose topology tf-keras wrote, trained here to the same losses, weights and
 * predictions. TF.js cannot train convolutions on wasm; with `accelerateTensorFlow` it can.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, accelerateTensorFlow, registerBatchNormalization } from 'evenkeel';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { type GoldenRun, type Packed, readRuns, unpack } from '../golden/index.js';

const tensor = ({ data, shape }: Packed) => tf.tensor(data.map(Number), shape);
const distance = (got: tf.Tensor, want: Packed) => {
  const values = got.dataSync();
  return Math.max(...unpack(want).map((value, i) => Math.abs(value - values[i]!)));
};

async function train(run: GoldenRun): Promise<void> {
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
    expect(Math.abs(got - loss), `loss of step ${i + 1}`).toBeLessThanOrEqual(run.tolerance);
  }
  for (const { layer, first } of perLayer) {
    layer.getWeights().forEach((weight, i) => {
      expect(distance(weight, run.finalWeights[first + i]!), layer.name).toBeLessThanOrEqual(run.tolerance);
    });
  }
  expect(distance(model.predict(batch(x, 0)) as tf.Tensor, run.prediction)).toBeLessThanOrEqual(
    run.tolerance,
  );
}

describeBackends((backend) => {
  const runs = readRuns();

  describe.each([
    { how: 'as TF.js is', accelerate: false },
    { how: 'accelerated', accelerate: true },
  ])('$how', ({ how, accelerate }) => {
    const possible = runs.filter(({ name }) => backend === 'cpu' || accelerate || !name.startsWith('conv'));
    const undos: (() => void)[] = [];
    let ran = 0;

    beforeEach(() => {
      undos.push(registerBatchNormalization());
      if (accelerate) undos.push(accelerateTensorFlow());
    });
    afterEach(() => {
      for (const undo of undos.splice(0)) undo();
    });

    test.each(possible)('trains as Keras does: $name', async (run) => {
      await train(run);
      ran++;
    });

    afterAll(() => {
      process.stdout.write(`golden runs on ${backend}, ${how}: ${ran} of ${runs.length} agree with Keras\n`);
      expect(possible).toHaveLength(backend === 'cpu' || accelerate ? 12 : 9);
    });
  });
});
