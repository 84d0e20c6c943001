/** @file Models whose inputs are odd: tools work on them, or refuse them and leave nothing behind. */
import * as tf from '@tensorflow/tfjs';
import { ValueError } from 'evenkeel/core';
import { loadKerasModel } from 'evenkeel/keras';
import { fold, inspect } from 'evenkeel/tools';
import { expect, test } from 'vitest';

type Shape = (number | null)[];

const load = (shape: Shape, dtype: string, layer: { class_name: string; config: object }) =>
  loadKerasModel(
    new TextEncoder().encode(
      JSON.stringify({
        modelTopology: {
          class_name: 'Sequential',
          config: {
            name: 'odd',
            layers: [
              { class_name: 'InputLayer', config: { batch_input_shape: shape, dtype, name: 'in' } },
              layer,
            ],
          },
        },
        weightsManifest: [],
      }),
    ),
  );

const RELU = { class_name: 'Activation', config: { name: 'relu', activation: 'relu' } };
const FLATTEN = { class_name: 'Flatten', config: { name: 'flatten' } };
const reshape = (...shape: number[]) => ({
  class_name: 'Reshape',
  config: { name: 'reshape', target_shape: shape },
});
const pool = { class_name: 'MaxPooling1D', config: { name: 'pool', pool_size: [100] } };

const WORKS = null;
const [NO_SAMPLES, TEXT] = ['takes batches of 0 samples', 'is text, and fold compares on numbers'];
const NO_DIMENSION = 'has no dimension beside that of the batch';

test.each<[string, Shape, string, Parameters<typeof load>[2], fold: string | null, onData: string | null]>([
  ['batches of 0', [0, 3], 'float32', RELU, NO_SAMPLES, 'there are no samples in it'],
  ['rank 0', [], 'float32', RELU, NO_DIMENSION, 'there are no samples in it'],
  ['rank 1', [null], 'float32', RELU, NO_DIMENSION, WORKS],
  ['rank 1 of a known batch', [4], 'float32', RELU, NO_DIMENSION, WORKS],
  ['rank 6', [null, 2, 2, 2, 2, 2], 'float32', RELU, WORKS, WORKS],
  ['a dimension of 0', [null, 3, 0, 2], 'float32', RELU, WORKS, WORKS],
  ['a dimension of 0, flattened', [null, 0, 3], 'float32', FLATTEN, WORKS, WORKS],
  ['text', [null, 3], 'string', RELU, TEXT, null],
  ['int32', [null, 3], 'int32', RELU, WORKS, WORKS],
  ['bool', [null, 3], 'bool', RELU, WORKS, WORKS],
  ['steps fewer than a window', [null, null, 3], 'float32', pool, 'are larger than its input', 'are larger'],
  [
    'steps that fit no shape',
    [null, null],
    'float32',
    reshape(7, -1),
    "Layer 'reshape' cannot take an input of shape [8, 32]",
    "Layer 'reshape' cannot take an input of shape [3, 3]",
  ],
])('%s', async (_, shape, dtype, layer, folding, onData) => {
  const before = tf.memory().numTensors;
  const model = await load(shape, dtype, layer);
  const expectOutcome = async (run: Promise<{ readonly model?: unknown }>, message: string | null) => {
    const outcome = await run.catch((error: unknown) => error);
    if (message === null) {
      expect(outcome).not.toBeInstanceOf(Error);
      const made = (outcome as { readonly model?: tf.LayersModel | string }).model;
      if (made instanceof tf.LayersModel) made.dispose();
    } else {
      expect(outcome).toBeInstanceOf(ValueError);
      expect((outcome as Error).message).toContain(message);
    }
  };
  await expectOutcome(fold(model), folding);
  if (dtype !== 'string') {
    const x = tf.zeros(
      shape.map((size) => size ?? 3),
      dtype as 'float32',
    );
    // Without samples there is nothing to look at, whatever the model takes.
    if (shape.length > 1 && shape[0] !== 0) await expectOutcome(fold(model, x), onData);
    await expectOutcome(inspect(model, x), onData);
    x.dispose();
  }
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
