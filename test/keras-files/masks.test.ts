/** @file Models with masks: TF.js leaves a mask to layers that have none, and Keras 3 writes masks into the graph. */
import * as tf from '@tensorflow/tfjs';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { readArchive, writeArchive } from '../../src/data/archive.js';

const NAMES = ['config.json', 'metadata.json', 'model.weights.h5'];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const predict = (model: tf.LayersModel, x: tf.Tensor) =>
  [model.predict(x)].flat().map((y) => [...y.dataSync()]);

const TOKENS = tf.tensor2d(
  [
    [1, 2, 0, 0],
    [3, 0, 1, 0],
  ],
  [2, 4],
  'int32',
);

test("a layer without a mask does not get another one's", async () => {
  const words = tf.input({ shape: [4], dtype: 'int32' });
  const embedded = tf.layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true }).apply(words);
  const masked = tf.layers.lstm({ units: 2, name: 'masked' }).apply(embedded) as tf.SymbolicTensor;
  // A convolution passes no mask on.
  const mixed = tf.layers.conv1d({ filters: 3, kernelSize: 1 }).apply(embedded) as tf.SymbolicTensor;
  const lstm = tf.layers.lstm({ units: 2, name: 'free' });
  const free = lstm.apply(mixed) as tf.SymbolicTensor;
  const model = await loadKerasModel(
    await saveKerasModel(tf.model({ inputs: words, outputs: [masked, free] }), null, { for: 'tf-keras' }),
  );
  const before = tf.model({
    inputs: model.inputs,
    outputs: model.getLayer('free').input,
  });
  const steps = before.predict(TOKENS) as tf.Tensor;
  const want = model.getLayer('free').apply(steps) as tf.Tensor;
  expect(predict(model, TOKENS)[1]).toEqual([...want.dataSync()]);
});

const { layers } = tf;
type Symbolic = tf.SymbolicTensor;
const apply = (layer: tf.layers.Layer, ...inputs: Symbolic[]) =>
  layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as Symbolic;
const ofWords = (build: (words: Symbolic) => Symbolic | Symbolic[], shape: number[] = [4]) => {
  const inputs = tf.input({ shape, dtype: 'int32' });
  return tf.model({ inputs, outputs: build(inputs) });
};
const embedding = (name: string, maskZero = true) =>
  layers.embedding({ inputDim: 5, outputDim: 3, maskZero, name });
const lstm = (name: string, args: object = {}) => layers.lstm({ units: 3, name, ...args });
const conv = () => layers.conv1d({ filters: 3, kernelSize: 1, name: 'conv' });
const throughFile = async (model: tf.LayersModel) =>
  loadKerasModel(await saveKerasModel(model, null, { for: 'tf-keras' }));
/** A model within another. */
const nested = (inner: tf.LayersModel, words: Symbolic) => inner.apply(words) as Symbolic[];

test('a layer without a mask does not get one in a nested model either', async () => {
  const inner = ofWords((words) => [
    apply(lstm('masked'), apply(embedding('other'), words)),
    apply(lstm('free'), apply(conv(), apply(embedding('embed'), words))),
  ]);
  const loaded = await throughFile(ofWords((words) => nested(inner, words)));
  const alone = ofWords((words) =>
    apply(lstm('free'), apply(conv(), apply(embedding('embed', false), words))),
  );
  const weights = (loaded.layers.at(-1) as tf.LayersModel).layers;
  alone.setWeights(
    ['embed', 'conv', 'free'].flatMap((name) => weights.find((layer) => layer.name === name)!.getWeights()),
  );
  expect(predict(loaded, TOKENS)[1]).toEqual(predict(alone, TOKENS)[0]);
});

describe('a mask that a nested model is called with', () => {
  const build = (words: Symbolic) => {
    const steps = tf.input({ shape: [4, 3] });
    const inner = tf.model({ inputs: steps, outputs: apply(lstm('lstm'), apply(layers.reLU(), steps)) });
    return apply(inner, apply(embedding('embed'), words));
  };

  test('is there within it', async () => {
    const loaded = await throughFile(ofWords(build));
    const flat = ofWords((words) =>
      apply(lstm('lstm'), apply(layers.reLU(), apply(embedding('embed'), words))),
    );
    flat.setWeights(loaded.getWeights());
    expect(predict(loaded, TOKENS)).toEqual(predict(flat, TOKENS));
  });

  test('is refused where there are others', async () => {
    const two = ofWords((words) => [build(words), apply(lstm('second'), apply(embedding('another'), words))]);
    await expect(throughFile(two)).rejects.toThrow(
      /'lstm' \('LSTM'\) cannot be loaded: its mask is made in another model than its own/,
    );
  });
});

test('a mask that is given directly counts, in a model without any', async () => {
  const model = ofWords((words) => apply(lstm('lstm'), apply(embedding('embed', false), words)));
  const loaded = (await throughFile(model)).getLayer('lstm');
  const x = tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 2, 3]);
  const last = (mask: number[][]) =>
    (loaded.apply(x, { mask: tf.tensor2d(mask, [1, 2], 'bool') }) as tf.Tensor).dataSync();
  expect([...last([[1, 0]])]).not.toEqual([...last([[1, 1]])]);
});

test('a mask that is made in a nested model is refused outside it', async () => {
  const inner = ofWords((ids) => apply(embedding('embed'), ids));
  await expect(throughFile(ofWords((words) => apply(lstm('lstm'), apply(inner, words))))).rejects.toThrow(
    /'lstm' \('LSTM'\) cannot be loaded: its mask is made in another model than its own/,
  );
});

test.each([
  ['Softmax', () => layers.softmax({ axis: -1 })],
  ['LeakyReLU', () => layers.leakyReLU()],
  ['ELU', () => layers.elu()],
  ['ThresholdedReLU', () => layers.thresholdedReLU({ theta: 0.01 })],
])('a mask passes a %s', async (_, make) => {
  const [ones, others] = [0, 1].map(() => tf.input({ shape: [3], dtype: 'int32' }));
  const passed = apply(make(), apply(embedding('embed'), ones!));
  const other = apply(lstm('seen', { returnSequences: true }), apply(embedding('other'), others!));
  const sum = apply(layers.add({ name: 'sum' }), other, passed);
  const loaded = await throughFile(
    tf.model({ inputs: [ones!, others!], outputs: [sum, apply(lstm('lstm'), sum)] }),
  );
  const x = [
    [1, 0, 2],
    [3, 1, 0],
  ].map((ids) => tf.tensor2d([ids], [1, 3], 'int32'));
  const [steps, last] = loaded.predict(x) as [tf.Tensor, tf.Tensor];
  const mask = tf.tensor2d([[1, 0, 0]], [1, 3], 'bool');
  const want = loaded.getLayer('lstm').apply(steps, { mask }) as tf.Tensor;
  expect([...last.dataSync()]).toEqual([...want.dataSync()]);
});

test('the states of a recurrent layer have no mask', async () => {
  const loaded = await throughFile(
    ofWords((words) => {
      const [, state] = layers
        .gru({ units: 3, returnSequences: true, returnState: true })
        .apply(apply(embedding('embed'), words)) as Symbolic[];
      const sum = apply(layers.add({ name: 'sum' }), apply(embedding('plain', false), words), state!);
      return [sum, apply(lstm('lstm'), sum)];
    }),
  );
  const [steps, last] = loaded.predict(TOKENS) as [tf.Tensor, tf.Tensor];
  const want = loaded.getLayer('lstm').apply(steps) as tf.Tensor;
  expect([...last.dataSync()]).toEqual([...want.dataSync()]);
});

test('sixty merges beside a mask are looked through at once', async () => {
  const model = ofWords((words) => {
    let x = apply(embedding('embed', false), words);
    for (let i = 0; i < 60; i++) x = apply(layers.add(), x, x);
    return [apply(lstm('lstm'), x), apply(lstm('masked'), apply(embedding('other'), words))];
  });
  const loaded = await throughFile(model);
  expect(loaded.layers).toHaveLength(65);
});

/** A functional model of Keras 3 with a mask, as Keras 3.15 writes it. */
async function withMaskInGraph(compared: number): Promise<{ bytes: Uint8Array; model: tf.LayersModel }> {
  const words = tf.input({ shape: [4], dtype: 'int32', name: 'words' });
  const embedded = tf.layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, name: 'e' }).apply(words);
  const output = tf.layers
    .lstm({ units: 2, name: 'l', recurrentActivation: 'sigmoid' })
    .apply(embedded) as tf.SymbolicTensor;
  const model = tf.model({ inputs: words, outputs: output });
  const files = new Map(await readArchive(await saveKerasModel(model, null, { for: 'keras3' }), NAMES));
  interface Saved {
    config: { layers: { name: string; inbound_nodes: { kwargs: Record<string, unknown> }[] }[] };
  }
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as Saved;
  const tensor = (name: string) => ({
    class_name: '__keras_tensor__',
    config: { shape: [null, 4], dtype: 'float32', keras_history: [name, 0, 0] },
  });
  const operation = {
    module: 'keras.src.ops.numpy',
    class_name: 'NotEqual',
    name: 'not_equal',
    config: { name: 'not_equal' },
    inbound_nodes: [{ args: [tensor('words'), compared], kwargs: {} }],
  };
  config.config.layers.find(({ name }) => name === 'l')!.inbound_nodes[0]!.kwargs = {
    mask: tensor('not_equal'),
  };
  config.config.layers.push(operation);
  files.set('config.json', new TextEncoder().encode(JSON.stringify(config)));
  return { bytes: await writeArchive(files), model };
}

test('the mask of an Embedding that Keras 3 wrote into the graph is made anew', async () => {
  const { bytes, model } = await withMaskInGraph(0);
  expect(predict(await loadKerasModel(bytes), TOKENS)).toEqual(predict(model, TOKENS));
});

test('another mask in the graph is refused', async () => {
  const { bytes } = await withMaskInGraph(3);
  await expect(loadKerasModel(bytes)).rejects.toThrow(
    /'l' \('LSTM'\) cannot be loaded: it is called with \{ mask/,
  );
});

test("TF.js' own mean over steps that Keras masks is not saved, and ours is", async () => {
  const makeModel = (mean: tf.layers.Layer) => {
    const model = tf.sequential();
    model.add(tf.layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, inputShape: [4] }));
    model.add(mean);
    return model;
  };
  const stock = makeModel(tf.layers.globalAveragePooling1d({ name: 'mean' }));
  await expect(saveKerasModel(stock, null, { for: 'tf-keras' })).rejects.toThrow(
    /'mean' \('GlobalAveragePooling1D'\) cannot be saved: it is TF\.js' own .* does not use the mask/,
  );
  const ours = makeModel(kerasLayers.globalAveragePooling1d({ name: 'mean' }));
  const x = tf.tensor2d([[1, 2, 0, 0]]);
  const [mean] = predict(ours, x);
  const [rows] = ours.layers[0]!.getWeights().map((weights) => weights.dataSync());
  expect(mean).toEqual(
    [0, 1, 2].map((i) => expect.closeTo((rows![3 + i]! + rows![6 + i]!) / 2, 6) as number),
  );
  const again = await loadKerasModel(await saveKerasModel(ours, null, { for: 'tf-keras' }));
  expect(predict(again, x)[0]).toEqual(mean);
});

test('the states of a recurrent layer can be used after its output', async () => {
  const input = tf.input({ shape: [3, 2] });
  const [last, h, c] = tf.layers.lstm({ units: 2, returnState: true }).apply(input) as tf.SymbolicTensor[];
  const repeated = tf.layers.repeatVector({ n: 2 }).apply(last!) as tf.SymbolicTensor;
  const decoded = tf.layers.lstm({ units: 2 }).apply(repeated, { initialState: [h!, c!] });
  const model = tf.model({ inputs: input, outputs: decoded as tf.SymbolicTensor });
  // TF.js leaves the states out of its own configuration; ours has them.
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const bytes = await saveKerasModel(model, null, { for: 'tf-keras' });
  expect(warn.mock.calls).toEqual([[expect.stringContaining('non-serializable keyword arguments')]]);
  warn.mockRestore();
  expect(predict(await loadKerasModel(bytes), tf.ones([2, 3, 2]))[0]).toHaveLength(4);
});

test('axes from the end, and sizes left open, come back', async () => {
  const input = tf.input({ shape: [4, 3] });
  const open = tf.layers.reshape({ targetShape: [-1, 3] }).apply(input) as tf.SymbolicTensor;
  const joined = tf.layers.concatenate({ axis: -2 }).apply([input, open]) as tf.SymbolicTensor;
  const bytes = await saveKerasModel(tf.model({ inputs: input, outputs: joined }), null, { for: 'keras3' });
  const config = new TextDecoder().decode((await readArchive(bytes, NAMES)).get('config.json'));
  expect(config).toContain('"target_shape":[-1,3]');
  const y = (await loadKerasModel(bytes)).predict(tf.ones([2, 4, 3])) as tf.Tensor;
  expect(y.shape).toEqual([2, 8, 3]);
});

test.each([
  ['of two makers', true, true],
  ['of one input alone', true, false],
])('masks %s, which Keras 3 joins otherwise than TF.js, are not saved for it', async (_, ...makes) => {
  const inputs = makes.map(() => tf.input({ shape: [4], dtype: 'int32' }));
  const embedded = inputs.map((input, i) =>
    tf.layers.embedding({ inputDim: 5, outputDim: 2, maskZero: makes[i] }).apply(input),
  );
  const sum = tf.layers.add({ name: 'sum' }).apply(embedded as tf.SymbolicTensor[]);
  const outputs = tf.layers.simpleRNN({ units: 2 }).apply(sum) as tf.SymbolicTensor;
  const model = tf.model({ inputs, outputs });
  await expect(saveKerasModel(model, null, { for: 'keras3' })).rejects.toThrow(
    /'sum' \('Add'\) cannot be saved: its inputs have different masks/,
  );
  await saveKerasModel(model, null, { for: 'tf-keras' });
});

test('one mask on both sides of a sum is saved for Keras 3', async () => {
  const input = tf.input({ shape: [4], dtype: 'int32' });
  const embedded = tf.layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true }).apply(input);
  const cells = [0, 1].map(() => tf.layers.simpleRNN({ units: 2, returnSequences: true }).apply(embedded));
  const outputs = tf.layers.add().apply(cells as tf.SymbolicTensor[]) as tf.SymbolicTensor;
  const bytes = await saveKerasModel(tf.model({ inputs: input, outputs }), null, { for: 'keras3' });
  expect((await loadKerasModel(bytes)).layers).toHaveLength(5);
});
