/** @file Loading compiles a model as it was compiled in Keras; where TF.js would compute something else, it says why not. */
import * as tf from '@tensorflow/tfjs';
import { type KerasSource, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { readHdf5 } from '../../src/data/hdf5/hdf5.js';
import { readMetric } from '../../src/keras/losses.js';
import { inputsOf, modelNamed, readModel } from './golden.js';

const warnings = vi.spyOn(console, 'warn').mockImplementation(() => undefined);

beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  warnings.mockClear();
});

// TF.js greets.
const said = () =>
  warnings.mock.calls.map(([text]) => String(text)).filter((text) => !text.includes('TensorFlow.js'));
const isCompiled = (model: tf.LayersModel) => (model.optimizer as tf.Optimizer | undefined) !== undefined;

type Compiled = Record<string, unknown> & { optimizer: { config: Record<string, unknown> } };

/** The golden model of Keras 3 by Adam, of which the arguments of `compile` were changed. */
async function compiledWith(change: (compiled: Compiled) => object | null): Promise<Uint8Array> {
  const files = new Map(
    await readArchive(readModel(modelNamed('keras3-adam.keras')), { includes: () => true }),
  );
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as {
    compile_config: object | null;
  };
  config.compile_config = change(config.compile_config as Compiled);
  files.set('config.json', new TextEncoder().encode(JSON.stringify(config)));
  return writeArchive(files);
}

describe('is not compiled, and one warning says why,', () => {
  test.each([
    ['a loss that TF.js lacks', { loss: 'hinge' }, /its loss 'hinge' is not in TF\.js\./],
    [
      'a sum over the batch',
      { loss: { class_name: 'MeanSquaredError', config: { reduction: 'sum' } } },
      /reduction 'sum', which TF\.js lacks/,
    ],
    [
      'a setting of a loss',
      { loss: { class_name: 'SparseCategoricalCrossentropy', config: { ignore_class: 1 } } },
      /has ignore_class 1/,
    ],
    ['no loss', { loss: null }, /it has no loss for an output/],
    ['another number of losses', { loss: ['mse', 'mse'] }, /it has 2 losses for 1 outputs/],
    [
      'a metric that TF.js lacks',
      { metrics: [{ class_name: 'AUC', config: {} }] },
      /its metric 'auc' is not in/,
    ],
    ['weights of losses', { loss_weights: [0.5] }, /loss_weights \[0\.5\], which TF\.js lacks/],
    ['weighted metrics', { weighted_metrics: ['mse'] }, /weighted_metrics/],
    ['no optimizer', { optimizer: null }, /its optimizer is null; known are SGD, Adam,/],
    ['another optimizer', { optimizer: { class_name: 'Ftrl', config: {} } }, /its optimizer is 'Ftrl'/],
    [
      'a moving average of weights',
      { optimizer: { class_name: 'SGD', config: { use_ema: true } } },
      /its optimizer has use_ema true/,
    ],
    [
      "a schedule of one's own",
      { optimizer: { class_name: 'SGD', config: { learning_rate: { class_name: 'Mine', config: {} } } } },
      /its learning rate follows 'Mine'; known are ExponentialDecay,/,
    ],
    [
      'Nadam of before TensorFlow 2.11',
      { optimizer: { class_name: 'Nadam', config: {}, module: 'keras.optimizers.legacy' } },
      /Nadam of TensorFlow before 2\.11/,
    ],
  ])('with %s', async (_, changes, message) => {
    const model = await loadKerasModel(await compiledWith((compiled) => ({ ...compiled, ...changes })));
    expect(isCompiled(model)).toBe(false);
    expect(said()).toHaveLength(1);
    expect(said()[0]).toMatch(message);
    expect(said()[0]).toMatch(/^The model '.*' is not compiled: .*Compile it yourself: .*compile: false\.$/);
  });

  test('with a cross entropy behind whose activation Keras looks', async () => {
    const golden = readModel(modelNamed('keras3-sparse.keras'));
    const files = new Map(await readArchive(golden, { includes: () => true }));
    const text = new TextDecoder().decode(files.get('config.json'));
    const changed = text.replace(
      '"loss": "sparse_categorical_crossentropy"',
      '"loss": "binary_crossentropy"',
    );
    expect(changed).not.toBe(text);
    files.set('config.json', new TextEncoder().encode(changed));
    expect(isCompiled(await loadKerasModel(await writeArchive(files)))).toBe(false);
    expect(said().join()).toMatch(/'binary_crossentropy' goes with sigmoid, and the output has softmax/);
  });

  test('with a mask at its output', async () => {
    const model = tf.sequential();
    model.add(tf.layers.masking({ inputShape: [3, 2] }));
    model.add(tf.layers.dense({ units: 1 }));
    const files = new Map(
      await readArchive(await saveKerasModel(model, null, { for: 'keras3' }), { includes: () => true }),
    );
    const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as object;
    const compiled = { ...config, compile_config: { optimizer: 'sgd', loss: 'mse' } };
    files.set('config.json', new TextEncoder().encode(JSON.stringify(compiled)));
    expect(isCompiled(await loadKerasModel(await writeArchive(files)))).toBe(false);
    expect(said().join()).toMatch(/its output has a mask/);
  });
});

test.each(['h5', 'keras'])(
  'is not compiled where it was not in Keras, nor with compile: false, .%s',
  async (ending) => {
    expect(
      isCompiled(await loadKerasModel(readModel(modelNamed(`keras3-mlp.${ending}`)), { compile: false })),
    ).toBe(false);
    expect(
      isCompiled(await loadKerasModel(readModel(modelNamed(`keras3-adam.${ending}`)), { compile: false })),
    ).toBe(false);
    expect(isCompiled(await loadKerasModel(await compiledWith(() => ({}))))).toBe(false);
    expect(isCompiled(await loadKerasModel(await compiledWith(() => null)))).toBe(false);
    expect(said()).toEqual([]);
  },
);

test.each([
  ['one for its one output', [1]],
  ['one by the name of an output', { other: 1 }],
  ['none for an output', [null]],
])('is compiled with weights of losses that change nothing: %s', async (_, weights) => {
  const source = await compiledWith((compiled) => ({ ...compiled, loss_weights: weights }));
  expect(isCompiled(await loadKerasModel(source))).toBe(true);
  expect(said()).toEqual([]);
});

/** The optimizer as a file says it, read. */
async function optimizerOf(optimizer: object): Promise<tf.Optimizer> {
  return (await loadKerasModel(await compiledWith((compiled) => ({ ...compiled, optimizer })))).optimizer;
}

test('the learning rate is read from files of before Keras 2.3, which call it lr', async () => {
  const optimizer = await optimizerOf({ class_name: 'SGD', config: { lr: 0.25 } });
  expect(optimizer.getConfig()).toMatchObject({ learning_rate: 0.25 });
});

test('AdamW without weight decay has none, where it says so, and its default where it does not', async () => {
  const none = await optimizerOf({ class_name: 'AdamW', config: { weight_decay: null } });
  expect(none.getConfig()).not.toHaveProperty('weight_decay');
  const silent = await optimizerOf({ class_name: 'AdamW', config: {}, module: 'keras.optimizers' });
  expect(silent.getConfig()).toMatchObject({ weight_decay: 0.004 });
});

test.each([{ is_legacy_optimizer: false }, { weight_decay: null }])(
  'an optimizer is one of today where its settings are %j',
  async (config) => {
    expect(await optimizerOf({ class_name: 'Nadam', config })).toBeInstanceOf(tf.Optimizer);
    expect(said()).toEqual([]);
  },
);

test('one without these settings is of before TensorFlow 2.11', async () => {
  expect(await optimizerOf({ class_name: 'Nadam', config: {} })).toBeUndefined();
  expect(said().join()).toMatch(/Nadam of TensorFlow before 2\.11/);
});

test('binary accuracy has the threshold of TF.js, or is refused', async () => {
  const metricsBy = async (threshold: number) => {
    const metrics = [{ class_name: 'BinaryAccuracy', config: { threshold } }];
    return loadKerasModel(await compiledWith((compiled) => ({ ...compiled, metrics })));
  };
  expect((await metricsBy(0.5)).metricsNames).toEqual(['loss', 'binaryAccuracy']);
  expect(isCompiled(await metricsBy(0.3))).toBe(false);
  expect(said().join()).toMatch(/its metric 'binary_accuracy' is not in TF\.js/);
});

test.each([
  ['accuracy', 'binaryCrossentropy', 1, 'accuracy'],
  ['accuracy', 'binaryCrossentropy', 3, 'categoricalAccuracy'],
  ['acc', 'categoricalCrossentropy', 3, 'accuracy'],
  [
    { class_name: 'MeanMetricWrapper', config: { name: 'accuracy', fn: 'binary_accuracy' } },
    'binaryCrossentropy',
    1,
    'accuracy',
  ],
])('the metric %j beside %s, of %i classes, is %s', (saved, name, classes, metric) => {
  expect(readMetric(saved, { name, compute: null }, classes)).toBe(metric);
});

test('Adagrad begins at its initial_accumulator_value', async () => {
  const config = { learning_rate: 1, initial_accumulator_value: 1e12, weight_decay: null };
  const model = await loadKerasModel(
    await compiledWith((compiled) => ({ ...compiled, optimizer: { class_name: 'Adagrad', config } })),
  );
  const kernelOf = () => [...model.getWeights()[0]!.dataSync()];
  const before = kernelOf();
  await model.trainOnBatch(inputsOf(modelNamed('keras3-adam.keras')), tf.zeros([3, 3]));
  // From 0, each number would go a whole step.
  kernelOf().forEach((value, i) => {
    expect(Math.abs(value - before[i]!)).toBeLessThan(1e-3);
  });
});

/** What one step of plain descent at rate 1 makes of weights that are 0, by these gradients. */
async function stepBy(settings: object, ...gradients: number[][]): Promise<number[][]> {
  const config = { learning_rate: 1, weight_decay: null, ...settings };
  const optimizer = await optimizerOf({ class_name: 'SGD', config });
  const weights = gradients.map((gradient) => tf.variable(tf.zeros([gradient.length])));
  optimizer.applyGradients(weights.map(({ name }, i) => ({ name, tensor: tf.tensor(gradients[i]!) })));
  return weights.map((weight) => [...weight.dataSync()]);
}

test('gradients are clipped on both sides, by their length, or by that of all', async () => {
  expect(await stepBy({ clipvalue: 0.5 }, [2, -3, 0.25, -0.25])).toEqual([[-0.5, 0.5, -0.25, 0.25]]);
  expect(await stepBy({ clipnorm: 5 }, [6, -8], [3, -4])).toEqual([
    [-3, 4],
    [-3, 4],
  ]);
  expect(await stepBy({ global_clipnorm: 6.5 }, [3, -4], [12])).toEqual([[-1.5, 2], [-6]]);
});

test('a weight that the loss does not depend on stays', async () => {
  const optimizer = await optimizerOf({ class_name: 'AdamW', config: { learning_rate: 1 } });
  const [used, unused] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(1))];
  optimizer.minimize(() => tf.square(used), false, [used, unused]);
  expect(used.dataSync()[0]).toBeLessThan(0.1);
  expect(unused.dataSync()[0]).toBe(1);
});

test('an optimizer whose state does not fit begins anew, and a warning says so', async () => {
  const source: KerasSource = await compiledWith(({ optimizer, ...compiled }) => ({
    ...compiled,
    optimizer: { ...optimizer, config: { ...optimizer.config, amsgrad: true } },
  }));
  const model = await loadKerasModel(source);
  expect(said().join()).toMatch(
    /^The optimizer begins anew, since its state in the file does not fit the model: it keeps/,
  );
  expect(model.optimizer.iterations).toBe(0);
});

test('what the optimizer keeps takes no memory before the first step, and is freed with the model', async () => {
  const before = tf.memory().numTensors;
  const golden = modelNamed('keras3-adam.keras');
  const model = await loadKerasModel(readModel(golden));
  expect(tf.memory().numTensors).toBe(before + model.weights.length);
  expect(model.optimizer.iterations).toBe(3);
  const inputs = inputsOf(golden);
  await model.trainOnBatch(inputs, tf.zeros([3, 3]));
  expect(model.optimizer.iterations).toBe(4);
  model.dispose();
  tf.dispose(inputs);
  expect(tf.memory().numTensors).toBe(before + 1);
});

test('the learning rate of an optimizer can be changed', async () => {
  const golden = modelNamed('tf-keras-sgd.h5');
  const model = await loadKerasModel(readModel(golden));
  (model.optimizer as tf.Optimizer & { learningRate: number }).learningRate = 0;
  const before = model.getWeights()[0]!.dataSync().join();
  await model.trainOnBatch(inputsOf(golden), tf.zeros([3, 3]));
  expect(model.getWeights()[0]!.dataSync().join()).toBe(before);
});

test('accuracy is that of the likeliest class, as in Keras', async () => {
  const golden = modelNamed('keras3-binary-logits.keras');
  const model = await loadKerasModel(readModel(golden));
  expect(model.metricsNames).toEqual(['loss', 'categoricalAccuracy']);
});

test('files of which Keras 3 wrote the optimizer hold it where it is looked for', () => {
  // A test of the test: a file without state would be trained on from nothing.
  expect(readHdf5(readModel(modelNamed('keras3-adam.h5'))).has('optimizer_weights')).toBe(true);
});
