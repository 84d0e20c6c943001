/**
 * @file The table of what TF.js' own layer does, on the site's first page: each row, with both layers, on the backends that run in
 * Node. A row without a test fails, and so does a test without a row.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import {
  type BatchNormalization,
  type BatchNormalizationArgs,
  layerBatchNormalization,
  registerBatchNormalization,
} from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { readText } from './blocks.js';

/** Makes the layer under test; TF.js' own has the same weights, which its types do not show. */
type Make = (args?: BatchNormalizationArgs) => BatchNormalization;
type StockArgs = Parameters<typeof tf.layers.batchNormalization>[0];

type Name = 'stock' | 'evenkeel';

const LAYERS: Record<Name, Make> = {
  stock: (args) => tf.layers.batchNormalization(args as StockArgs) as unknown as BatchNormalization,
  evenkeel: (args) => layerBatchNormalization(args ?? {}),
};

tf.enableProdMode(); // no greeting

interface Claim {
  observe: (make: Make, name: Name) => unknown;
  /** What is observed: a value, or the message of the error that it throws. */
  stock: unknown;
  evenkeel: unknown;
}

/** Numbers of a tensor or weight, rounded to what float32 can hold on any backend. */
function numbersOf(value: tf.Tensor | { read(): tf.Tensor }): number[] {
  const tensor = value instanceof tf.Tensor ? value : value.read();
  return [...tensor.dataSync()].map((x) => Number(x.toFixed(4)));
}

/** Which weights get a gradient in a training step. */
function trainOnce(layer: BatchNormalization, shape: number[]): string[] {
  const x = tf.randomNormal(shape, 3, 2);
  layer.apply(x, { training: true });
  const loss = () => tf.sum(tf.square(layer.apply(x, { training: true }) as tf.Tensor)).asScalar();
  const { grads } = tf.variableGrads(loss);
  return Object.keys(grads).map((name) => name.replace(/.*\/|_\d+$/g, ''));
}

/** Trains a model for one batch by a loss that is `slope` times the sum of what it predicts. */
async function fitOnce(model: tf.LayersModel, x: tf.Tensor, slope: number): Promise<void> {
  const loss = (_: tf.Tensor, predicted: tf.Tensor) => tf.mul(tf.sum(predicted), slope);
  model.compile({ optimizer: tf.train.sgd(1), loss });
  await model.fit(x, x, { epochs: 1 });
}

/** Saves a model of one layer of ours, and loads it with the layer under test. */
async function loadAfter(args: BatchNormalizationArgs, name: Name): Promise<number> {
  const saved = tf.sequential({ layers: [layerBatchNormalization({ ...args, inputShape: [2] })] });
  let artifacts: tf.io.ModelArtifacts = {};
  await saved.save(
    tf.io.withSaveHandler((given) => {
      artifacts = given;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    }),
  );
  const undo = name === 'evenkeel' ? registerBatchNormalization() : () => undefined;
  try {
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
    return loaded.getWeights().length;
  } finally {
    undo();
  }
}

const TWO_SEQUENCES = [
  [[1], [3], [9]],
  [[2], [9], [9]],
];

const CLAIMS: Record<string, Claim> = {
  'train with `scale: false`': {
    observe: (make) => trainOnce(make({ scale: false }), [8, 3]),
    stock: /Cannot read properties of undefined/,
    evenkeel: ['beta'],
  },
  'train with `center: false`': {
    observe: (make) => trainOnce(make({ center: false }), [8, 3]),
    stock: /Cannot read properties of undefined/,
    evenkeel: ['gamma'],
  },
  'train along an axis that is not the last': {
    observe: (make) => trainOnce(make({ axis: 1 }), [2, 3, 4, 5]),
    stock: /Size\(120\) must match the product of shape 1,3,1,1/,
    evenkeel: ['gamma', 'beta'],
  },
  'infer along axis 1 of rank 4 (cpu, wasm backends)': {
    observe: (make) => {
      const variances = [1, 4, 16].map((variance) => variance - 0.001);
      const weights = [[1, 1, 1], [0, 0, 0], [0, 0, 0], variances].map((values) => tf.tensor1d(values));
      const layer = make({ axis: 1, weights });
      return numbersOf(layer.apply(tf.ones([1, 3, 1, 2])) as tf.Tensor);
    },
    stock: [1, 0.5, 0.25, 1, 0.5, 0.25],
    evenkeel: [1, 1, 0.5, 0.5, 0.25, 0.25],
  },
  'give a list of axes': {
    observe: (make) => trainOnce(make({ axis: [1, 3] }), [2, 3, 4, 5]),
    stock: /should have a defined dimension/,
    evenkeel: ['gamma', 'beta'],
  },
  'give an input of rank 1, 5 or 6': {
    observe: (make) =>
      [[3], [1, 2, 2, 2, 3], [1, 2, 2, 2, 2, 3]].map((shape) => {
        try {
          return (make().apply(tf.ones(shape)) as tf.Tensor).rank;
        } catch (error) {
          return (error as Error).message.replace(/^.*(not implemented).*$/, '$1');
        }
      }),
    stock: ['not implemented', 'not implemented', 'not implemented'],
    evenkeel: [1, 5, 6],
  },
  'freeze the layer and train': {
    observe: async (make) => {
      const layer = make({ trainable: false, momentum: 0.5, inputShape: [1] });
      const x = tf.tensor2d([[10], [30]]);
      await fitOnce(tf.sequential({ layers: [layer, tf.layers.dense({ units: 1 })] }), x, 0);
      const moved = numbersOf(layer.movingMean);
      const y = layer.apply(x, { training: true }) as tf.Tensor;
      return { moved, y: numbersOf(y).map(Math.round) };
    },
    stock: { moved: [10], y: [-1, 1] },
    evenkeel: { moved: [0], y: [10, 30] },
  },
  'train on masked sequences': {
    observe: async (make) => {
      const layer = make({ momentum: 0 });
      const masking = tf.layers.masking({ maskValue: 9, inputShape: [3, 1] });
      await fitOnce(tf.sequential({ layers: [masking, layer] }), tf.tensor3d(TWO_SEQUENCES), 0);
      return numbersOf(layer.movingMean);
    },
    // Masking writes 0 where it masks: (1 + 3 + 2) / 6.
    stock: [1],
    evenkeel: [2],
  },
  'place a layer with `training: false` in a model': {
    observe: async (make) => {
      const layer = make({ momentum: 0 });
      const inputs = tf.input({ shape: [1] });
      const outputs = layer.apply(inputs, { training: false }) as tf.SymbolicTensor;
      await fitOnce(tf.model({ inputs, outputs }), tf.tensor2d([[10], [30]]), 0);
      return numbersOf(layer.movingMean);
    },
    stock: [20],
    evenkeel: [0],
  },
  'constrain gamma or beta and `fit`': {
    observe: async (make) => {
      const layer = make({ betaConstraint: 'nonNeg', inputShape: [1] });
      await fitOnce(tf.sequential({ layers: [layer] }), tf.tensor2d([[10], [30]]), 1);
      return numbersOf(layer.beta!);
    },
    stock: [-2],
    evenkeel: [0],
  },
  'put an L1 penalty on a beta that is 0': {
    observe: async (make) => {
      const layer = make({ betaRegularizer: tf.regularizers.l1({ l1: 0.5 }), inputShape: [1] });
      await fitOnce(tf.sequential({ layers: [layer] }), tf.tensor2d([[10], [30]]), 0);
      return numbersOf(layer.beta!);
    },
    // A step against a gradient of −1, times 0.5.
    stock: [0.5],
    evenkeel: [0],
  },
  'load a model that has renorm': {
    observe: (_, name) => loadAfter({ renorm: true }, name),
    stock: /has no target variable/,
    evenkeel: 7,
  },
  'load a model that has ghost batches': {
    observe: (_, name) => loadAfter({ virtualBatchSize: 2 }, name),
    stock: /Shape mismatch/,
    evenkeel: 4,
  },
  'train on an empty batch': {
    observe: (make) => {
      const layer = make();
      layer.apply(tf.zeros([0, 2]), { training: true });
      return numbersOf(layer.movingVariance);
    },
    stock: [0.99, 0.99],
    evenkeel: [1, 1],
  },
  'misspell an argument': {
    observe: (make) => make({ momentun: 0.5 } as BatchNormalizationArgs).momentum,
    stock: 0.99,
    evenkeel: /^Unknown argument 'momentun'. Did you mean 'momentum'\?/,
  },
};

/** Rows of the table of what both layers do. */
const rowsOf = (path: string): string[] =>
  readText(path).split('| You do')[1]!.split('\n\n')[0]!.split('\n').slice(2);

test("the site's first page has a row for each of these, and no other", () => {
  const actions = rowsOf('docs/index.md').map((row) => row.split('|')[1]!.trim());
  expect(actions).toEqual(Object.keys(CLAIMS));
});

test('README has some of its rows', () => {
  const cells = (row: string) => row.split('|').map((cell) => cell.trim());
  const rows = rowsOf('README.md').map(cells);
  expect(rows.length).toBeGreaterThanOrEqual(5);
  for (const row of rows) expect(rowsOf('docs/index.md').map(cells)).toContainEqual(row);
});

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  describe.each(Object.entries(CLAIMS))('when you %s,', (_, claim) => {
    test.each(['stock', 'evenkeel'] as const)('%s does what it says', async (name) => {
      expect(await tf.setBackend(backend)).toBe(true);
      const expected = claim[name];
      const observed = Promise.resolve().then(() => claim.observe(LAYERS[name], name));
      if (expected instanceof RegExp) await expect(observed).rejects.toThrow(expected);
      else expect(await observed).toEqual(expected);
    });
  });
});

test('each layer loads what the other saved', async () => {
  // TF.js writes this key into the configurations that it reads.
  const textOf = (model: tf.LayersModel) =>
    (model.toJSON() as string).replaceAll(/"custom_?[oO]bjects":\{\}/g, '');
  const args: BatchNormalizationArgs = { momentum: 0.5, betaInitializer: 'ones', gammaConstraint: 'nonNeg' };
  for (const [from, isForUs] of [
    ['stock', true],
    ['evenkeel', false],
  ] as const) {
    const saved = tf.sequential({ layers: [LAYERS[from]({ ...args, inputShape: [2] })] });
    const undo = isForUs ? registerBatchNormalization() : () => undefined;
    const loaded = await tf.models.modelFromJSON(
      JSON.parse(saved.toJSON() as string) as Parameters<typeof tf.models.modelFromJSON>[0],
    );
    undo();
    expect(loaded.layers[0]).not.toBeInstanceOf(saved.layers[0]!.constructor);
    expect(textOf(loaded)).toBe(textOf(saved));
  }
});
