/** @file Golden models learn as Keras does: the gradients of their inputs, and the losses of a training. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateTensorFlow } from 'evenkeel';
import { loadKerasModel } from 'evenkeel/keras';
import { describe, expect, test, vi } from 'vitest';
import { type Packed, unpack } from '../golden/index.js';
import { MODELS, inputsOf, readModel } from './golden.js';

vi.spyOn(console, 'warn').mockImplementation(() => undefined);
accelerateTensorFlow();

/** Of the largest magnitude, which counts as 1 at least. */
const TOLERANCE = 2e-5;
const RATE = 0.1;

const LEARNING = MODELS.filter(({ losses }) => losses);

const tensorsOf = (packed: readonly Packed[]): tf.Tensor[] =>
  packed.map((x) => tf.tensor([...unpack(x)], x.shape));

const only = <T>(values: readonly T[]): T | T[] => (values.length === 1 ? values[0]! : [...values]);

function expectAlike(got: ArrayLike<number>, want: readonly number[], of: string): void {
  const scale = Math.max(1, ...want.map(Math.abs));
  expect(got.length, of).toBe(want.length);
  const worst = Math.max(0, ...want.map((value, i) => Math.abs(value - got[i]!)));
  expect(worst / scale, of).toBeLessThanOrEqual(TOLERANCE);
}

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  test.each(LEARNING)('$file', async (golden) => {
    await tf.setBackend(backend);
    const model = await loadKerasModel(readModel(golden));
    tf.tidy(() => {
      if (golden.inputGradients!.length === 0) return;
      const dy = tensorsOf(golden.dy!);
      const total = (...inputs: tf.Tensor[]) => {
        const outputs = [model.apply(only(inputs), { training: false })].flat() as tf.Tensor[];
        // An input that no output uses has a gradient, too: 0.
        const nothing = inputs.map((x) => tf.mul(tf.sum(x), 0));
        return tf.addN([...outputs.map((y, i) => tf.sum(tf.mul(y, dy[i]!))), ...nothing]).asScalar();
      };
      const gradients = tf.grads(total)(inputsOf(golden));
      gradients.forEach((gradient, i) => {
        expectAlike(gradient.dataSync(), [...unpack(golden.inputGradients![i]!)], `gradient of input ${i}`);
      });
    });
    model.compile({ optimizer: tf.train.sgd(RATE), loss: 'meanSquaredError' });
    const losses: number[] = [];
    for (let step = 0; step < golden.losses!.length; step++) {
      const data = [only(inputsOf(golden)), only(tensorsOf(golden.targets!))] as const;
      // What has nothing to train keeps its loss.
      const loss =
        model.trainableWeights.length > 0
          ? await model.trainOnBatch(...data)
          : (model.evaluate(...data) as tf.Scalar).dataSync()[0]!;
      losses.push([loss].flat()[0]!);
    }
    expectAlike(losses, golden.losses!, 'losses');
    model.dispose();
  });
});
