/**
 * @file Models saved for Keras: read back by us, and opened by real Keras, which predicts the same, trains a step, and
 * saves again what we read.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ROOT } from '../docs/blocks.js';
import { findPython } from '../python.js';
import type { Packed } from '../golden/index.js';
import { readArchive } from '../../src/data/archive.js';
import { readHdf5 } from '../../src/data/hdf5/hdf5.js';
import { type GoldenModel, MODELS, TOLERANCE, modelNamed, predictionError, readModel } from './golden.js';

mkdirSync(`${ROOT}out`, { recursive: true });
const FOLDER = mkdtempSync(`${ROOT}out/keras-saved-`);

/** Names that TF.js does not take are changed, which is said. */
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterAll(() => {
  rmSync(FOLDER, { recursive: true });
});

const FORMS = [
  { for: 'tf-keras', format: 'h5' },
  { for: 'tf-keras', format: 'keras' },
  { for: 'keras3', format: 'keras' },
] as const;

/** Each model once, from the file of one library; those that go on training differ by their optimizers, which are not saved. */
const SOURCES = MODELS.filter(
  ({ file, group }) =>
    group !== 'resumed' &&
    file.endsWith('.keras') &&
    (file.startsWith('tf-keras') ||
      !MODELS.some((other) => other.file === file.replace('keras3', 'tf-keras'))),
);

interface Case {
  readonly file: string;
  readonly form: (typeof FORMS)[number];
  readonly make: () => Promise<tf.LayersModel>;
  readonly golden: Pick<GoldenModel, 'inputs' | 'outputs' | 'training'>;
}

const casesOf = (
  name: string,
  targets: GoldenModel['savedFor'],
  made: Pick<Case, 'golden' | 'make'>,
): Case[] =>
  FORMS.filter((form) => targets.includes(form.for)).map((form) => ({
    ...made,
    form,
    file: `${name}-for-${form.for}.${form.format}`,
  }));

/** Models that begin with, end with or hold others, built in TF.js, with what TF.js predicts. */
const MADE: Record<string, () => tf.LayersModel> = {
  'chain-of-a-graph': () =>
    tf.sequential({ layers: [makeGraph('graph'), layerBatchNormalization(), tf.layers.dense({ units: 2 })] }),
  'chain-that-ends-with-a-graph': () =>
    tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [3] }), makeGraph('graph')] }),
  'graph-of-graphs': () => {
    const input = tf.input({ shape: [3] });
    const inner = makeGraph('inner');
    const twice = [inner.apply(input), inner.apply(tf.layers.dense({ units: 3 }).apply(input))];
    const joined = tf.layers.add().apply(twice as tf.SymbolicTensor[]) as tf.SymbolicTensor;
    return tf.model({ inputs: input, outputs: joined });
  },
};

function makeGraph(name: string): tf.LayersModel {
  const input = tf.input({ shape: [3] });
  const dense = tf.layers.dense({ units: 4, biasInitializer: 'randomNormal' }).apply(input);
  return tf.model({
    inputs: input,
    outputs: layerBatchNormalization().apply(dense) as tf.SymbolicTensor,
    name,
  });
}

function goldenOf(make: () => tf.LayersModel): Pick<Case, 'golden' | 'make'> {
  const model = make();
  const x = tf.tensor2d([
    [1, -2, 0.5],
    [0.25, 3, -1],
    [2, 0, 1],
  ]);
  const packed = (tensor: tf.Tensor): Packed => ({
    shape: tensor.shape,
    dtype: 'float32',
    data: [...tensor.dataSync()],
  });
  const outputs = [model.predict(x)].flat().map(packed);
  return { make: () => Promise.resolve(model), golden: { inputs: [packed(x)], outputs } };
}

const CASES = [
  ...SOURCES.flatMap((golden) =>
    casesOf(golden.file.replace('.', '-'), golden.savedFor, {
      golden,
      make: () => loadKerasModel(readModel(golden)),
    }),
  ),
  ...Object.entries(MADE).flatMap(([name, make]) => casesOf(name, ['tf-keras', 'keras3'], goldenOf(make))),
];

const namesOfSynchronized = ({ layers }: tf.LayersModel): string[] =>
  layers.filter((layer) => layer instanceof BatchNormalization && layer.synchronized).map(({ name }) => name);

/** The names of the synchronized layers of what was saved, by file. */
const synchronizedIn = new Map<string, string[]>();

test.each(CASES)('$file predicts the same when it is loaded here', async ({ golden, form, file, make }) => {
  const model = await make();
  synchronizedIn.set(file, namesOfSynchronized(model));
  await saveKerasModel(model, join(FOLDER, file), form);
  const again = await loadKerasModel(join(FOLDER, file));
  expect(predictionError(again, golden)).toBeLessThanOrEqual(TOLERANCE);
  expect(namesOfSynchronized(again)).toEqual(synchronizedIn.get(file));
  again.dispose();
});

interface Result {
  failed?: string;
  error: number;
  synchronized: string[];
  trained: { file: string; moved: number; outputs: Packed[] };
}

const python = findPython();

describe.skipIf(!python)('real Keras', { tags: ['keras'] }, () => {
  const results: Result[] = [];

  beforeAll(() => {
    const cases = CASES.map(({ golden, form, file }) => ({
      file,
      library: form.for,
      inputs: golden.inputs,
      outputs: golden.outputs,
      training: golden.training,
    }));
    writeFileSync(join(FOLDER, 'cases.json'), JSON.stringify(cases));
    const { status, stderr } = spawnSync(python!, [join(ROOT, 'oracle/open_saved.py'), FOLDER], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(stderr.slice(-2000));
    results.push(...(JSON.parse(readFileSync(join(FOLDER, 'results.json'), 'utf8')) as Result[]));
  }, 1_200_000);

  test.each(CASES)(
    'opens $file, predicts the same, trains it, and we read what it saved',
    async ({ golden, file }) => {
      const { failed, error, synchronized, trained } = results[CASES.findIndex((one) => one.file === file)]!;
      expect(failed).toBeUndefined();
      expect(error).toBeLessThanOrEqual(TOLERANCE);
      expect(synchronized).toEqual(synchronizedIn.get(file));
      // Models without a weight that a loss reaches learn nothing.
      expect(trained.moved).toBeGreaterThan(0);
      const again = await loadKerasModel(join(FOLDER, trained.file));
      expect(predictionError(again, { inputs: golden.inputs, outputs: trained.outputs })).toBeLessThanOrEqual(
        TOLERANCE,
      );
      again.dispose();
    },
  );
});

/** Where an archive has numbers, but for those of optimizers and metrics. */
async function pathsOfWeights(archive: Uint8Array): Promise<string[]> {
  const files = await readArchive(archive, ['model.weights.h5']);
  const file = readHdf5(files.get('model.weights.h5')!);
  const below = (path: string): string[] =>
    file.keys(path).flatMap((name) => {
      const inner = `${path}/${name}`;
      return path.endsWith('/vars') ? [inner] : below(inner);
    });
  return below('')
    .filter((path) => !/^\/(optimizer|metrics)/.test(path))
    .sort();
}

const writerOf = ({ file }: GoldenModel) => (file.startsWith('keras3') ? 'keras3' : 'tf-keras');

/** Of a class of its own, which is saved as what it is now. */
const isOfFormerClass = ({ file }: GoldenModel) => file.includes('older-name');

test.each(
  MODELS.filter(
    (golden) =>
      golden.file.endsWith('.keras') &&
      golden.savedFor.includes(writerOf(golden)) &&
      !isOfFormerClass(golden),
  ),
)('the weights of $file are saved where they were', async (golden) => {
  const archive = readModel(golden);
  const saved = await saveKerasModel(await loadKerasModel(archive), null, { for: writerOf(golden) });
  expect(await pathsOfWeights(saved)).toEqual(await pathsOfWeights(archive));
});

describe('a model made here', () => {
  test('says nothing that Keras 3.4 does not know, where it can do without', async () => {
    const model = tf.sequential();
    const recurrentInitializer = tf.initializers.orthogonal({ gain: 3 });
    model.add(tf.layers.simpleRNN({ units: 2, inputShape: [3, 2], recurrentInitializer }));
    layerBatchNormalization(model);
    const bytes = await saveKerasModel(model, null, { for: 'keras3' });
    const files = await readArchive(bytes, ['config.json']);
    const config = new TextDecoder().decode(files.get('config.json'));
    expect(config).not.toContain('renorm');
    expect(config).toContain('"OrthogonalInitializer"');
    expect((await loadKerasModel(bytes)).layers[1]?.getConfig()).toMatchObject({
      recurrentInitializer: { className: 'Orthogonal', config: { gain: 3 } },
    });
  });

  // As in the golden models 'shared' and 'merges' of each.
  test.each([
    [
      'keras3',
      ['input', 0, 0],
      [
        ['one', 0, 0],
        ['two', 0, 0],
      ],
    ],
    [
      'tf-keras',
      [['input', 0, 0]],
      [
        ['one', 0, 0],
        ['two', 0, 0],
      ],
    ],
  ] as const)('has its ends as %s writes them', async (target, inputLayers, outputLayers) => {
    const input = tf.input({ shape: [3], name: 'input' });
    const [one, two] = ['one', 'two'].map(
      (name) => tf.layers.dense({ units: 2, name }).apply(input) as tf.SymbolicTensor,
    );
    const configOf = async (outputs: tf.SymbolicTensor[]) => {
      const bytes = await saveKerasModel(tf.model({ inputs: input, outputs }), null, { for: target });
      const files = await readArchive(bytes, ['config.json']);
      return (JSON.parse(new TextDecoder().decode(files.get('config.json'))) as { config: object }).config;
    };
    expect(await configOf([one!, two!])).toMatchObject({
      input_layers: inputLayers,
      output_layers: outputLayers,
    });
    const single = target === 'keras3' ? ['one', 0, 0] : [['one', 0, 0]];
    expect(await configOf([one!])).toMatchObject({ output_layers: single });
  });

  test('says with which shapes a nested model is called, each time', async () => {
    const steps = tf.input({ shape: [null, 3] });
    const nested = tf.layers.globalMaxPooling1d({}).apply(steps) as tf.SymbolicTensor;
    const inner = tf.model({ inputs: steps, outputs: nested, name: 'inner' });
    const inputs = [5, 8].map((length) => tf.input({ shape: [length, 3] }));
    const outputs = inputs.map((input) => inner.apply(input) as tf.SymbolicTensor);
    const bytes = await saveKerasModel(tf.model({ inputs, outputs }), null, { for: 'keras3' });
    const config = new TextDecoder().decode((await readArchive(bytes, ['config.json'])).get('config.json'));
    const { layers } = (
      JSON.parse(config) as { config: { layers: { name: string; inbound_nodes: object[] }[] } }
    ).config;
    const calls = layers.find(({ name }) => name === 'inner')!.inbound_nodes;
    expect(calls).toMatchObject(
      [5, 8].map((length) => ({ args: [{ config: { shape: [null, length, 3] } }] })),
    );
  });

  test('comes back with renorm, ghost batches and what is frozen', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [3] }));
    layerBatchNormalization(model, {
      virtualBatchSize: 2,
      renorm: true,
      renormClipping: { rmax: 3 },
      trainable: false,
    });
    const bytes = await saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' });
    const again = await loadKerasModel(bytes);
    expect(again.layers.at(-1)?.getConfig()).toMatchObject({
      virtualBatchSize: 2,
      renorm: true,
      renormClipping: { rmax: 3 },
      axis: [-1 + 2],
      trainable: false,
    });
  });

  test('is saved with the layers of a frozen container frozen', async () => {
    const inner = tf.sequential();
    inner.add(tf.layers.dense({ units: 4, inputShape: [3] }));
    layerBatchNormalization(inner);
    const model = tf.sequential({ layers: [inner, tf.layers.dense({ units: 1 })] });
    inner.trainable = false;
    const again = await loadKerasModel(await saveKerasModel(model, null, { for: 'keras3' }));
    expect(again.trainableWeights).toHaveLength(2);
  });

  test.each(FORMS)(
    'waits for its values, which webgpu does not give at once: $for, $format',
    async (form) => {
      const model = tf.sequential();
      model.add(tf.layers.dense({ units: 4, inputShape: [3] }));
      const rmax = tf.variable(tf.scalar(3));
      layerBatchNormalization(model, { renorm: true, renormClipping: { rmax } });
      const backend = tf.backend() as unknown as {
        readonly data: { get(id: object): { values: Float32Array } };
        read(id: object): Promise<Float32Array>;
        readSync(id: object): Float32Array;
      };
      // As TF.js' webgpu backend: what was waited for it keeps in reach.
      const waitedFor = new Set<object>();
      const spies = [
        vi.spyOn(backend, 'read').mockImplementation(async (id) => {
          await Promise.resolve();
          waitedFor.add(id);
          return backend.data.get(id).values;
        }),
        vi.spyOn(backend, 'readSync').mockImplementation((id) => {
          if (waitedFor.has(id)) return backend.data.get(id).values;
          throw new Error('The values of a tensor cannot be read at once.');
        }),
      ];
      const bytes = await saveKerasModel(model, null, form);
      for (const spy of spies) spy.mockRestore();
      const again = await loadKerasModel(bytes);
      const values = ({ weights }: tf.LayersModel) => weights.map((weight) => [...weight.read().dataSync()]);
      expect(values(again)).toEqual(values(model));
      expect(again.layers.at(-1)?.getConfig()).toMatchObject({ renormClipping: { rmax: 3 } });
    },
  );

  test('is written whole or not at all', async () => {
    const model = await loadKerasModel(readModel(modelNamed('keras3-mlp.keras')));
    const folder = mkdtempSync(join(FOLDER, 'whole-'));
    const target = join(folder, 'model.keras');
    writeFileSync(target, 'what was there');
    const refused = tf.sequential({
      layers: [layerBatchNormalization({ virtualBatchSize: 2, inputShape: [4] })],
    });
    await expect(saveKerasModel(refused, target, { for: 'keras3' })).rejects.toThrow(/which Keras 3 lacks/);
    await expect(saveKerasModel(model, join(folder, 'no', 'model.h5'), { for: 'tf-keras' })).rejects.toThrow(
      /Cannot write/,
    );
    expect(readFileSync(target, 'utf8')).toBe('what was there');
    await saveKerasModel(model, target, { for: 'keras3' });
    expect(readdirSync(folder)).toEqual(['model.keras']);
    expect((await loadKerasModel(target)).layers).toHaveLength(model.layers.length);
  });

  test('keeps the two outputs of a Bidirectional that does not merge them', async () => {
    const input = tf.input({ shape: [4, 2] });
    const layer = tf.layers.lstm({ units: 3, returnSequences: true });
    const outputs = tf.layers.bidirectional({ layer, mergeMode: null as never }).apply(input);
    const model = tf.model({ inputs: input, outputs: outputs as tf.SymbolicTensor[] });
    const x = tf.randomNormal([2, 4, 2]);
    const predict = (of: tf.LayersModel) =>
      (of.predict(x) as tf.Tensor[]).map((output) => [...output.dataSync()]);
    const bytes = await saveKerasModel(model, null, { for: 'tf-keras', format: 'keras' });
    expect(predict(await loadKerasModel(bytes))).toEqual(predict(model));
  });

  test('may have a mask made anew before its inputs are merged', async () => {
    const input = tf.input({ shape: [4, 2] });
    const masked = tf.layers
      .masking({ maskValue: 1 })
      .apply(tf.layers.masking({ maskValue: 0 }).apply(input));
    const merged = tf.layers.add().apply([masked, masked] as tf.SymbolicTensor[]);
    const model = tf.model({ inputs: input, outputs: merged as tf.SymbolicTensor });
    await expect(saveKerasModel(model, null, { for: 'keras3', format: 'keras' })).resolves.toBeInstanceOf(
      Uint8Array,
    );
  });
});
