/** @file Recurrent layers made by hand, and in copies; what they compute, the golden models test. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { kerasLayers, loadKerasModel, registerKerasLayers, saveKerasModel } from 'evenkeel/keras';
import { fold, replaceBatchNormalization } from 'evenkeel/tools';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readArchive } from '../../src/data/archive.js';
import { copyModel } from '../../src/model/copy.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const x = () => tf.randomNormal([2, 4, 3], 0, 1, 'float32', 7);
const valuesOf = (model: tf.LayersModel, input = x()) =>
  [model.predict(input)].flat().flatMap((y) => [...y.dataSync()]);

/** A normalization between recurrent layers. */
function makeModel(): tf.LayersModel {
  const model = tf.sequential();
  const both = kerasLayers.bidirectional({
    layer: kerasLayers.gru({ units: 3, returnSequences: true }),
    backwardLayer: kerasLayers.lstm({ units: 3, returnSequences: true, goBackwards: true }),
    inputShape: [4, 3],
  });
  model.add(both);
  layerBatchNormalization(model);
  model.add(
    kerasLayers.rnn({ cell: [kerasLayers.gruCell({ units: 2 }), kerasLayers.lstmCell({ units: 3 })] }),
  );
  return model;
}

describe('copies have the classes of the original, whatever is registered', () => {
  test.each([
    ['made here', () => Promise.resolve(makeModel())],
    ['loaded', async () => loadKerasModel(await saveKerasModel(makeModel(), null, { for: 'keras3' }))],
  ])('%s', async (_, make) => {
    const model = await make();
    const expected = valuesOf(model);
    expect(valuesOf(copyModel(model).model)).toEqual(expected);
    valuesOf((await fold(model)).model).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
    expect(valuesOf(replaceBatchNormalization(model).model)).toEqual(expected);
    const copied = copyModel(model).model.layers.map((layer) => layer.constructor);
    expect(copied).toEqual(model.layers.map((layer) => layer.constructor));
  });

  test('the name of a class is again the one of TF.js', () => {
    copyModel(makeModel());
    expect(() => tf.layers.bidirectional({ layer: tf.layers.gru({ units: 2 }) })).not.toThrow();
    const stock = tf.layers.bidirectional({ layer: tf.layers.gru({ units: 2 }) });
    expect((stock as unknown as { forwardLayer: object }).forwardLayer.constructor).toBe(
      tf.layers.gru({ units: 2 }).constructor,
    );
  });
});

test("TF.js' own GRU is saved for Keras as one that resets before", async () => {
  const model = tf.sequential({
    layers: [tf.layers.gru({ units: 2, recurrentActivation: 'sigmoid', inputShape: [4, 3] })],
  });
  const bytes = await saveKerasModel(model, null, { for: 'keras3' });
  const files = await readArchive(bytes, ['config.json']);
  expect(new TextDecoder().decode(files.get('config.json'))).toContain('"reset_after":false');
  const loaded = await loadKerasModel(bytes);
  valuesOf(model).forEach((value, i) => {
    expect(valuesOf(loaded)[i]).toBeCloseTo(value, 6);
  });
});

test("states of TF.js' own stacked cells, in the reverse order, are not saved", async () => {
  const cells = [tf.layers.gruCell({ units: 2 }), tf.layers.gruCell({ units: 3 })];
  const input = tf.input({ shape: [4, 3] });
  const outputs = tf.layers.rnn({ cell: cells, returnState: true }).apply(input) as tf.SymbolicTensor[];
  await expect(saveKerasModel(tf.model({ inputs: input, outputs }), null, { for: 'keras3' })).rejects.toThrow(
    /TF\.js' own layer of that name, which gives the states of its cells in the reverse order/,
  );
});

describe('a model saved by TF.js', () => {
  let unregister: () => void;
  beforeEach(() => {
    unregister = registerKerasLayers();
  });
  afterEach(() => {
    unregister();
  });

  test('comes back', async () => {
    const model = makeModel();
    let artifacts: tf.io.ModelArtifacts;
    await model.save({
      save: (saved) => {
        artifacts = saved;
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
      },
    });
    const again = await tf.loadLayersModel({ load: () => Promise.resolve(artifacts) });
    expect(valuesOf(again)).toEqual(valuesOf(model));
  });
});

test.each([0.5, 1])(
  'dropout of %f is nothing in inference, and leaves nothing behind after training',
  async (dropout) => {
    const model = tf.sequential();
    const cell = [
      kerasLayers.gruCell({ units: 3, dropout, recurrentDropout: dropout }),
      kerasLayers.simpleRNNCell({ units: 2 }),
    ];
    model.add(kerasLayers.rnn({ cell, inputShape: [4, 3] }));
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    const before = valuesOf(model);
    await model.trainOnBatch(x(), tf.ones([2, 2]));
    const { numTensors } = tf.memory();
    const target = tf.ones([2, 2]);
    const input = x();
    await model.trainOnBatch(input, target);
    expect(tf.memory().numTensors).toBe(numTensors + 2);
    expect(valuesOf(model)).toEqual(before);
  },
);

describe('a stateful layer', () => {
  const makeStateful = () => {
    const layer = kerasLayers.gru({ units: 2, stateful: true, batchInputShape: [2, 4, 3] });
    return tf.sequential({ layers: [kerasLayers.bidirectional({ layer, batchInputShape: [2, 4, 3] })] });
  };

  test('goes on where it ended, until it is reset', () => {
    const model = makeStateful();
    const first = valuesOf(model);
    expect(valuesOf(model)).not.toEqual(first);
    model.resetStates();
    expect(valuesOf(model)).toEqual(first);
  });

  test('keeps as many tensors, however often it runs, and frees them', () => {
    const { numTensors } = tf.memory();
    const model = makeStateful();
    const input = x();
    tf.dispose(model.predict(input));
    const used = tf.memory().numTensors;
    tf.dispose(model.predict(input));
    expect(tf.memory().numTensors).toBe(used);
    model.dispose();
    input.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('trains', async () => {
    const model = makeStateful();
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const [input, target] = [x(), tf.ones([2, 4])];
    const losses = [];
    for (let step = 0; step < 3; step++) losses.push(await model.trainOnBatch(input, target));
    expect(losses[2]).toBeLessThan(losses[0] as number);
  });

  test('needs to know the size of its batches', () => {
    const layer = kerasLayers.lstm({ units: 2, stateful: true, inputShape: [4, 3] });
    expect(() => tf.sequential({ layers: [layer] })).toThrow(/is stateful and needs to know the size/);
  });

  test('refuses a batch of another size', () => {
    const layer = kerasLayers.lstm({ units: 2, stateful: true });
    layer.apply(tf.zeros([2, 4, 3]));
    expect(() => layer.apply(tf.zeros([3, 4, 3]))).toThrow(
      /is stateful: expected batches of 2, received one of 3/,
    );
  });
});

test.each([
  ['a backward layer of the same direction', { goBackwards: false }, /expected one with goBackwards: true/],
  [
    'one that gives other outputs',
    { goBackwards: true, returnSequences: true },
    /expected one with returnSequences: false/,
  ],
  [
    'one that gives its state besides',
    { goBackwards: true, returnState: true },
    /expected one with returnState: false/,
  ],
])('Bidirectional refuses %s', (_, args, message) => {
  const layer = kerasLayers.gru({ units: 2 });
  const backwardLayer = kerasLayers.gru({ units: 2, ...args });
  expect(() => kerasLayers.bidirectional({ layer, backwardLayer })).toThrow(message);
});

test('the two outputs of a Bidirectional that does not merge them have the mask, its states have none', () => {
  const layer = kerasLayers.gru({ units: 2, returnSequences: true, returnState: true });
  const both = kerasLayers.bidirectional({ layer, mergeMode: null });
  const mask = tf.ones([2, 4], 'bool');
  expect(both.computeMask(x(), mask)).toEqual([mask, mask, null, null]);
});

test('Bidirectional with the steps in front gives what it gives with them behind', () => {
  const timesInFront = (both: tf.layers.Layer, steps: tf.Tensor) =>
    tf.transpose(both.apply(tf.transpose(steps, [1, 0, 2])) as tf.Tensor, [1, 0, 2]);
  const make = (timeMajor: boolean) => {
    const settings = { kernelInitializer: 'ones', recurrentInitializer: 'identity' };
    const layer = kerasLayers.simpleRNN({ units: 2, returnSequences: true, timeMajor, ...settings });
    return kerasLayers.bidirectional({ layer });
  };
  const steps = x();
  expect([...timesInFront(make(true), steps).dataSync()]).toEqual([
    ...(make(false).apply(steps) as tf.Tensor).dataSync(),
  ]);
});

test.each<[string, () => unknown, RegExp]>([
  ['units', () => kerasLayers.gru({ units: 0 }), /units: expected a whole number above 0, received 0/],
  ['a cell', () => kerasLayers.rnn({ cell: 'gru' as never }), /cell: expected a layer, received 'gru'/],
  ['cells', () => kerasLayers.stackedRNNCells({ cells: [] }), /cells: expected one cell or more/],
  ['an activation', () => kerasLayers.lstm({ units: 2, activation: 'no' }), /activation: .*no/],
  ['the rank of an input', () => kerasLayers.gru({ units: 2 }).apply(tf.zeros([2, 3])), /steps and features/],
  [
    'the number of states',
    () => kerasLayers.lstm({ units: 2 }).apply(tf.zeros([2, 4, 3]), { initialState: tf.zeros([2, 2]) }),
    /has 2 states, and was called with 1/,
  ],
])('%s is checked', (_, make, message) => {
  expect(make).toThrow(message);
});

test('a mask of steps holds for images', () => {
  const layer = kerasLayers.convLstm2d({ filters: 2, kernelSize: 2, returnSequences: true });
  const images = tf.randomNormal([2, 3, 4, 4, 1]);
  const mask = tf.tensor2d(
    [
      [1, 0, 1],
      [0, 1, 1],
    ],
    undefined,
    'bool',
  );
  const [one, two] = tf.unstack(layer.apply(images, { mask }) as tf.Tensor);
  const steps = (y: tf.Tensor) => tf.unstack(y).map((step) => [...step.dataSync()]);
  const [first, second] = steps(one!);
  expect(second).toEqual(first);
  expect(steps(two!)[0]!.every((value) => value === 0)).toBe(true);
});
