/** @file Operations of a graph: those that are refused, those of no golden model, and what becomes of them here. */
import * as tf from '@tensorflow/tfjs';
import { ValueError } from 'evenkeel';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readArchive, writeArchive } from '../../src/data/archive.js';
import { OPERATION_NAMES, operationEntry } from '../../src/keras/operations/table.js';
import { MODELS, TOLERANCE, inputsOf, modelNamed, predictionError, readModel } from './golden.js';
import { savedByTensorFlow } from './saved-by-tensorflow.js';

vi.spyOn(console, 'warn').mockImplementation(() => undefined);

beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

const NAMES = ['config.json', 'metadata.json', 'model.weights.h5'];

/** A golden `.keras` file whose configuration was changed as text. */
async function changed(file: string, change: (config: string) => string): Promise<Uint8Array> {
  const files = new Map(await readArchive(readModel(modelNamed(file)), NAMES));
  const config = change(new TextDecoder().decode(files.get('config.json')));
  return writeArchive(files.set('config.json', new TextEncoder().encode(config)));
}

/** A model of one operation. */
function modelOf(
  operation: string,
  parameters: Parameters<typeof kerasLayers.operation>[0]['parameters'],
  shape: (number | null)[] = [4],
): tf.LayersModel {
  const input = tf.input({ shape });
  const outputs = kerasLayers.operation({ operation, parameters, name: 'it' }).apply(input);
  return tf.model({ inputs: input, outputs: outputs as tf.SymbolicTensor | tf.SymbolicTensor[] });
}

const X = { tensor: 0 };

describe('an operation is refused', () => {
  test.each([
    [
      'tf-keras-op-arithmetic.keras',
      '"function": "math.pow"',
      '"function": "raw_ops.PyFunc"',
      "'tf.raw_ops.PyFunc'",
    ],
    [
      'tf-keras-op-arithmetic.keras',
      '"function": "math.pow"',
      '"function": "constructor"',
      "'tf.constructor'",
    ],
    [
      'tf-keras-op-slices.keras',
      '"class_name": "SlicingOpLambda"',
      '"class_name": "InstanceProperty"',
      "'InstanceProperty'",
    ],
    ['keras3-ops-arithmetic.keras', '"class_name": "Power"', '"class_name": "Eigh"', "'Eigh'"],
    ['keras3-ops-arithmetic.keras', '"class_name": "Power"', '"class_name": "__proto__"', "'__proto__'"],
  ])('by its name: %s, %s as %s', async (file, from, to, name) => {
    const bytes = await changed(file, (config) => config.replaceAll(from, to));
    await expect(loadKerasModel(bytes)).rejects.toThrow(
      new RegExp(
        `it is the operation ${name}, which is not among those that are known here\\. Compute it before`,
      ),
    );
  });

  test.each([
    [
      'tf-keras-op-arithmetic.keras',
      /"y": 127\.5/,
      '"y": "all"',
      /the 'y' of 'divide': expected a tensor, a number/,
    ],
    [
      'tf-keras-op-arithmetic.keras',
      /"y": 127\.5/,
      '"y": 127.5, "code": 1',
      /its code is 1, which is not here/,
    ],
    ['tf-keras-op-arithmetic.keras', /, \{"y": 127\.5[^}]*\}/, '', /'divide' lacks its 'y'/],
    [
      'tf-keras-op-slices.keras',
      /"step": 2/,
      '"step": 0',
      /the 'indices' of 'get_item': expected integers and slices/,
    ],
    [
      'keras3-ops-reductions.keras',
      /"axis": 1,/,
      '"axis": [[1]],',
      /the 'axis' of '\w+': expected an integer/,
    ],
    [
      'keras3-ops-reductions.keras',
      /"axis": 1,/,
      `"axis": ${'['.repeat(12)}1${']'.repeat(12)},`,
      /nested too deeply/,
    ],
    [
      'keras3-ops-arrangement.keras',
      /"newshape": \[-1, 10, 2\]/,
      '"newshape": [null, -1]',
      /None among the sizes/,
    ],
    [
      'keras3-ops-arrangement.keras',
      /"newshape": \[-1, 10, 2\]/,
      '"newshape": [-1, -1]',
      /more than one size open/,
    ],
    ['keras3-ops-arrangement.keras', /"axes": \[0, 2, 1\]/, '"axes": [0, 2]', /is no order of 3 dimensions/],
  ])('with arguments that cannot be: %s, %s', async (file, from, to, message) => {
    const bytes = await changed(file, (config) => config.replace(from, to));
    const error: unknown = await loadKerasModel(bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ValueError);
    expect((error as ValueError).message).toMatch(message);
  });

  test('that does not exist, where a model is built by hand', () => {
    expect(() => modelOf('hasOwnProperty', { x: X })).toThrow(/operation: there is no 'hasOwnProperty'/);
    expect(() => modelOf('add', { x: X, z: 1 })).toThrow(/'add' has no 'z'; it has x, y/);
    expect(() => modelOf('add', { x: X, y: { tensor: 1 } })).toThrow(
      /'it' \(add\): it takes 2 inputs, received 1/,
    );
  });
});

describe('nothing is allocated', () => {
  test.each([
    ['tile', { x: X, repeats: [1, 1e9] }],
    ['repeat', { x: X, repeats: 1e9, axis: 1 }],
    ['repeat', { x: X, repeats: [1e9, 1e9, 1e9, 1e9], axis: 1 }],
    ['pad', { x: X, padding: [[0, 0], [0, 1e9]] }], // prettier-ignore
    ['one_hot', { x: X, depth: 1e9 }],
    ['broadcast_to', { x: X, shape: [1e9, 2, 4] }],
  ])('of a size that no memory holds: %s', (operation, parameters) => {
    const model = modelOf(operation, parameters);
    expect(() => model.predict(tf.ones([2, 4]))).toThrow(
      /'it' \(\w+\) would make a tensor of shape .*too large/,
    );
  });

  test('of more tensors than there are values', () => {
    expect(() => modelOf('split', { x: X, parts: 1e9, axis: 1 })).toThrow(
      /4 cannot be split into 1000000000 parts/,
    );
    expect(() => modelOf('unstack', { x: X, axis: 1, num: 1e9 }, [null])).toThrow(/cannot be split/);
  });
});

const OPERATIONS = MODELS.filter(({ group, file }) => group === 'operations' && file.endsWith('.keras'));

describe.each(OPERATIONS)('$file', (golden) => {
  test('comes back from model.save, by loadKerasModel and by TF.js', async () => {
    const files = await savedByTensorFlow(await loadKerasModel(readModel(golden)));
    expect(predictionError(await loadKerasModel(files), golden)).toBeLessThanOrEqual(TOLERANCE);
    const { modelTopology } = JSON.parse(new TextDecoder().decode(files[0]!.bytes)) as {
      modelTopology: tf.io.ModelJSON['modelTopology'];
    };
    await expect(tf.models.modelFromJSON({ modelTopology })).resolves.toBeInstanceOf(tf.LayersModel);
  });

  test('predicts without leaving tensors behind', async () => {
    const model = await loadKerasModel(readModel(golden));
    const inputs = inputsOf(golden);
    const before = tf.memory().numTensors;
    tf.dispose(model.predict(inputs.length === 1 ? inputs[0]! : inputs));
    expect(tf.memory().numTensors).toBe(before);
  });
});

// Keras 3 names no modules in HDF5, where `Add` may be either.
test.each(OPERATIONS.filter(({ file }) => file.startsWith('keras3')))(
  '$file: operations are told from layers without the names of modules',
  async (golden) => {
    const bytes = await changed(golden.file, (config) =>
      JSON.stringify(JSON.parse(config.replaceAll('-Infinity', '-1e999')), (key, value: unknown) =>
        key === 'module' || key === 'registered_name' ? undefined : value === -Infinity ? -3e38 : value,
      ),
    );
    expect(predictionError(await loadKerasModel(bytes), golden)).toBeLessThanOrEqual(TOLERANCE);
  },
);

test('shapes are those that are computed, as far as they are known', async () => {
  for (const golden of OPERATIONS) {
    const model = await loadKerasModel(readModel(golden));
    for (const layer of model.layers.filter((one) => one.getClassName() === 'Operation')) {
      const symbolic = [layer.output].flat();
      const inner = tf.model({ inputs: model.inputs, outputs: symbolic });
      const inputs = inputsOf(golden);
      const computed = [inner.apply(inputs.length === 1 ? inputs[0]! : inputs)].flat() as tf.Tensor[];
      const operation = layer.getConfig().operation as string;
      computed.forEach(({ shape, dtype }, i) => {
        expect(shape.length, operation).toBe(symbolic[i]!.shape.length);
        expect(dtype, operation).toBe(symbolic[i]!.dtype);
        symbolic[i]!.shape.forEach((size, d) => {
          if (size !== null) expect(size, operation).toBe(shape[d]);
        });
      });
    }
  }
});

// As TensorFlow has them, where TF.js has others.
test.each([
  ['max', { axis: -1 }, [1, 1, 0, 1, 2, 3], [1 / 2, 1 / 2, 0, 0, 0, 1]],
  ['min', { axis: -1 }, [1, 1, 2, 0, 0, 0], [1 / 2, 1 / 2, 0, 1 / 3, 1 / 3, 1 / 3]],
  ['absolute', {}, [-2, 0, 3, 1, -1, 0], [-1, 0, 1, 1, -1, 0]],
  ['floor_divide', { y: 2 }, [5, -3, 1, 4, 0, 7], [0, 0, 0, 0, 0, 0]],
  ['cast', { dtype: 'int32' }, [5, -3, 1, 4, 0, 7], [0, 0, 0, 0, 0, 0]],
  ['selu', {}, [0, 1, 2, 3, 4, 5], Array<number>(6).fill(1.0507009873554805)],
] as const)('the gradient of %s %j', (operation, parameters, values, gradient) => {
  const layer = kerasLayers.operation({ operation, parameters: { x: X, ...parameters } });
  const x = tf.tensor2d([...values], [2, 3]);
  const sumOf = (input: tf.Tensor) => tf.sum(tf.cast(layer.apply(input) as tf.Tensor, 'float32')).asScalar();
  expect([...tf.grad(sumOf)(x).dataSync()]).toEqual(
    gradient.map((value) => expect.closeTo(value, 6) as number),
  );
});

test('whole numbers stay whole, and large ones are divided as real ones', () => {
  const of = (operation: string, parameters: object, x: tf.Tensor) =>
    kerasLayers.operation({ operation, parameters: { x: X, ...parameters } }).apply(x) as tf.Tensor;
  const whole = of('multiply', { y: 2 }, tf.tensor1d([1, 2], 'int32'));
  expect([whole.dtype, ...whole.dataSync()]).toEqual(['int32', 2, 4]);
  expect([...of('divide', { y: 2 }, tf.tensor1d([1, 2], 'int32')).dataSync()]).toEqual([0.5, 1]);
  expect([...of('floor_divide', { y: 2 }, tf.tensor1d([1e12, -3])).dataSync()]).toEqual(
    [5e11, -2].map(Math.fround),
  );
});

test('a name says which operation is meant, however TensorFlow wrote it', async () => {
  const golden = modelNamed('tf-keras-op-scaled.keras');
  for (const name of ['tf.math.truediv', 'truediv', 'math.divide', 'divide', 'realdiv']) {
    const bytes = await changed(golden.file, (config) => config.replaceAll('"math.truediv"', `"${name}"`));
    expect(predictionError(await loadKerasModel(bytes), golden)).toBeLessThanOrEqual(TOLERANCE);
  }
  // In TensorFlow 1 these had other pixels, and other conditions.
  for (const name of ['compat.v1.image.resize', 'compat.v1.where', 'strings.split', 'random.normal']) {
    const bytes = await changed(golden.file, (config) => config.replaceAll('"math.truediv"', `"${name}"`));
    await expect(loadKerasModel(bytes)).rejects.toThrow(`'tf.${name}', which is not among those`);
  }
});

test('what only one Keras has is not saved for the other', async () => {
  const model = modelOf('squared_difference', { x: X, y: 1 });
  await expect(saveKerasModel(model, null, { for: 'keras3' })).rejects.toThrow(
    /Layer 'it' \(the operation 'squared_difference'\) cannot be saved: Keras 3 has no such operation\. Save for: 'tf-keras'/,
  );
  await expect(saveKerasModel(modelOf('hard_silu', { x: X }), null, { for: 'tf-keras' })).rejects.toThrow(
    /TensorFlow has no such function\. Save for: 'keras3'/,
  );
  await expect(
    saveKerasModel(modelOf('cumsum', { x: X, axis: 1, reverse: true }), null, { for: 'keras3' }),
  ).rejects.toThrow(/its reverse is true, and Keras has no such argument/);
  const chain = tf.sequential({
    layers: [kerasLayers.operation({ operation: 'add', parameters: { x: X, y: 1 }, inputShape: [3] })],
  });
  await expect(saveKerasModel(chain, null, { for: 'keras3' })).rejects.toThrow(/functional models alone/);
});

test('every operation can be told by what some Keras calls it', () => {
  const names = OPERATION_NAMES.map((name) => operationEntry(name)!);
  expect(names.every(({ tfKeras, keras3 }) => tfKeras !== undefined || keras3 !== undefined)).toBe(true);
});
