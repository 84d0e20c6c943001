/** @file Weights alone, given to a model: by order, by name, all or none of them; models whose weights lie in another file. */
import * as tf from '@tensorflow/tfjs';
import { ValueError, layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, loadKerasWeights, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { Hdf5File } from '../../src/data/hdf5/hdf5.js';
import { type GoldenWeights, readWeights } from '../golden/index.js';
import { TOLERANCE, modelNamed, predictionError, readModel } from './golden.js';
import { savedByTensorFlow } from './saved-by-tensorflow.js';

vi.spyOn(console, 'warn').mockImplementation(() => undefined);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const CASES = readWeights();
const bytesOf = ({ file }: GoldenWeights) => new Uint8Array(Buffer.from(file, 'base64'));
const WEIGHTS = CASES.filter(({ name }) => name.endsWith('h5'));
const caseNamed = (wanted: string) => CASES.find(({ name }) => name === wanted)!;

const withWeights = (golden: GoldenWeights) =>
  loadKerasModel([
    { name: 'model.json', bytes: new TextEncoder().encode(golden.json) },
    { name: 'model.weights.h5', bytes: bytesOf(golden) },
  ]);

/** Other numbers than in any file. */
function spoil(model: tf.LayersModel): void {
  model.setWeights(model.weights.map(({ shape }) => tf.randomUniform(shape as number[], 0.1, 2)));
}

const numbersOf = (model: tf.LayersModel) => model.getWeights().map((weight) => weight.dataSync().join());

/** The plain model of the golden files, under other names, with TF.js' own normalization or this library's. */
function builtByHand(isStock: boolean): tf.Sequential {
  const model = tf.sequential();
  model.add(tf.layers.dense({ units: 4, inputShape: [5] }));
  model.add(isStock ? tf.layers.batchNormalization({}) : layerBatchNormalization());
  model.add(tf.layers.dense({ units: 3 }));
  return model;
}

describe.each(WEIGHTS)('$name', (golden) => {
  test('with what to_json gave, is the whole model', async () => {
    expect(predictionError(await withWeights(golden), golden)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('goes into a model that was loaded', async () => {
    const model = await withWeights(golden);
    spoil(model);
    expect(predictionError(model, golden)).toBeGreaterThan(0.01);
    const { loaded, left, unused } = await loadKerasWeights(model, bytesOf(golden));
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
    expect([loaded.length > 0, left, unused]).toEqual([true, [], []]);
  });

  test('goes into a model of which something else is frozen now', async () => {
    const model = await withWeights(golden);
    spoil(model);
    for (const layer of model.layers) layer.trainable = !layer.trainable;
    await loadKerasWeights(model, bytesOf(golden));
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
  });
});

describe.each(WEIGHTS.filter(({ name }) => name.includes('plain')))('weights of $name', (golden) => {
  test.each([true, false])('go into a model built by hand, with the stock layer: %s', async (isStock) => {
    const model = builtByHand(isStock);
    const { loaded } = await loadKerasWeights(model, bytesOf(golden));
    expect(loaded).toEqual(model.layers.map(({ name }) => name));
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
  });
});

test.each(CASES.filter(({ name }) => name.endsWith('old.keras')))(
  '$name loads: its folders have the name of tf-keras up to 2.13, at every level',
  async (golden) => {
    const model = await loadKerasModel(bytesOf(golden));
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
    spoil(model);
    await loadKerasWeights(model, bytesOf(golden));
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
  },
);

test.each(['tf-keras-mlp.h5', 'tf-keras-mlp.keras', 'keras3-mlp.h5', 'keras3-mlp.keras'])(
  'a whole model is a source of weights: %s',
  async (file) => {
    const golden = modelNamed(file);
    const model = await loadKerasModel(readModel(golden));
    spoil(model);
    await loadKerasWeights(model, readModel(golden));
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
  },
);

test('a model of TF.js is a source of weights, by its names', async () => {
  const model = builtByHand(false);
  const files = await savedByTensorFlow(model);
  const before = numbersOf(model);
  spoil(model);
  await loadKerasWeights(model, files);
  expect(numbersOf(model)).toEqual(before);
});

describe('by name', () => {
  const golden = caseNamed('tf-keras-plain.h5');

  test('layers that one side lacks stay as they are', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [5], name: 'mine' }));
    model.add(layerBatchNormalization({ name: 'norm' }));
    const [kernel] = numbersOf(model);
    const report = await loadKerasWeights(model, bytesOf(golden), { byName: true });
    expect(report).toEqual({ loaded: ['norm'], left: ['mine'], unused: ['dense', 'dense_1'] });
    expect(numbersOf(model)[0]).toBe(kernel);
    const whole = await withWeights(golden);
    expect([...model.layers[1]!.weights[3]!.read().dataSync()]).toEqual([
      ...whole.getLayer('norm').weights[3]!.read().dataSync(),
    ]);
  });

  test('is refused where the file has no names', async () => {
    await expect(
      loadKerasWeights(builtByHand(false), bytesOf(caseNamed('keras3-plain.weights.h5')), { byName: true }),
    ).rejects.toThrow(/^byName: the file has no names of layers.*Leave it out\.$/);
  });
});

test('progress counts the layers that are read, to the last', async () => {
  const steps: unknown[] = [];
  await loadKerasWeights(builtByHand(false), bytesOf(caseNamed('tf-keras-plain.h5')), {
    onProgress: (progress) => steps.push(progress),
  });
  expect(steps).toEqual([
    { done: 1, total: 3, step: 'dense' },
    { done: 2, total: 3, step: 'norm' },
    { done: 3, total: 3, step: 'dense_1' },
  ]);
});

describe('where model and file differ, nothing changes:', () => {
  const wrongLast = () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [5], name: 'a' }));
    model.add(layerBatchNormalization({ name: 'b' }));
    model.add(tf.layers.dense({ units: 2, name: 'c' }));
    return model;
  };

  test.each(WEIGHTS.filter(({ name }) => name.includes('plain')))('in shapes, $name', async (golden) => {
    const model = wrongLast();
    const before = [numbersOf(model), tf.memory().numTensors];
    const error: unknown = await loadKerasWeights(model, bytesOf(golden)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toMatch(
      /^Layer 'c': its kernel has shape \[4, 2\] in the model, and \[4, 3\] in the file\. .*skipMismatch: true/,
    );
    const after = numbersOf(model);
    expect(after).toEqual(before[0]);
    const { loaded, left } = await loadKerasWeights(model, bytesOf(golden), { skipMismatch: true });
    expect([loaded, left]).toEqual([['a', 'b'], ['c']]);
    expect(numbersOf(model).map((one, i) => one === after[i])).toEqual([
      ...[false, false, false, false, true, true, false, false],
    ]);
  });

  test.each([
    ['tf-keras-plain.h5', /share 2 layers with weights; the file also has \['dense_1'\]/],
    ['tf-keras-plain.weights.h5', /the file also has \['layers\/dense_1\/vars'\]/],
    ['keras3-plain.weights.h5', /the file also has \['layers\/dense_1\/vars'\]/],
  ])('in layers of the file, %s', async (name, message) => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [5] }));
    model.add(layerBatchNormalization());
    const before = numbersOf(model);
    await expect(loadKerasWeights(model, bytesOf(caseNamed(name)))).rejects.toThrow(message);
    expect(numbersOf(model)).toEqual(before);
  });

  test('in layers of the model', async () => {
    const model = builtByHand(false);
    model.add(tf.layers.dense({ units: 3, name: 'more' }));
    const before = numbersOf(model);
    for (const { name } of WEIGHTS.filter(({ name: one }) => one.includes('plain'))) {
      await expect(loadKerasWeights(model, bytesOf(caseNamed(name)))).rejects.toThrow(
        /the model also has \['more'\]\. Build the model/,
      );
    }
    expect(numbersOf(model)).toEqual(before);
  });

  test('in the number of weights', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [5], useBias: false, name: 'a' }));
    model.add(layerBatchNormalization());
    model.add(tf.layers.dense({ units: 3 }));
    for (const { name } of WEIGHTS.filter(({ name: one }) => one.includes('plain'))) {
      await expect(loadKerasWeights(model, bytesOf(caseNamed(name)))).rejects.toThrow(
        /^Layer 'a' has 1 weights, and '.*dense.*' of the file has 2\./,
      );
    }
  });

  test('when it is stopped', async () => {
    const model = builtByHand(false);
    const before = numbersOf(model);
    const controller = new AbortController();
    const loading = loadKerasWeights(model, bytesOf(caseNamed('tf-keras-plain.h5')), {
      signal: controller.signal,
      onProgress: () => {
        controller.abort(new Error('enough'));
      },
    });
    await expect(loading).rejects.toThrow('enough');
    expect(numbersOf(model)).toEqual(before);
  });
});

test('something else than a model, or a misspelt option, is a TypeError', async () => {
  const bytes = await saveKerasModel(builtByHand(false), null, { for: 'keras3' });
  await expect(loadKerasWeights(null as unknown as tf.LayersModel, bytes)).rejects.toThrow(TypeError);
  await expect(loadKerasWeights(builtByHand(false), bytes, { by_name: true } as object)).rejects.toThrow(
    /Did you mean 'byName'/,
  );
});

test('a file of weights is no model: the error says what to do', async () => {
  await expect(loadKerasModel(bytesOf(caseNamed('keras3-plain.weights.h5')))).rejects.toThrow(
    /holds weights alone.*loadKerasWeights\(model, source\)/,
  );
});

test('a file whose folders lie within each other is refused, in time', async () => {
  const bytes = bytesOf(caseNamed('keras3-plain.weights.h5'));
  const names = ['layers', 'more'];
  const isThere = (path: string) => path.split('/').every((name) => names.includes(name));
  vi.spyOn(Hdf5File.prototype, 'keys').mockImplementation((path) => (isThere(path) ? names : []));
  vi.spyOn(Hdf5File.prototype, 'has').mockImplementation(isThere);
  await expect(loadKerasWeights(builtByHand(false), bytes)).rejects.toThrow(
    /takes 201 levels, and at most 200 are accepted/,
  );
  vi.restoreAllMocks();
});
