/**
 * @file Copies predict what their originals do: of every golden model, of models beside masks and states, whether they
 * come from a file, where TF.js' layers are patched, or are built by hand, where they are not.
 */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { fold, replaceBatchNormalization } from 'evenkeel/tools';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyModel } from '../../src/model/copy.js';
import { useBackend } from '../backends.js';
import { MODELS, TOLERANCE, foldedTolerance, inputsOf, readModel } from '../keras-files/golden.js';
import { recordWarnings, takeWarnings } from '../warnings.js';
import { type Layer, type Symbolic, apply, distance, spoil } from './networks.js';

const { layers } = tf;

let stopRecording: () => void;
beforeEach(async () => {
  await useBackend('cpu');
  stopRecording = recordWarnings();
});
afterEach(() => {
  takeWarnings();
  stopRecording();
});

/** All outputs, one after the other. */
const predict = (model: tf.LayersModel, inputs: tf.Tensor[]): number[] =>
  tf.tidy(() => {
    if (model.stateful) model.resetStates();
    const outputs = [model.predict(inputs.length === 1 ? inputs[0]! : inputs)].flat();
    return outputs.flatMap((output) => [...output.dataSync()]);
  });

/** Copies a model in every way that there is, and compares what the copies predict. */
async function expectCopiesToAgree(
  model: tf.LayersModel,
  inputs: tf.Tensor[],
  tolerance = TOLERANCE,
): Promise<void> {
  const want = predict(model, inputs);
  expect(predict(copyModel(model).model, inputs)).toEqual(want);
  expect(predict(replaceBatchNormalization(model).model, inputs)).toEqual(want);
  const folded = await fold(model);
  expect(distance(predict(folded.model, inputs), want)).toBeLessThan(tolerance);
  expect(folded.largestDifference).toBeLessThan(tolerance * Math.max(1, folded.largestOutput));
  expect(predict(model, inputs)).toEqual(want);
}

test.each(MODELS)('copies of $file agree', async (golden) => {
  await expectCopiesToAgree(
    await loadKerasModel(readModel(golden)),
    inputsOf(golden),
    foldedTolerance(golden),
  );
});

const tokens = () => tf.tensor2d([1, 2, 0, 0, 3, 0, 1, 0], [2, 4], 'int32');
const bn = (name?: string) => layerBatchNormalization(name === undefined ? {} : { name });
const lstm = (args: object = {}) => layers.lstm({ units: 3, ...args });
const embed = (words: Symbolic, maskZero = true) =>
  apply(layers.embedding({ inputDim: 5, outputDim: 3, maskZero }), words);
const convolve = (x: Symbolic) => apply(bn(), apply(layers.conv1d({ filters: 3, kernelSize: 1 }), x));

function ofTokens(build: (words: Symbolic) => Symbolic | Symbolic[]): tf.LayersModel {
  const words = tf.input({ shape: [4], dtype: 'int32' });
  return spoil(tf.model({ inputs: words, outputs: build(words) }));
}

const merging: Record<string, () => Layer> = {
  Add: layers.add,
  Multiply: layers.multiply,
  Average: layers.average,
  Maximum: layers.maximum,
  Minimum: layers.minimum,
};

/** Each with what its copies lost, or may lose. */
const MASKED: Record<string, () => tf.LayersModel> = {
  'a recurrent layer without a mask, beside one that has it': () =>
    ofTokens((words) => {
      const embedded = embed(words);
      return [apply(lstm(), embedded), apply(lstm(), convolve(embedded))];
    }),
  'a TimeDistributed and a Bidirectional without a mask, beside a masked layer': () =>
    ofTokens((words) => {
      const embedded = embed(words);
      const steps = apply(layers.timeDistributed({ layer: layers.dense({ units: 3 }) }), convolve(embedded));
      const both = layers.bidirectional({ layer: lstm(), mergeMode: 'concat' });
      return [apply(lstm(), embedded), apply(both, steps)];
    }),
  ...Object.fromEntries(
    Object.entries(merging).map(([name, make]) => [
      `${name} of two masked branches`,
      () =>
        ofTokens((words) => {
          const branches = [embed(words), embed(words)].map((x) =>
            apply(bn(), apply(layers.dense({ units: 3 }), x)),
          );
          return apply(lstm(), apply(make(), ...branches));
        }),
    ]),
  ),
  ...Object.fromEntries(
    [layers.leakyReLU, layers.elu, layers.thresholdedReLU].map((make) => [
      `${make({}).getClassName()} behind a mask`,
      () =>
        ofTokens((words) =>
          apply(lstm(), apply(make({}), apply(bn(), apply(layers.dense({ units: 3 }), embed(words))))),
        ),
    ]),
  ),
  'states that feed a decoder': () =>
    ofTokens((words) => {
      const x = convolve(embed(words, false));
      const [last, ...states] = lstm({ returnState: true }).apply(x) as Symbolic[];
      const repeated = apply(layers.repeatVector({ n: 2 }), last!);
      return lstm().apply(repeated, { initialState: states }) as Symbolic;
    }),
  'states of a GRU, used after its output': () =>
    ofTokens((words) => {
      const gru = layers.gru({ units: 3, returnState: true });
      const [last, state] = gru.apply(convolve(embed(words, false))) as Symbolic[];
      return [apply(layers.dense({ units: 2 }), last!), apply(bn(), state!)];
    }),
  'a nested model beside a masked layer': () =>
    ofTokens((words) => {
      const inner = tf.sequential({ layers: [layers.dense({ units: 3, inputShape: [4, 3] }), bn(), lstm()] });
      const embedded = embed(words);
      return [apply(lstm(), embedded), apply(inner, convolve(embedded))];
    }),
};

const throughFile = async (model: tf.LayersModel) =>
  loadKerasModel(await saveKerasModel(model, null, { for: 'tf-keras' }));

describe.each(Object.entries(MASKED))('%s', (_, make) => {
  test('copies of the loaded model agree', async () => {
    await expectCopiesToAgree(await throughFile(make()), [tokens()]);
  });

  test('copies of copies agree', async () => {
    await expectCopiesToAgree(copyModel(await throughFile(make())).model, [tokens()]);
  });

  test('copies of a model around the loaded one agree', async () => {
    const loaded = await throughFile(make());
    const outputs = [apply(loaded, ...loaded.inputs)].flat();
    await expectCopiesToAgree(tf.model({ inputs: loaded.inputs, outputs }), [tokens()]);
  });
});

test('a leaky rectifier hands its own mask on, and not the one of another layer', async () => {
  const [ones, others] = [tf.input({ shape: [4], dtype: 'int32' }), tf.input({ shape: [4], dtype: 'int32' })];
  const rectified = apply(layers.leakyReLU(), apply(bn(), apply(layers.dense({ units: 3 }), embed(ones))));
  const sum = apply(layers.add(), apply(lstm({ returnSequences: true }), embed(others)), rectified);
  const model = spoil(tf.model({ inputs: [ones, others], outputs: apply(lstm(), sum) }));
  await expectCopiesToAgree(await throughFile(model), [tokens(), tf.reverse(tokens(), 1)]);
});

test('a copy of a nested model alone takes no mask of another layer either', async () => {
  const loaded = await throughFile(MASKED['a nested model beside a masked layer']!());
  const inner = loaded.layers.find((layer) => layer.getClassName() === 'Sequential') as tf.LayersModel;
  const copy = copyModel(inner).model;
  copy.name = 'copy';
  const words = tf.input({ shape: [4], dtype: 'int32' });
  const other = convolve(embed(words, false));
  const outputs = [apply(lstm(), embed(words)), apply(inner, other), apply(copy, other)];
  const model = tf.model({ inputs: words, outputs });
  const [, want, got] = (model.predict(tokens()) as tf.Tensor[]).map((output) => [...output.dataSync()]);
  expect(got).toEqual(want);
});

test('normalizations in a chain that is called with training: false stay in inference mode', async () => {
  const inner = tf.sequential({ layers: [layers.dense({ units: 3, inputShape: [2] }), bn(), layers.reLU()] });
  const inputs = tf.input({ shape: [2] });
  const outputs = inner.apply(inputs, { training: false }) as Symbolic;
  const loaded = await throughFile(spoil(tf.model({ inputs, outputs })));
  const x = tf.tensor2d([1, 2, 3, 4, 5, 7], [3, 2]);
  const train = (model: tf.LayersModel) => [...(model.apply(x, { training: true }) as tf.Tensor).dataSync()];
  const want = train(loaded);
  expect(want).toEqual([...(loaded.apply(x, { training: false }) as tf.Tensor).dataSync()]);
  expect(train(copyModel(loaded).model)).toEqual(want);
  expect(train(replaceBatchNormalization(loaded).model)).toEqual(want);
});

/** Of these, TF.js itself computes something, if not what Keras does. */
const ALONE = Object.entries(MASKED).filter(([name]) => !/branches$|decoder$|after its output$/.test(name));
test.each(ALONE)('copies of the same, built by hand, agree: %s', async (_, make) => {
  await expectCopiesToAgree(make(), [tokens()]);
});
