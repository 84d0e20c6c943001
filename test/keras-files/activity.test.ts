/** @file Penalties on activity: what golden models cannot tell. */
import * as tf from '@tensorflow/tfjs';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, expect, test, vi } from 'vitest';
import { MODELS, inputsOf, readModel } from './golden.js';

vi.spyOn(console, 'warn').mockImplementation(() => undefined);
beforeAll(async () => {
  await tf.setBackend('cpu');
});

const golden = MODELS.find(({ file }) => file === 'keras3-activity.keras')!;

/** The penalties of one step of training. */
const penaltiesOf = (model: tf.LayersModel): number[] =>
  tf.tidy(() => {
    let penalties: number[] = [];
    tf.variableGrads(() => {
      const y = model.apply(inputsOf(golden)[0]!, { training: true }) as tf.Tensor;
      penalties = model.calculateLosses().map((penalty) => penalty.dataSync()[0]!);
      return tf.sum(y).asScalar();
    });
    return penalties;
  });

test.each(['tf-keras', 'keras3'] as const)('a model saved for %s keeps them', async (dialect) => {
  const model = await loadKerasModel(readModel(golden));
  const again = await loadKerasModel(await saveKerasModel(model, null, { for: dialect }));
  expect(penaltiesOf(again)).toEqual(penaltiesOf(model));
  expect(penaltiesOf(model)).toHaveLength(7);
});

test('nothing is kept but in training, and no more than can be asked for', async () => {
  const model = await loadKerasModel(readModel(golden));
  const { numTensors } = tf.memory();
  tf.tidy(() => {
    model.predict(inputsOf(golden));
  });
  expect(model.calculateLosses()).toEqual([]);
  for (let step = 0; step < 100; step++) {
    tf.tidy(() => {
      tf.variableGrads(() =>
        tf.sum(model.apply(inputsOf(golden)[0]!, { training: true }) as tf.Tensor).asScalar(),
      );
    });
  }
  // Each of the four layers keeps its latest.
  expect(tf.memory().numTensors - numTensors).toBe(4 * 64);
});
