/** @file Tables and hashes of strings, by numbers that TensorFlow 2.18 and Keras 3.15 gave; golden models have whole numbers alone. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { ValueError } from 'evenkeel';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { describe, expect, test } from 'vitest';
import { BACKENDS } from '../backends.js';

await tf.setBackend('cpu');

const BINS = 1_000_000_007;
/** Of each length up to which FarmHash goes another way: the hash without a salt, and with `[3, 4]`. */
const HASHED = [
  [0, 912170738, 39298982],
  [1, 55582683, 787278952],
  [3, 50329263, 793022961],
  [4, 377812646, 106301755],
  [7, 154821493, 669254208],
  [8, 299747015, 689468753],
  [16, 450793781, 147801325],
  [17, 264170380, 269462677],
  [32, 334595449, 162878240],
  [33, 450636552, 477241871],
  [64, 851806900, 89767912],
  [65, 674393202, 264459334],
  [128, 310442866, 216327823],
  [129, 258808449, 32628517],
  [200, 684980993, 405164383],
] as const;

const textOf = (length: number) =>
  String.fromCharCode(...Array.from({ length }, (_, i) => 33 + ((i * 7 + length) % 90)));

const strings = (values: string[]) => tf.tensor1d(values, 'string');
const apply = (layer: tf.layers.Layer, x: tf.Tensor | tf.Tensor[]) => {
  const y = layer.apply(x) as tf.Tensor;
  return y.arraySync();
};

test('Hashing gives the numbers of TensorFlow, with and without a salt', () => {
  const texts = strings(HASHED.map(([length]) => textOf(length)));
  expect(apply(kerasLayers.hashing({ numBins: BINS }), texts)).toEqual(HASHED.map(([, fast]) => fast));
  expect(apply(kerasLayers.hashing({ numBins: BINS, salt: [3, 4] }), texts)).toEqual(
    HASHED.map(([, , strong]) => strong),
  );
});

test('Hashing has the mask at 0 and all else behind it; where there is one bin, all is there', () => {
  const texts = strings(['', 'a', 'b', 'c']);
  expect(apply(kerasLayers.hashing({ numBins: 2, maskValue: '' }), texts)).toEqual([0, 1, 1, 1]);
  expect(apply(kerasLayers.hashing({ numBins: 1, maskValue: '' }), texts)).toEqual([0, 0, 0, 0]);
});

test.each([
  [
    ['a', 'zz', ''],
    ['x', 'y', 'é'],
    [830744, 28828, 380831],
  ],
  [
    [5, 7, -3],
    [1, 2, 40],
    [917401, 139577, 434358],
  ],
] as const)('HashedCrossing of %j and %j', (one, other, crossed) => {
  const column = (values: readonly (string | number)[]) =>
    typeof values[0] === 'string' ? strings(values as string[]) : tf.tensor1d(values as number[], 'int32');
  const layer = kerasLayers.hashedCrossing({ numBins: 1_000_003 });
  expect(apply(layer, [column(one), column(other)])).toEqual(crossed);
});

describe('StringLookup', () => {
  const texts = strings(['x', 'a', 'y', '', 'zz', 'é']);

  test('gives numbers behind those for masks and for what is outside', () => {
    const vocabulary = ['x', 'y'];
    expect(apply(kerasLayers.stringLookup({ vocabulary }), texts)).toEqual([1, 0, 2, 0, 0, 0]);
    const spread = kerasLayers.stringLookup({ vocabulary, numOovIndices: 3, maskToken: '' });
    expect(apply(spread, texts)).toEqual([4, 1, 5, 0, 2, 2]);
  });

  test('leaves out the special tokens that a vocabulary begins with', () => {
    expect(apply(kerasLayers.stringLookup({ vocabulary: ['[UNK]', 'x', 'y'] }), texts)).toEqual([
      1, 0, 2, 0, 0, 0,
    ]);
  });

  test('counts nothing for what is masked', () => {
    const vocabulary = ['x', 'y'];
    const layer = kerasLayers.stringLookup({ vocabulary, maskToken: 'a', outputMode: 'count' });
    const row = tf.tensor2d([['x', 'a', 'q', 'x']], [1, 4], 'string');
    expect(apply(layer, row)).toEqual([[1, 2, 0]]);
  });

  test('gives tokens for numbers', () => {
    const back = kerasLayers.stringLookup({ vocabulary: ['x', 'y'], invert: true });
    expect(apply(back, tf.tensor1d([0, 1, 2, 7], 'int32'))).toEqual(['[UNK]', 'x', 'y', '[UNK]']);
  });

  test('gives the mask for 0, where there is one', () => {
    const back = kerasLayers.stringLookup({ vocabulary: ['x'], maskToken: 'none', invert: true });
    expect(apply(back, tf.tensor1d([0, 1, 2], 'int32'))).toEqual(['none', '[UNK]', 'x']);
  });

  test('refuses what is not in its vocabulary, where nothing stands for that', () => {
    const layer = kerasLayers.stringLookup({ vocabulary: ['x'], numOovIndices: 0 });
    expect(() => apply(layer, texts)).toThrow(ValueError);
    expect(() => apply(layer, texts)).toThrow(/'a' is not in its vocabulary/);
  });
});

test('IntegerLookup spreads by the remainder as Python has it, of numbers below 0 too', () => {
  const layer = kerasLayers.integerLookup({ vocabulary: [10], numOovIndices: 3 });
  expect(apply(layer, tf.tensor1d([-4, -3, -1, 4, 10], 'int32'))).toEqual([2, 0, 2, 1, 3]);
});

describe('TextVectorization', () => {
  const texts = tf.tensor2d([['The cat, THE Hat!'], ["  É été\tl'eau "], ['']], [3, 1], 'string');
  const vocabulary = ['the', 'cat', 'été', 'leau', "l'eau", 't'];
  const counts = (row: Record<number, number>, size: number) =>
    Array.from({ length: size }, (_, i) => row[i] ?? 0);

  test.each([
    [
      'words',
      {},
      [
        [2, 3, 2, 1],
        [1, 4, 5, 0],
        [0, 0, 0, 0],
      ],
    ],
    [
      'the first words',
      { outputSequenceLength: 2 },
      [
        [2, 3],
        [1, 4],
        [0, 0],
      ],
    ],
    [
      'how often words occur, with their punctuation',
      { standardize: 'lower', outputMode: 'count' },
      [counts({ 0: 2, 1: 2 }, 7), counts({ 0: 1, 3: 1, 5: 1 }, 7), counts({}, 7)],
    ],
    [
      'which words occur, in vectors of a given size',
      { standardize: 'stripPunctuation', outputMode: 'multiHot', maxTokens: 9, padToMaxTokens: true },
      [counts({ 0: 1, 2: 1 }, 9), counts({ 0: 1, 3: 1, 4: 1 }, 9), counts({}, 9)],
    ],
    [
      'characters',
      { split: 'character', outputSequenceLength: 5 },
      [
        [7, 1, 1, 1, 1],
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0],
      ],
    ],
    ['whole texts', { vocabulary: ['The cat, THE Hat!'], standardize: null, split: null }, [[2], [1], [0]]],
  ] as const)('gives %s, here and after saving', async (_, args, want) => {
    const layer = kerasLayers.textVectorization({ vocabulary, ...args });
    expect(apply(layer, texts)).toEqual(want);
    const input = tf.input({ shape: [1], dtype: 'string' });
    const model = tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
    for (const dialect of ['tf-keras', 'keras3'] as const) {
      const again = await loadKerasModel(await saveKerasModel(model, null, { for: dialect }));
      expect((again.apply(texts) as tf.Tensor).arraySync()).toEqual(want);
    }
  });
});

describe.each(BACKENDS)('on %s', (backend) => {
  test.each(['tf-keras', 'keras3'] as const)(
    'a model of strings goes through a file for %s',
    async (dialect) => {
      await tf.setBackend(backend);
      const input = tf.input({ shape: [2], dtype: 'string' });
      const lookup = kerasLayers.stringLookup({ vocabulary: ['x', 'é'] });
      const output = tf.layers.embedding({ inputDim: 3, outputDim: 2 }).apply(lookup.apply(input));
      const model = tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
      const again = await loadKerasModel(await saveKerasModel(model, null, { for: dialect }));
      const x = tf.tensor2d(
        [
          ['x', 'q'],
          ['é', ''],
        ],
        [2, 2],
        'string',
      );
      const want = (model.apply(x) as tf.Tensor).dataSync();
      expect([...(again.apply(x) as tf.Tensor).dataSync()]).toEqual([...want]);
      expect(new Set(want).size).toBe(6);
    },
  );
});

test('numbers behind the end of a vector count for nothing, in the next row either', () => {
  const args = { vocabulary: [1, 2, 3], maxTokens: 3, padToMaxTokens: true } as const;
  const layer = kerasLayers.integerLookup({ ...args, outputMode: 'count' });
  expect(apply(layer, tf.tensor2d([[3], [2]], [2, 1], 'int32'))).toEqual([
    [0, 0, 0],
    [0, 0, 1],
  ]);
});

test('Normalization keeps its statistics in the order of the axes', () => {
  const layer = kerasLayers.normalization({ axis: [-1, 1] });
  layer.build([null, 2, 3, 4]);
  expect(layer.weights.map(({ shape }) => shape)).toEqual([[2, 4], [2, 4], []]);
});

test('Normalization divides by no less than 1e-7', () => {
  const layer = kerasLayers.normalization({ mean: 0, variance: 0 });
  const [y] = [...(layer.apply(tf.tensor2d([[1]])) as tf.Tensor).dataSync()];
  expect(y).toBeCloseTo(1e7, -1);
});

test.each([
  [
    () => kerasLayers.stringLookup({ vocabulary: [1] as never }),
    TypeError,
    /^vocabulary: expected a list of strings/,
  ],
  [() => kerasLayers.integerLookup({ vocabulary: [1, 1] }), ValueError, /^vocabulary: .* twice/],
  [() => kerasLayers.hashing({ numBins: 0 }), ValueError, /^numBins/],
  [() => kerasLayers.hashing({ numBins: 2, salt: 0.5 }), ValueError, /^salt/],
  [() => kerasLayers.discretization({ binBoundaries: [1, 0] }), ValueError, /^binBoundaries: .* ascending/],
  [() => kerasLayers.normalization({ mean: 1 }), ValueError, /^mean and variance: give both/],
  [
    () => kerasLayers.categoryEncoding({ numTokens: 2, outputMode: 'int' as never }),
    ValueError,
    /^outputMode/,
  ],
  [() => kerasLayers.hashing({ numBins: 2 }).apply(tf.tensor1d([0.5])), TypeError, /with fractions/],
  [() => kerasLayers.hashedCrossing({ numBins: 2 }).apply(tf.zeros([2])), ValueError, /two or more inputs/],
  [() => kerasLayers.normalization({ axis: 3 }).apply(tf.zeros([2, 2])), ValueError, /has no axis there/],
  [
    () => kerasLayers.normalization({ mean: [1, 2], variance: [1, 1] }).apply(tf.zeros([2, 3])),
    ValueError,
    /mean and variance of shape \[2\] do not fit/,
  ],
])('refuses what cannot be: %s', (make, Refusal, message) => {
  const before = tf.memory().numTensors;
  expect(make).toThrow(Refusal);
  expect(make).toThrow(message);
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2); // the inputs
});
