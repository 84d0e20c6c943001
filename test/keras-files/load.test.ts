/** @file Files of tf-keras, Keras 3 and TF.js, loaded: predictions, weights, and what the layers do. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { ghostAxes } from '../../src/keras/ghost-axis.js';
import { ROOT } from '../docs/blocks.js';
import { unpack } from '../golden/index.js';
import { COUNTS } from './counts.js';
import { MODELS, MODELS_FOLDER, TOLERANCE, modelNamed, predictionError, readModel } from './golden.js';
import { savedByTensorFlow } from './saved-by-tensorflow.js';

tf.enableProdMode(); // no greeting

mkdirSync(`${ROOT}out`, { recursive: true });
const FOLDER = mkdtempSync(`${ROOT}out/keras-files-`);
const warnings = vi.spyOn(console, 'warn');

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterAll(() => {
  rmSync(FOLDER, { recursive: true });
});

/** The layers of a model, and of the models in it. */
const layersOf = (model: tf.LayersModel): tf.layers.Layer[] =>
  model.layers.flatMap((layer) => ('layers' in layer ? layersOf(layer as tf.LayersModel) : [layer]));

test('there are all golden models', () => {
  // Distinct names: a file that stands twice hides one that is lost.
  const files = new Map(MODELS.map(({ file, group }) => [file, group]));
  const count = (group: string) => [...files.values()].filter((one) => one === group).length;
  expect(Object.fromEntries(readdirSync(MODELS_FOLDER).map((group) => [group, count(group)]))).toEqual(
    COUNTS,
  );
});

describe.each(MODELS)('$file', (golden) => {
  test('predicts as Keras does, with the weights of the file', async () => {
    warnings.mockImplementation(() => undefined);
    const model = await loadKerasModel(readModel(golden));
    warnings.mockReset();
    const byName = new Map(model.layers.map((layer) => [layer.name, layer]));
    for (const [name, weights] of Object.entries(golden.weights)) {
      const layer = byName.get(name);
      if (!layer) continue; // renamed, which another test looks at
      const parts = 'cell' in layer || 'forwardLayer' in layer ? [] : layer.weights;
      parts.forEach((weight, i) => {
        expect(weight.shape).toEqual(weights[i]!.shape);
        expect([...weight.read().dataSync()]).toEqual([...Float32Array.from(unpack(weights[i]!))]);
      });
    }
    const normalizations = layersOf(model).filter((layer) => layer.getClassName() === 'BatchNormalization');
    expect(normalizations.every((layer) => layer instanceof BatchNormalization)).toBe(true);
    // At last: what is called for training moves its statistics.
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
  });
});

test('loading leaves the registered class and memory as they were', async () => {
  const stock = tf.serialization.SerializationMap.getMap().classNameMap.BatchNormalization;
  const before = tf.memory().numTensors;
  const model = await loadKerasModel(readModel(modelNamed('tf-keras-images.keras')));
  expect(tf.serialization.SerializationMap.getMap().classNameMap.BatchNormalization).toEqual(stock);
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

describe('takes', () => {
  const golden = modelNamed('tf-keras-mlp-renorm.h5');
  const bytes = readModel(golden);
  const copy = bytes.slice().buffer;

  test.each([
    ['a Uint8Array that is part of a buffer', new Uint8Array([0, ...bytes, 0]).subarray(1, -1)],
    ['an ArrayBuffer', copy],
    ['a Blob', new Blob([copy])],
    ['a File, whatever its name', new File([copy], 'model.keras')],
    ['a list of one file', [{ name: 'model.h5', bytes }]],
  ] as const)('%s', async (_, source) => {
    const model = await loadKerasModel(source as Uint8Array);
    expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('a path, whatever the file is called', async () => {
    const path = join(FOLDER, 'model.txt');
    writeFileSync(path, bytes);
    expect(predictionError(await loadKerasModel(path), golden)).toBeLessThanOrEqual(TOLERANCE);
  });
});

describe('a model of TF.js', () => {
  const makeModel = () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 3, inputShape: [4] }));
    layerBatchNormalization(model, { virtualBatchSize: 2, renorm: true });
    model.add(tf.layers.dense({ units: 2, activation: 'hardSigmoid' }));
    return model;
  };

  test.each(['as a list of files', 'from its folder'])('loads %s', async (how) => {
    const model = makeModel();
    const files = await savedByTensorFlow(model);
    for (const { name, bytes } of files) writeFileSync(join(FOLDER, name), bytes as Uint8Array);
    const loaded = await loadKerasModel(how === 'from its folder' ? join(FOLDER, 'model.json') : files);
    const x = tf.randomNormal([3, 4]);
    const [want, got] = [model.predict(x), loaded.predict(x)] as tf.Tensor[];
    expect([...got!.dataSync()]).toEqual([...want!.dataSync()]);
  });

  test('says which shard is missing, and refuses one that is cut off', async () => {
    const files = await savedByTensorFlow(makeModel());
    await expect(loadKerasModel(files.slice(0, 2))).rejects.toThrow(
      /'group1-shard2of2.bin', which is not among the files given\. Add it\.$/,
    );
    files[2]!.bytes = (files[2]!.bytes as Uint8Array).slice(4);
    await expect(loadKerasModel(files)).rejects.toThrow(/bytes, and the model needs/);
    await expect(loadKerasModel(files[0]!.bytes)).rejects.toThrow(/another file, 'group1-shard1of2.bin'/);
  });
});

describe('what a file says of training', () => {
  const norms = (model: tf.LayersModel) =>
    layersOf(model).filter((layer): layer is BatchNormalization => layer instanceof BatchNormalization);

  async function movedBy(file: string): Promise<boolean[]> {
    const golden = modelNamed(file);
    const model = await loadKerasModel(readModel(golden));
    const before = norms(model).map((layer) => [...layer.movingMean.read().dataSync()]);
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const x = tf.randomNormal([4, ...golden.inputs[0]!.shape.slice(1)], 3);
    const y = tf.zeros([4, ...golden.outputs[0]!.shape.slice(1)]);
    await model.trainOnBatch(x, y);
    return norms(model).map((layer, i) =>
      layer.movingMean
        .read()
        .dataSync()
        .some((v, j) => v !== before[i]![j]),
    );
  }

  test('frozen layers stay frozen', async () => {
    expect(await movedBy('tf-keras-frozen-nested.keras')).toEqual([false, false]);
  });

  test.each(['tf-keras-nested.h5', 'keras3-nested.keras'])(
    'a model called with training=False keeps its statistics, %s',
    async (file) => {
      expect(await movedBy(file)).toEqual([false, false, false]);
    },
  );

  /** A model of which every call that says `training` says `number`, as files of Keras 1 and 2 do. */
  async function withNumber(form: 'tf-keras' | 'keras3', number: unknown): Promise<Uint8Array> {
    const input = tf.input({ shape: [3] });
    const inner = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [3] })], name: 'inner' });
    const direct = layerBatchNormalization({ name: 'direct' }).apply(input, { training: true });
    const outputs = inner.apply(direct, { training: true }) as tf.SymbolicTensor;
    const names = ['config.json', 'metadata.json', 'model.weights.h5'];
    const saved = await saveKerasModel(tf.model({ inputs: input, outputs }), null, { for: form });
    const files = new Map(await readArchive(saved, names));
    const config = new TextDecoder().decode(files.get('config.json'));
    expect(config.match(/"training":true/g)).toHaveLength(2);
    const changed = config.replaceAll('"training":true', `"training":${JSON.stringify(number)}`);
    return writeArchive(files.set('config.json', new TextEncoder().encode(changed)));
  }

  // https://github.com/tensorflow/tfjs/issues/562
  test.each([
    ['tf-keras', 1, 3],
    ['keras3', 1, 3],
    ['tf-keras', 0, 0],
    ['keras3', 0, 0],
  ] as const)('training is a number: in a file of %s, %i', async (form, number, moved) => {
    const model = await loadKerasModel(await withNumber(form, number));
    const before = model.getWeights().map((weight) => weight.dataSync());
    // A step that trains only says otherwise where nobody said anything.
    const y = model.apply(
      tf.tensor2d([
        [1, 2, 3],
        [3, 4, 7],
      ]),
      { training: number === 0 },
    ) as tf.Tensor;
    const differing = model
      .getWeights()
      .filter((weight, i) => weight.dataSync().join() !== before[i]!.join());
    // The inner mean is 0 before and after, since it is that of normalized values.
    expect(differing).toHaveLength(moved);
    expect(y.dataSync()[0]).toBeCloseTo(number === 1 ? -1 : 1, 1);
  });

  test('training that is neither true nor false is refused', async () => {
    await expect(loadKerasModel(await withNumber('tf-keras', 'yes'))).rejects.toThrow(
      /'direct' \('BatchNormalization'\): it is called with training='yes'/,
    );
  });

  test('others train', async () => {
    expect(await movedBy('keras3-mlp.keras')).toEqual([true]);
  });
});

describe('the axis of ghost batches (https://github.com/keras-team/keras/issues/16713)', () => {
  test.each([
    ['tf-keras-conv-ghost.h5', [3]],
    ['tf-keras-conv-ghost-axis-1.keras', [1]],
    ['tf-keras-conv-ghost-axes-1-2.h5', [1, 2]],
  ])('is set right in %s', async (file, axis) => {
    const model = await loadKerasModel(readModel(modelNamed(file)));
    expect(model.layers.find((layer) => layer instanceof BatchNormalization)?.getConfig().axis).toEqual(axis);
  });

  test.each([
    ['beyond the last is shifted, even where every size is 1', [4], [1, 1, 1, 1, 1], [3]],
    ['where the sizes are is right', [2], [1, 1, 1, 5, 1], [2]],
    ['one beyond the sizes is shifted', [3], [1, 1, 1, 5, 1], [2]],
    ['that is in range stays where nothing tells', [2], [1, 1, 1, 1, 1], [2]],
    ['from the end stays', -1, [1, 1, 1, 1, 5], [3]],
  ])('%s', (_, written, shape, axes) => {
    expect(ghostAxes(written, shape)).toEqual(axes);
  });
});

test('names that TF.js does not take are changed, with a warning that says so', async () => {
  warnings.mockReset().mockImplementation(() => undefined);
  const model = await loadKerasModel(readModel(modelNamed('keras3-named.keras')));
  expect(model.layers.map(({ name }) => name)).toContain('x_b_bold_i_');
  expect(warnings.mock.calls.flat().join()).toContain("Layer '<b>bold<i>' is named 'x_b_bold_i_' here");
});

test('penalties and constraints of Keras are those of the loaded layers', async () => {
  const model = await loadKerasModel(readModel(modelNamed('keras3-regularized.keras')));
  const [, dense, norm] = model.layers.map((layer) => layer.getConfig() as Record<string, unknown>);
  expect(dense).toMatchObject({
    kernelRegularizer: { className: 'L1L2', config: { l1: expect.closeTo(0.01) as number, l2: 0 } },
    kernelConstraint: { className: 'MaxNorm', config: { maxValue: 0.1, axis: 0 } },
  });
  expect(norm).toMatchObject({
    gammaRegularizer: { config: { l1: expect.closeTo(0.01) as number, l2: expect.closeTo(0.02) as number } },
    betaConstraint: { className: 'UnitNorm' },
  });
});

test('there is one warning for a type that TF.js lacks, however many layers ask for it', async () => {
  warnings.mockReset().mockImplementation(() => undefined);
  const golden = modelNamed('tf-keras-mlp.keras');
  const files = new Map(await readArchive(readModel(golden), { includes: () => true }));
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as {
    config: { layers: { config: { dtype?: unknown } }[] };
  };
  for (const layer of config.config.layers) {
    layer.config.dtype = { class_name: 'Policy', config: { name: 'mixed_float16' } };
  }
  files.set('config.json', new TextEncoder().encode(JSON.stringify(config)));
  const model = await loadKerasModel(await writeArchive(files));
  expect(warnings.mock.calls).toEqual([
    ["TF.js has no 'mixed_float16': layer 'input_1' and 4 more compute in float32."],
  ]);
  expect(predictionError(model, golden)).toBeLessThan(TOLERANCE);
});

test('integers of every size are read as int32, without a warning', async () => {
  warnings.mockReset();
  const golden = modelNamed('tf-keras-mlp.keras');
  const files = new Map(await readArchive(readModel(golden), { includes: () => true }));
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as {
    config: { layers: { config: { dtype?: unknown } }[] };
  };
  config.config.layers[0]!.config.dtype = 'uint16';
  files.set('config.json', new TextEncoder().encode(JSON.stringify(config)));
  const model = await loadKerasModel(await writeArchive(files));
  expect(model.inputs[0]!.dtype).toBe('int32');
  expect(warnings).not.toHaveBeenCalled();
});
