/** @file What is often wrong around the layer, and what the errors say of it. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import { ValueError, layerBatchNormalization } from 'evenkeel';
import { inspect } from 'evenkeel/tools';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';

beforeAll(() => tf.ready());
afterEach(() => {
  vi.restoreAllMocks();
});

/** TF.js' layers a second time. */
function anotherCopy(): typeof tf {
  const require = createRequire(import.meta.url);
  const path = require.resolve('@tensorflow/tfjs-layers');
  const first = require.cache[path];
  require.cache[path] = undefined;
  try {
    return require(path) as typeof tf;
  } finally {
    require.cache[path] = first;
  }
}

const MESSAGE = /of another copy of TensorFlow\.js than the one that evenkeel imports: have one copy only/;

test('a model, layer or symbolic tensor of another copy of TF.js is named as that', async () => {
  const other = anotherCopy();
  const model = other.sequential({ layers: [other.layers.dense({ units: 2, inputShape: [2] })] });
  for (const object of [model, model.layers[0]!, model.outputs[0]!]) {
    expect(() => layerBatchNormalization(object as tf.SymbolicTensor)).toThrow(MESSAGE);
  }
  expect(() => layerBatchNormalization().apply(model.outputs[0] as tf.SymbolicTensor)).toThrow(MESSAGE);
  await expect(inspect(model as tf.LayersModel)).rejects.toThrow(MESSAGE);
});

test.each([[[[1, 2]]], [Float32Array.of(1, 2)]])('numbers that are no tensor yet: %j', (numbers) => {
  const message = /Make a tensor of the numbers: tf\.tensor\(values\)\.$/;
  expect(() => layerBatchNormalization(numbers as unknown as tf.Tensor)).toThrow(message);
  expect(() => layerBatchNormalization().apply(numbers as unknown as tf.Tensor)).toThrow(message);
});

test('without a backend, the layer says which one to import', () => {
  const layer = layerBatchNormalization();
  const { registryFactory } = tf.engine();
  tf.engine().registryFactory = {};
  try {
    expect(() => {
      layer.build([null, 2]);
    }).toThrow(ValueError);
    expect(() => {
      layer.build([null, 2]);
    }).toThrow(
      /^TensorFlow\.js has no backend to compute on\. Import one, such as '@tensorflow\/tfjs-backend-wasm'/,
    );
  } finally {
    tf.engine().registryFactory = registryFactory;
  }
});
