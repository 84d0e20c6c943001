/** @file What does not load or cannot be saved: the error names the layer and the way out, and nothing is left behind. */
import { deflateRawSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, ValueError, layerBatchNormalization } from 'evenkeel';
import { type KerasSource, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { readHdf5 } from '../../src/data/hdf5/hdf5.js';
import { writeHdf5 } from '../../src/keras/hdf5-writer.js';
import { modelNamed, readModel } from './golden.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const text = new TextEncoder();
const NAMES = ['config.json', 'metadata.json', 'model.weights.h5'];

interface Config {
  config: { layers: { class_name: string; config: Record<string, unknown>; inbound_nodes?: unknown[] }[] };
}

/** A golden `.keras` file of which the configuration was changed. */
async function changed(file: string, change: (config: Config) => void): Promise<Uint8Array> {
  const files = new Map(await readArchive(readModel(modelNamed(file)), NAMES));
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as Config;
  change(config);
  return writeArchive(files.set('config.json', text.encode(JSON.stringify(config))));
}

/** The message of the refusal; also that it is a ValueError, and that no tensor is left. */
async function refusal(source: KerasSource): Promise<string> {
  const before = tf.memory().numTensors;
  const error = await loadKerasModel(source).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ValueError);
  expect(tf.memory().numTensors).toBe(before);
  return (error as ValueError).message;
}

const MLP = 'tf-keras-mlp.keras';

describe('a layer that TF.js lacks', () => {
  test.each([
    ['Lambda', { function: ['code'] }, /'dense' \('Lambda'\).*code of Python, which is never run/],
    ['Custom>MyLayer', {}, /'dense'.*TF\.js has no such layer.*registerClass/],
    ['SpectralNormalization', {}, /TF\.js has no such layer/],
    ['Activation', { activation: 'crelu_v2' }, /activation is 'crelu_v2', none of Keras' own: elu, /],
    ['Activation', { activation: { class_name: 'function', config: 'mine' } }, /'mine', none of Keras' own/],
    [
      'Dense',
      { units: 2, activation: { class_name: 'PReLU', config: {} } },
      /a layer with weights of its own/,
    ],
    [
      'Dense',
      { units: 2, activation: { class_name: 'LeakyReLU', config: { alpha: 'steep' } } },
      /LeakyReLU whose negative_slope is wrong: expected a number, received 'steep'/,
    ],
    ['Conv2DTranspose', { filters: 2, kernel_size: [2, 2], groups: 2 }, /groups is 2, and TF\.js has only 1/],
    ['ELU', { alpha: 'steep' }, /alpha: expected a finite number, received 'steep'/],
    ['Dense', { units: 2, something_new: true }, /'something_new' \(true\), which TF\.js lacks/],
    [
      'Dense',
      { units: 2, kernel_regularizer: { class_name: 'Mine', config: {} } },
      /unknown regularizer 'Mine'/,
    ],
  ] as const)('is named: %s %j', async (className, config, message) => {
    const bytes = await changed(MLP, (model) => {
      const layer = model.config.layers[1]!;
      layer.class_name = className;
      layer.config = { name: 'dense', ...config };
    });
    expect(await refusal(bytes)).toMatch(message);
  });
});

describe('a damaged file', () => {
  const bytes = readModel(modelNamed('tf-keras-conv.h5'));

  test.each([
    ['nothing', new Uint8Array(), /The file is empty/],
    ['something else', text.encode('GIF89a'), /no format known here.*\.h5/],
    ['half a file', bytes.slice(0, bytes.length / 2), /cut off/],
    ['broken JSON', text.encode('{"modelTopology"'), /is not JSON/],
    ['a graph model', text.encode('{"modelTopology": {"node": []}}'), /tf\.loadGraphModel/],
    ['deep JSON', text.encode('{"a":'.repeat(200_000)), /takes 201 levels, and at most 200 are accepted/],
  ])('%s', async (_, source, message) => {
    expect(await refusal(source)).toMatch(message);
  });

  test('weights without a model', async () => {
    expect(await refusal(await writeHdf5({ groups: { vars: {} } }))).toMatch(/no model_config/);
  });

  test.each([
    ['sizes beyond all memory', 1e9, /needs a kernel of shape \[6, 1000000000\]/],
    ['sizes whose product overflows', 1e300, /needs a kernel|cannot build/],
    ['a size that is not one', -1, /units/],
  ])('with %s', async (_, units, message) => {
    const source = await changed(MLP, (model) => {
      model.config.layers[1]!.config.units = units;
    });
    expect(await refusal(source)).toMatch(message);
  });

  test('with layers that wait for each other', async () => {
    const source = await changed('tf-keras-shared.keras', (model) => {
      const names = model.config.layers.map(({ config }) => config.name);
      model.config.layers[1]!.inbound_nodes = [[[names[3], 0, 0, {}]]];
    });
    expect(await refusal(source)).toMatch(/is not connected/);
  });

  test('with other shapes than its weights', async () => {
    const source = await changed(MLP, (model) => {
      model.config.layers[1]!.config.units = 4;
    });
    expect(await refusal(source)).toMatch(/shape \[6, 4\] in the model, and \[6, 5\] in the file/);
  });

  test('of which one bit of a checked archive is other', async () => {
    const archive = readModel(modelNamed(MLP)).slice();
    archive[archive.length / 2]! ^= 1;
    expect(await refusal(archive)).toMatch(/archive is damaged/);
  });
});

/** A zip of one file, deflated, that says it is `size` long. */
function zipOf(name: string, content: Uint8Array, size: number): Uint8Array {
  const packed = deflateRawSync(content);
  const header = (signature: number, extra: number) => {
    const view = new DataView(new ArrayBuffer(26 + extra));
    view.setUint32(0, signature, true);
    const at = signature === 0x04034b50 ? 4 : 6;
    view.setUint16(at, 20, true);
    view.setUint16(at + 4, 8, true);
    view.setUint32(at + 14, packed.length, true);
    view.setUint32(at + 18, size, true);
    view.setUint16(at + 22, name.length, true);
    return new Uint8Array(view.buffer);
  };
  const local = [...header(0x04034b50, 4), ...text.encode(name), ...packed];
  const central = [...header(0x02014b50, 20), ...text.encode(name)];
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, 1, true);
  end.setUint16(10, 1, true);
  end.setUint32(12, central.length, true);
  end.setUint32(16, local.length, true);
  return Uint8Array.from([...local, ...central, ...new Uint8Array(end.buffer)]);
}

describe('a zip bomb', () => {
  const zeros = new Uint8Array(2 ** 20);

  test('that says what it is', async () => {
    expect(await refusal(zipOf('config.json', zeros, 0xf0000000))).toMatch(
      /takes 4026531840 bytes of memory, and at most \d+ are accepted/,
    );
  });

  test('that says it is small', async () => {
    expect(await refusal(zipOf('config.json', zeros, 100))).toMatch(/archive/);
  });
});

describe('what is no source', () => {
  test.each([[5], [null], [[]], [[{ name: 'a' }]], [{}]])('%j is a TypeError', async (source) => {
    await expect(loadKerasModel(source as unknown as string)).rejects.toThrow(TypeError);
  });

  test('a folder, as a SavedModel is', async () => {
    await expect(loadKerasModel('test')).rejects.toThrow(/it is a folder.*SavedModel.*save it as \.keras/);
  });

  test('a path of nothing', async () => {
    await expect(loadKerasModel('no-such-file.h5')).rejects.toThrow(/Cannot read 'no-such-file.h5': ENOENT/);
  });
});

test('control characters of a file do not reach the terminal', async () => {
  const source = await changed(MLP, (model) => {
    model.config.layers[1]!.class_name = 'Bad\u001b[31m<script>';
  });
  expect(await refusal(source)).toContain("'Bad\\u{1b}[31m<script>'");
});

test('weights that are NaN load, as they are', async () => {
  const model = tf.sequential({
    layers: [
      layerBatchNormalization({
        inputShape: [2],
        weights: [
          [NaN, 1],
          [0, 0],
          [0, 0],
          [1, -Infinity],
        ],
      }),
    ],
  });
  const loaded = await loadKerasModel(await saveKerasModel(model, null, { for: 'keras3' }));
  expect([...loaded.layers.at(-1)!.weights[0]!.read().dataSync()]).toEqual([NaN, 1]);
  expect([...loaded.layers.at(-1)!.weights[3]!.read().dataSync()]).toEqual([1, -Infinity]);
});

describe('cannot be saved', () => {
  /** The layer says of an adjustment, too, that it is not saved. */
  const warn = vi.spyOn(console, 'warn');
  beforeEach(() => {
    warn.mockImplementation(() => undefined);
  });
  afterEach(() => {
    warn.mockReset();
  });

  const norm = (args: BatchNormalizationArgs) =>
    tf.sequential({
      layers: [layerBatchNormalization({ ...args, inputShape: [4, 4, 2], name: 'norm' })],
    });

  test.each([
    [
      'ghost batches',
      norm({ virtualBatchSize: 2 }),
      'keras3',
      /'norm'.*virtualBatchSize.*Save for: 'tf-keras'/,
    ],
    ['several axes', norm({ axis: [1, 3] }), 'keras3', /'norm'.*several axes.*Save for: 'tf-keras'/],
    ['an adjustment', norm({ adjustment: () => [1, 0] }), 'tf-keras', /'norm'.*adjustment is a function/],
    [
      'ThresholdedReLU',
      tf.sequential({ layers: [tf.layers.thresholdedReLU({ inputShape: [2] })] }),
      'keras3',
      /Keras 3 has no ThresholdedReLU/,
    ],
    [
      'bilinear upsampling',
      tf.sequential({
        layers: [tf.layers.upSampling2d({ interpolation: 'bilinear', inputShape: [2, 2, 1] })],
      }),
      'keras3',
      /TF\.js' own layer of that name, which interpolates between other points than Keras/,
    ],
  ] as const)('%s', async (_, model, target, message) => {
    const saved = saveKerasModel(model, null, { for: target });
    await expect(saved).rejects.toThrow(message);
    await expect(saved).rejects.toBeInstanceOf(ValueError);
  });

  test.each([
    [{ for: 'keras2' }, 'a.keras', /for: expected 'tf-keras' or 'keras3'/],
    [{}, 'a.keras', /for: expected/],
    [{ for: 'tf-keras' }, 'a.zip', /ends in \.h5 or \.keras/],
    [{ for: 'keras3' }, 'a.h5', /\.h5 is the format of tf-keras/],
  ])('with %j to %s', async (options, target, message) => {
    await expect(saveKerasModel(norm({}), target, options as { for: 'keras3' })).rejects.toThrow(message);
  });
});

test('what is written is read by its own kind of parser', async () => {
  const bytes = await writeHdf5({
    attributes: { many: Array.from({ length: 9000 }, (_, i) => `weight ${i}`) },
  });
  expect(readHdf5(bytes).texts('', 'many')?.at(-1)).toBe('weight 8999');
});
