/**
 * @file Configurations of hostile and of merely large models: each ends in time, as a model that is right or with a
 * ValueError, and leaves nothing in memory.
 */
import * as tf from '@tensorflow/tfjs';
import { ValueError, layerBatchNormalization } from 'evenkeel';
import { type NamedFile, checkKerasModel, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { fold, inspect } from 'evenkeel/tools';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { savedByTensorFlow } from './saved-by-tensorflow.js';

/** Generous: each takes seconds on a busy machine, and took minutes or had no end. */
const IN_TIME = 60_000;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type End = [layer: string, node: number, tensor: number];
interface Layer {
  class_name: string;
  name: string;
  config: Record<string, Json>;
  inbound_nodes: Json;
}

const layer = (
  className: string,
  name: string,
  config: Record<string, Json>,
  ...nodes: (string | End)[][]
): Layer => ({
  class_name: className,
  name,
  config: { name, ...config },
  inbound_nodes: nodes.map((ends) =>
    ends.map((end): Json => (typeof end === 'string' ? [end, 0, 0, {}] : [...end, {}])),
  ),
});
const input = (name: string, shape: Json = [null, 4]) =>
  layer('InputLayer', name, { batch_input_shape: shape, dtype: 'float32' });
const same = (name: string, ...nodes: (string | End)[][]) =>
  layer('Activation', name, { activation: 'linear' }, ...nodes);
const functional = (layers: readonly Layer[], outputs: readonly End[], name = 'model') => ({
  class_name: 'Functional',
  config: {
    name,
    layers: layers as unknown as Json,
    input_layers: [['x', 0, 0]],
    output_layers: [...outputs],
  },
});
const sequential = (layers: readonly Json[], name = 'model') => ({
  class_name: 'Sequential',
  config: { name, layers: [...layers] },
});

const text = new TextEncoder();
/** A model.json, and the numbers 1, 2, 3, … as its weights. */
function file(topology: object, weights: Record<string, readonly number[]> = {}): NamedFile[] {
  const specs = Object.entries(weights).map(([name, shape]) => ({ name, shape, dtype: 'float32' }));
  const sizes = specs.map(({ shape }) => shape.reduce((size, length) => size * length, 1));
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const numbers = Float32Array.from({ length: count }, (_, i) => i + 1);
  const weightsManifest = count > 0 ? [{ paths: ['weights.bin'], weights: specs }] : [];
  const json = { modelTopology: { keras_version: '2.15.0', ...topology }, weightsManifest };
  return [
    { name: 'model.json', bytes: text.encode(JSON.stringify(json)) },
    ...(count > 0 ? [{ name: 'weights.bin', bytes: new Uint8Array(numbers.buffer) }] : []),
  ];
}

/** A range of numbers as names, each with the one before it. */
const range = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

let warnings: string[] = [];
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((...words: unknown[]) => {
    warnings.push(words.join(' '));
  });
});

/** The message of the refusal: a ValueError, of a message that can be read, which leaves no tensor. */
async function refusal(files: NamedFile[]): Promise<string> {
  const before = tf.memory().numTensors;
  const error: unknown = await loadKerasModel(files).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ValueError);
  expect(tf.memory().numTensors).toBe(before);
  const { message } = error as ValueError;
  expect(message.length).toBeLessThan(20_000);
  return message;
}

const outputOf = (model: tf.LayersModel, x: tf.Tensor): number[] =>
  tf.tidy(() => [...[model.predict(x)].flat()[0]!.dataSync()]);

const chain = (count: number) => [
  input('x'),
  ...range(count, (i) => same(`a${i}`, [i === 0 ? 'x' : `a${i - 1}`])),
];
const MASKING = layer('Masking', 'm', { mask_value: 0 }, ['x']);

describe('graphs take time by their size', () => {
  test.each<[string, () => object]>([
    ['a chain', () => functional(chain(3000), [['a2999', 0, 0]])],
    ['a chain from its end', () => functional(chain(3000).reverse(), [['a2999', 0, 0]])],
    [
      'a ladder of Adds beside a Masking',
      () =>
        functional(
          [
            input('x', [null, 4, 1]),
            MASKING,
            layer('Add', 'a0', {}, ['x', 'x']),
            ...range(2999, (i) => layer('Add', `a${i + 1}`, {}, [`a${i}`, i === 0 ? 'x' : `a${i - 1}`])),
          ],
          [
            ['m', 0, 0],
            ['a2999', 0, 0],
          ],
        ),
    ],
    [
      'a dense residual network beside a Masking',
      () =>
        functional(
          [
            input('x', [null, 4, 1]),
            MASKING,
            ...range(300, (i) => layer('Add', `a${i}`, {}, ['x', 'x', ...range(i, (j) => `a${j}`)])),
          ],
          [
            ['m', 0, 0],
            ['a299', 0, 0],
          ],
        ),
    ],
    [
      'recurrent layers beside a Masking',
      () =>
        functional(
          [
            input('x', [null, 4, 1]),
            MASKING,
            ...range(2000, (i) => layer('Softmax', `a${i}`, {}, [i === 0 ? 'x' : `a${i - 1}`])),
          ],
          [
            ['m', 0, 0],
            ['a1999', 0, 0],
          ],
        ),
    ],
    [
      'many inputs of one layer',
      () =>
        functional(
          [
            input('x'),
            ...range(5000, (i) => same(`a${i}`, ['x'])),
            layer(
              'Concatenate',
              'c',
              { axis: -1 },
              range(5000, (i) => `a${i}`),
            ),
          ],
          [['c', 0, 0]],
        ),
    ],
    [
      'a layer that is called many times',
      () =>
        functional(
          [
            input('x'),
            same('a', ...range(5000, () => ['x'])),
            layer(
              'Concatenate',
              'c',
              { axis: -1 },
              range(5000, (i): End => ['a', i, 0]),
            ),
          ],
          [['c', 0, 0]],
        ),
    ],
    [
      'a sequential model',
      () =>
        sequential(
          range(3000, (i) => ({
            class_name: 'Activation',
            config: { name: `a${i}`, activation: 'linear', batch_input_shape: [null, 4] },
          })),
        ),
    ],
  ])(
    '%s',
    async (_, make) => {
      const files = file(make());
      const model = await loadKerasModel(files);
      await saveKerasModel(model, null, { for: 'keras3' });
      expect((await fold(model)).folded).toHaveLength(0);
      model.dispose();
      expect((await checkKerasModel(files)).blockers).toEqual([]);
    },
    IN_TIME,
  );

  test(
    'many normalizations',
    async () => {
      const weights = ['gamma', 'beta', 'moving_mean', 'moving_variance'];
      const files = file(
        functional(
          [
            input('x'),
            ...range(1000, (i) => layer('BatchNormalization', `b${i}`, {}, [i === 0 ? 'x' : `b${i - 1}`])),
          ],
          [['b999', 0, 0]],
        ),
        Object.fromEntries(range(1000, (i) => weights.map((name) => [`b${i}/${name}`, [4]] as const)).flat()),
      );
      const model = await loadKerasModel(files);
      const again = await loadKerasModel(
        await saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' }),
      );
      expect(again.getWeights().map((one) => one.shape)).toEqual(model.getWeights().map((one) => one.shape));
      (await fold(model)).model.dispose();
      await inspect(model);
    },
    IN_TIME,
  );

  test('models within models', async () => {
    let model = functional([input('x'), same('a', ['x'])], [['a', 0, 0]], 'm0');
    for (let i = 1; i < 30; i++) {
      const inner = { ...model, name: `m${i - 1}`, inbound_nodes: [[['x', 0, 0, {}]]] };
      model = functional([input('x'), inner], [[`m${i - 1}`, 1, 0]], `m${i}`);
    }
    const loaded = await loadKerasModel(file(model));
    expect(outputOf(loaded, tf.tensor2d([[1, 2, 3, 4]]))).toEqual([1, 2, 3, 4]);
  });
});

test('masks that Keras 3 writes into a graph, layer after layer', async () => {
  const tensor = (name: string, shape: Json): Json => ({
    class_name: '__keras_tensor__',
    config: { shape, dtype: 'float32', keras_history: [name, 0, 0] },
  });
  const called = (
    className: string,
    name: string,
    config: Record<string, Json>,
    args: Json[],
    mask: Json = null,
  ) => ({
    ...layer(className, name, config),
    inbound_nodes: [{ args, kwargs: { mask } }],
  });
  const steps = [null, 4, 1];
  const inner: Json = { class_name: 'Activation', config: { name: 'i', activation: 'linear' } };
  const layers = [
    { ...layer('InputLayer', 'x', { batch_shape: steps, dtype: 'float32' }), inbound_nodes: [] },
    called('Masking', 'm', { mask_value: 0 }, [tensor('x', steps)]),
    called('NotEqual', 'unequal', {}, [tensor('x', steps), 0]),
    called('Any', 'any', { axis: -1, keepdims: false }, [tensor('unequal', steps)]),
    ...range(2000, (i) =>
      called(
        'TimeDistributed',
        `a${i}`,
        { layer: inner },
        [tensor(i === 0 ? 'm' : `a${i - 1}`, steps)],
        tensor('any', [null, 4]),
      ),
    ),
  ];
  const model = await loadKerasModel(
    file({ ...functional(layers, [['a1999', 0, 0]]), keras_version: '3.5.0' }),
  );
  expect(model.layers).toHaveLength(2002);
}, 60_000);

describe('nodes have the numbers of the file', () => {
  // TF.js numbers them as it makes them: that of the second call comes first here, since b is made after a.
  test('where a layer stands before one that its first call needs', async () => {
    const model = await loadKerasModel(
      file(
        functional(
          [
            input('x'),
            layer('Rescaling', 'a', { scale: 1, offset: 1 }, [['b', 0, 0]], ['x']),
            layer('Rescaling', 'b', { scale: 10, offset: 0 }, ['x']),
            layer('Concatenate', 'c', { axis: -1 }, [
              ['a', 0, 0],
              ['a', 1, 0],
            ]),
          ],
          [['c', 0, 0]],
        ),
      ),
    );
    expect(outputOf(model, tf.tensor2d([[1, 2, 3, 4]]))).toEqual([11, 21, 31, 41, 2, 3, 4, 5]);
  });

  test('where two layers call each other in turn', async () => {
    const model = await loadKerasModel(
      file(
        functional(
          [
            layer('Rescaling', 'b', { scale: 2, offset: 0 }, ...range(3, (i): End[] => [['a', i, 0]])),
            layer('Rescaling', 'a', { scale: 1, offset: 1 }, ['x'], ...range(2, (i): End[] => [['b', i, 0]])),
            input('x'),
          ],
          [['b', 2, 0]],
        ),
      ),
    );
    expect(outputOf(model, tf.tensor2d([[1, 2, 3, 4]]))).toEqual([22, 30, 38, 46]);
  });
});

describe('what has no end is refused, with what raises the limit', () => {
  test.each<[string, () => object, RegExp]>([
    [
      'too many layers in a row',
      () => functional(chain(9000), [['a8999', 0, 0]]),
      /too many layers in a row.*stack-size/,
    ],
    [
      'too many layers in a row, from the end',
      () => functional(chain(9000).reverse(), [['a8999', 0, 0]]),
      /too many layers in a row.*stack-size/,
    ],
    [
      'a sequential model of too many layers',
      () =>
        sequential(
          range(9000, (i) => ({
            class_name: 'Activation',
            config: { name: `a${i}`, activation: 'linear', batch_input_shape: [null, 4] },
          })),
        ),
      /too many layers in a row.*stack-size/,
    ],
    [
      'more layers than the file can hold',
      () =>
        functional(
          [input('x'), ...range(60_000, (i) => same(`a${i}`, ['x']))],
          range(60_000, (i) => [`a${i}`, 0, 0]),
        ),
      /limits: \{ \w+: …/,
    ],
    [
      'a layer that is called very often',
      () => functional([input('x'), same('a', ...range(30_000, () => ['x']))], [['a', 0, 0]]),
      /The model .* takes \d+ steps.*limits: \{ steps/,
    ],
    [
      'two layers that call each other very often',
      () =>
        functional(
          [
            input('x'),
            same('a', ['x'], ...range(3999, (i): End[] => [['b', i, 0]])),
            same('b', ...range(4000, (i): End[] => [['a', i, 0]])),
          ],
          [['b', 3999, 0]],
        ),
      /The model .* takes \d+ steps.*limits: \{ steps/,
    ],
    [
      'models that are called twice within models',
      () => {
        let model = functional([input('x'), same('a', ['x'])], [['a', 0, 0]], 'm0');
        for (let i = 1; i < 40; i++) {
          const name = `m${i - 1}`;
          const inner = { ...model, name, inbound_nodes: [[['x', 0, 0, {}]], [[name, 1, 0, {}]]] };
          model = functional([input('x'), inner], [[name, 2, 0]], `m${i}`);
        }
        return model;
      },
      /The calls of layers.*limits: \{ steps/,
    ],
    [
      'layers that wait for each other',
      () => functional([input('x'), same('a', ['b']), same('b', ['a'])], [['b', 0, 0]]),
      /'a' waits for what is never made/,
    ],
    [
      'an input of too many dimensions',
      () =>
        functional(
          [
            input(
              'x',
              range(20_000, () => 1),
            ),
            same('a', ['x']),
          ],
          [['a', 0, 0]],
        ),
      /has 20000 dimensions, and TF\.js takes 6/,
    ],
    [
      'a shape of too many dimensions',
      () =>
        functional(
          [input('x', [null, 1]), layer('Reshape', 'a', { target_shape: range(20_000, () => 1) }, ['x'])],
          [['a', 0, 0]],
        ),
      /its target_shape is \[1, 1, .*at most 64 in a list/,
    ],
    [
      'a shape that is text',
      () =>
        functional(
          [input('x'), layer('Reshape', 'a', { target_shape: '4'.repeat(5000) }, ['x'])],
          [['a', 0, 0]],
        ),
      /its target_shape is '44.*a whole number is expected/,
    ],
  ])(
    '%s',
    async (_, make, message) => {
      expect(await refusal(file(make()))).toMatch(message);
    },
    IN_TIME,
  );

  /** JSON.stringify has no end there itself. */
  const nested = (outer: string, inner: string, depth: number) =>
    outer.repeat(depth) +
    '{"class_name":"Activation","config":{"name":"a","activation":"linear"}}' +
    inner.repeat(depth);

  test.each([
    ['models', '{"class_name":"Sequential","config":{"name":"s","layers":[', ']}}'],
    ['wrappers', '{"class_name":"TimeDistributed","config":{"name":"t","layer":', '}}'],
    ['cells', '{"class_name":"StackedRNNCells","config":{"name":"t","cells":[', ']}}'],
    ['lists', '[', ']'],
  ])('%s within each other', async (_, before, after) => {
    const bytes = text.encode(`{"modelTopology":${nested(before, after, 3000)},"weightsManifest":[]}`);
    expect(await refusal([{ name: 'model.json', bytes }])).toMatch(/limits: \{ depth: …/);
    const stacked = text.encode(
      `{"modelTopology":{"class_name":"Sequential","config":{"name":"s","layers":[{"class_name":"RNN","config":` +
        `{"name":"r","cell":${nested(before, after, 40)}}}]}},"weightsManifest":[]}`,
    );
    await refusal([{ name: 'model.json', bytes: stacked }]);
  });

  test('cells within cells', async () => {
    let cell: Json = { class_name: 'LSTMCell', config: { name: 'c', units: 1 } };
    const weights: Record<string, number[]> = {};
    for (let i = 0; i < 30; i++)
      cell = { class_name: 'StackedRNNCells', config: { name: `s${i}`, cells: [cell] } };
    for (const [name, shape] of Object.entries({ kernel: [1, 4], recurrent_kernel: [1, 4], bias: [4] })) {
      weights[`r/${'RNNCell_0/'.repeat(30)}${name}`] = shape;
    }
    const model = await loadKerasModel(
      file(
        functional([input('x', [null, 2, 1]), layer('RNN', 'r', { cell }, ['x'])], [['r', 0, 0]]),
        weights,
      ),
    );
    expect(outputOf(model, tf.ones([1, 2, 1]))).toHaveLength(1);
  });

  test('a limit may be raised', async () => {
    const files = file(functional(chain(20), [['a19', 0, 0]]));
    await expect(loadKerasModel(files, { limits: { entries: 20 } })).rejects.toThrow(/takes 21 entries/);
    await expect(checkKerasModel(files, { limits: { entries: 20 } })).rejects.toThrow(/takes 21 entries/);
    await loadKerasModel(files, { limits: { entries: 22 } });
  });
});

describe('weights are no more than the file holds', () => {
  test.each<[string, string, Record<string, Json>, Json]>([
    ['a kernel', 'Dense', { units: 20_000, kernel_initializer: 'orthogonal' }, [null, 20_000]],
    ['an embedding', 'Embedding', { input_dim: 1e9, output_dim: 1000 }, [null, 4]],
    ['slopes', 'PReLU', {}, [null, 1e5, 1e5]],
    ['a normalization', 'BatchNormalization', {}, [null, 1e9]],
    ['statistics', 'Normalization', { axis: -1 }, [null, 1e9]],
    ['states', 'GRU', { units: 1e6 }, [1, 2, 1]],
  ])('%s', async (_, className, config, shape) => {
    const message = await refusal(
      file(functional([input('x', shape), layer(className, 'l', config, ['x'])], [['l', 0, 0]])),
    );
    expect(message).toMatch(/more numbers than the file holds/);
  });

  test('a normalization of which the first weights alone would fit, and which frees them itself', async () => {
    const topology = functional(
      [input('x', [null, 1.5e6]), layer('BatchNormalization', 'l', { axis: -1 }, ['x'])],
      [['l', 0, 0]],
    );
    const shapes = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map(
      (name) => [`l/${name}`, [2]] as const,
    );
    expect(await refusal(file(topology, Object.fromEntries(shapes)))).toMatch(
      /needs a moving_\w+ of shape \[1500000\], more numbers than the file holds/,
    );
  });

  test.each<[string, string, Record<string, Json>, Json]>([
    ['a normalization by one number', 'Normalization', { mean: 1, variance: 1 }, [null, 1e9]],
    ['tokens without a vocabulary', 'IntegerLookup', { vocabulary: [1], num_oov_indices: 1e9 }, [null, 1]],
  ])('%s takes no more', async (_, className, config, shape) => {
    const model = await loadKerasModel(
      file(functional([input('x', shape), layer(className, 'l', config, ['x'])], [['l', 0, 0]])),
    );
    expect(model.weights).toHaveLength(0);
  });
});

const NAMES = [
  ...['constructor', 'toString', 'hasOwnProperty', 'valueOf', '__proto__', 'a/__proto__', 'a/constructor'],
  ...[
    'a/.',
    '..',
    'a/..',
    '.',
    'a//b',
    '/a',
    'a/',
    'a\0b',
    '\ud800',
    'ä',
    'a'.repeat(16_000),
    'a/'.repeat(100) + 'b',
  ],
];

describe('layers of any name are saved and read again, or refused before anything is written', () => {
  const numbersOf = (model: tf.LayersModel) => model.getWeights().flatMap((weight) => [...weight.dataSync()]);
  const WEIGHTS = range(10, (i) => i + 1);
  const dense = { units: 2, batch_input_shape: [null, 4] };

  test.each(NAMES.map((name) => [JSON.stringify(name).slice(0, 30), name]))(
    '%s',
    async (_, name) => {
      const inner = sequential([{ class_name: 'Dense', config: { name: 'd', ...dense } }], name);
      const nested = { ...inner, name, inbound_nodes: [[['x', 0, 0, {}]]] } as unknown as Layer;
      const models: [object, string][] = [
        [functional([input('x'), layer('Dense', name, dense, ['x'])], [[name, 0, 0]]), name],
        [sequential([{ class_name: 'Dense', config: { name, ...dense } }]), name],
        [functional([input('x'), nested], [[name, 1, 0]]), 'd'],
        [inner, 'd'],
      ];
      for (const [topology, holder] of models) {
        const model = await loadKerasModel(
          file(topology, { [`${holder}/kernel`]: [4, 2], [`${holder}/bias`]: [2] }),
        );
        expect(numbersOf(model)).toEqual(WEIGHTS);
        expect(outputOf(model, tf.ones([1, 4]))).toEqual([25, 30]);
        const saved = [
          () => saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' }),
          () => saveKerasModel(model, null, { for: 'tf-keras' }),
          () => saveKerasModel(model, null, { for: 'keras3' }),
          () => savedByTensorFlow(model),
        ];
        for (const save of saved) {
          const files = await save().catch((error: unknown) => {
            expect(error).toBeInstanceOf(ValueError);
            expect((error as ValueError).message).toMatch(/cannot be saved as \.h5/);
            return null;
          });
          if (files) expect(numbersOf(await loadKerasModel(files as NamedFile[]))).toEqual(WEIGHTS);
        }
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect('groups' in {}).toBe(false);
    },
    IN_TIME,
  );

  test(
    'names that differ in what is changed alone stay different',
    async () => {
      const names = range(4000, (i) => String.fromCodePoint(0x4e00 + i));
      const files = file(
        functional(
          [input('x'), ...names.map((name) => same(name, ['x']))],
          names.map((name) => [name, 0, 0]),
        ),
      );
      const model = await loadKerasModel(files);
      expect(new Set(model.layers.map(({ name }) => name)).size).toBe(4001);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/^Layer '一' is named 'x_' here, .* and 3995 more: TF\.js takes/);
      expect(warnings[0]!.length).toBeLessThan(1000);
    },
    IN_TIME,
  );

  test(
    'names that Keras 3 does not take',
    async () => {
      // Each of them is a_a_a_…
      const names = range(4096, (i) => `a${range(12, (bit) => ((i >> bit) & 1 ? '/a' : '_a')).join('')}`);
      const x = tf.input({ shape: [4] });
      const outputs = names.map(
        (name) => tf.layers.activation({ activation: 'linear', name }).apply(x) as tf.SymbolicTensor,
      );
      const model = tf.model({ inputs: x, outputs });
      const saved = await saveKerasModel(model, null, { for: 'keras3' });
      expect((await checkKerasModel(saved)).layers).toEqual({ InputLayer: 1, Activation: 4096 });
    },
    IN_TIME,
  );
});

describe('dictionaries of a file have no names of their own', () => {
  const KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const changed = (change: string, key: string): Uint8Array => {
    const json = JSON.stringify(
      functional([input('x'), layer('Dense', 'd', { units: 2 }, ['x'])], [['d', 0, 0]]),
    );
    return text.encode(
      `{"modelTopology":${json.replace(change, `${change}"${key}":{"groups":{"x":1}},`)},"weightsManifest":[]}`,
    );
  };

  test.each(KEYS)('%s', async (key) => {
    for (const place of ['{"name":"d",', '{"name":"model",', '{"class_name":"Functional",', '{"name":"x",']) {
      await refusal([{ name: 'model.json', bytes: changed(place, key) }]);
    }
    for (const settings of [
      { activation: key },
      { kernel_initializer: key },
      { kernel_regularizer: { class_name: key, config: {} } },
      { kernel_constraint: key },
      { dtype: key },
      { activation: { class_name: key, config: {} } },
    ] as Record<string, Json>[]) {
      await refusal(
        file(functional([input('x'), layer('Dense', 'd', { units: 2, ...settings }, ['x'])], [['d', 0, 0]])),
      );
    }
    await refusal(file(functional([input('x'), layer(key, 'd', {}, ['x'])], [['d', 0, 0]])));
    await refusal(file({ class_name: key, config: {} }));
    const { layers, blockers } = await checkKerasModel(
      file(functional([input('x'), layer(key, 'd', {}, ['x'])], [['d', 0, 0]])),
    );
    expect(Object.entries(layers)).toEqual([
      ['InputLayer', 1],
      [key, 1],
    ]);
    expect(blockers).toHaveLength(1);
    expect('groups' in {}).toBe(false);
  });
});

describe('messages are cut', () => {
  test('of many layers that block', async () => {
    const files = file(
      functional([input('x'), ...range(3000, (i) => layer(`No${i}`, `a${i}`, {}, ['x']))], [['a0', 0, 0]]),
    );
    const message = await refusal(files);
    const shown = message.match(/\n- '/g)!.length;
    expect(shown).toBeGreaterThan(10);
    expect(message).toMatch(new RegExp(`^3000 layers cannot be loaded:(.|\\n)*and ${3000 - shown} more`));
    expect(message.length).toBeLessThan(4000);
    expect((await checkKerasModel(files)).blockers).toHaveLength(3000);
  });

  test(
    'of many notes',
    async () => {
      const files = file(
        functional(
          [
            input('x'),
            ...range(3000, (i) => layer('Softmax', `a${i}`, { activity_regularizer: null }, ['x'])),
            layer('Dense', 'd', { units: 1, kernel_initializer: 'n'.repeat(10_000_000) }, ['x']),
          ],
          [...range(3000, (i): End => [`a${i}`, 0, 0]), ['d', 0, 0]],
        ),
        { 'd/kernel': [4, 1], 'd/bias': [1] },
      );
      await loadKerasModel(files);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]!.length).toBeLessThan(600);
    },
    IN_TIME,
  );

  test(
    'of a name or a setting of ten million characters',
    async () => {
      const name = 'n'.repeat(10_000_000);
      for (const layers of [
        [input('x'), same(name, ['x']), same('a', [name])],
        [input('x'), layer(name, 'a', {}, ['x'])],
        [input('x'), layer('Activation', 'a', { activation: name }, ['x'])],
        [input('x'), layer('Dense', 'a', { [name]: 1, units: name }, ['x'])],
        [input('x'), same('a', [name])],
      ]) {
        const message = await refusal(file(functional(layers, [['a', 0, 0]])));
        expect(message.length).toBeLessThan(1000);
      }
    },
    IN_TIME,
  );

  test('a name too long to be read again is not saved', async () => {
    const name = 'n'.repeat(20_000);
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], name })] });
    for (const dialect of ['tf-keras', 'keras3'] as const) {
      await expect(saveKerasModel(model, null, { for: dialect })).rejects.toThrow(
        /of 20000 characters cannot be saved/,
      );
    }
  });
});

describe('initializers, regularizers and constraints', () => {
  test.each([
    ['gammaRegularizer', 'Zeros'],
    ['gammaRegularizer', 'NonNeg'],
    ['gammaRegularizer', 'relu'],
    ['gammaInitializer', 'L1L2'],
    ['gammaInitializer', 'MaxNorm'],
    ['gammaConstraint', 'L1L2'],
    ['gammaConstraint', 'Ones'],
  ])('%s is no %s', (argument, className) => {
    expect(() => layerBatchNormalization({ [argument]: { className, config: {} } })).toThrow(ValueError);
  });

  test('nor is it such an object', () => {
    const gammaRegularizer = tf.initializers.ones() as unknown as ReturnType<typeof tf.regularizers.l1>;
    expect(() => layerBatchNormalization({ gammaRegularizer })).toThrow(/TF\.js regularizer, received/);
  });

  test('an initializer gives values of the shape that it is asked for', () => {
    for (const shape of [[2], [5], [4, 1], []]) {
      const gammaInitializer = Object.assign(tf.initializers.ones(), { apply: () => tf.ones(shape) });
      const made = layerBatchNormalization({ gammaInitializer, name: 'bn' });
      const before = tf.memory().numTensors;
      expect(() => {
        made.build([null, 4]);
      }).toThrow(
        /^Layer 'bn': the initializer of its gamma gave values of shape .*, where \[4\] was asked for/,
      );
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});

describe("NaN among a model's settings, which Python's JSON has a word for,", () => {
  /** JavaScript's JSON has none. */
  const withNaN = (layers: readonly Json[]) =>
    file({ model_config: sequential(layers) as unknown as Json }).map(({ name, bytes }) => ({
      name,
      bytes: text.encode(new TextDecoder().decode(bytes).replaceAll('"NaN"', 'NaN')),
    }));
  const steps = { class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, 3, 2] } };

  test.each([
    ['Masking', 'mask_value', 'NaN'],
    ['LeakyReLU', 'alpha', 'NaN'],
    ['Dropout', 'rate', 'NaN'],
    ['Rescaling', 'scale', [1, 'NaN']],
    ['BatchNormalization', 'epsilon', 'NaN'],
    ['BatchNormalization', 'momentum', 'NaN'],
  ])('is no default of %s: its %s', async (className, setting, value) => {
    const layers = [steps, { class_name: className, config: { name: 'layer', [setting]: value } }];
    await expect(loadKerasModel(withNaN(layers))).rejects.toThrow(
      new RegExp(`'layer'.*its ${setting} is .*NaN`),
    );
  });
});
