/** @file What training on several ranks does to a model, and what it refuses: on a group of one rank. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import {
  type Communicator,
  broadcastWeights,
  distributedDataParallel,
  distributedOptimizer,
} from 'evenkeel/distributed';
import { beforeAll, describe, expect, test, vi } from 'vitest';

/** A group of one rank, which counts its sums. */
class Alone implements Communicator {
  readonly rank = 0;
  readonly size = 1;
  sums = 0;

  allReduce(): void {
    this.sums++;
  }
}

const COMPILED = { loss: 'meanSquaredError', metrics: ['mae'] };

const makeSequential = (): tf.LayersModel => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] })] });
  layerBatchNormalization(model, { synchronized: true });
  return model;
};
const makeFunctional = (): tf.LayersModel => {
  const input = tf.input({ shape: [2] });
  const output = tf.layers.dense({ units: 3 }).apply(input) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: layerBatchNormalization(output, { synchronized: true }) });
};
const MODELS = { sequential: makeSequential, functional: makeFunctional };

const batch = (rows = 4) => [tf.randomUniform([rows, 2]), tf.randomUniform([rows, 3])] as const;

beforeAll(() => tf.setBackend('cpu'));

describe.each(Object.entries(MODELS))('a %s model', (_, make) => {
  test('steps send sums, also when it is compiled anew, until undo', async () => {
    const communicator = new Alone();
    const model = make();
    const [x, y] = batch();
    const step = async () => {
      communicator.sums = 0;
      await model.trainOnBatch(x, y);
      return communicator.sums;
    };
    model.compile({ optimizer: 'sgd', ...COMPILED });
    const parallel = distributedDataParallel(model, communicator);
    // Samples, two for gradients, metrics; and a layer alone in its group sends none.
    expect(await step()).toBe(4);

    model.compile({ optimizer: 'adam', ...COMPILED });
    expect(await step()).toBeGreaterThan(4);
    expect(await step()).toBe(4);

    parallel.undo();
    expect(await step()).toBe(0);
    parallel.undo();
    // It may train on several ranks again.
    distributedDataParallel(model, communicator);
    expect(await step()).toBe(4);
  });

  test('undo leaves nothing behind', async () => {
    const model = make();
    const optimizer = tf.train.sgd(0.1);
    model.compile({ optimizer, ...COMPILED });
    const inner = model instanceof tf.Sequential ? (Reflect.get(model, 'model') as tf.LayersModel) : model;
    // TF.js counts steps from the first one on.
    const properties = () =>
      [model, inner, optimizer].map((one) =>
        Object.getOwnPropertyNames(one)
          .filter((name) => name !== 'iterations_')
          .sort(),
      );
    const before = properties();
    const parallel = distributedDataParallel(model, new Alone());
    await model.trainOnBatch(...batch());
    parallel.undo();
    expect(properties()).toEqual(before);
    if (model !== inner)
      expect(Object.getOwnPropertyDescriptor(model, 'model')).toMatchObject({ value: inner });
  });

  test('predict and evaluate send nothing', () => {
    const communicator = new Alone();
    const model = make();
    model.compile({ optimizer: 'sgd', ...COMPILED });
    distributedDataParallel(model, communicator);
    communicator.sums = 0;
    const [x, y] = batch();
    model.predict(x);
    model.evaluate(x, y);
    expect(communicator.sums).toBe(0);
  });

  test('it leaves no tensors', async () => {
    const model = make();
    model.compile({ optimizer: 'adam', ...COMPILED });
    const before = tf.memory().numTensors;
    const parallel = distributedDataParallel(model, new Alone());
    expect(tf.memory().numTensors).toBe(before);
    const [x, y] = batch(8);
    for (let step = 0; step < 2; step++) await model.trainOnBatch(x, y);
    const early = tf.memory().numTensors;
    for (let step = 0; step < 100; step++) await model.trainOnBatch(x, y);
    await model.fit(x, y, { batchSize: 4, validationSplit: 0.5, callbacks: parallel.callbacks });
    expect(tf.memory().numTensors).toBe(early);
    parallel.undo();
    expect(tf.memory().numTensors).toBe(early);
  });

  test('refuses what is not compiled, and what trains on several ranks already', () => {
    const model = make();
    expect(() => distributedDataParallel(model, new Alone())).toThrow(/is not compiled. Call model.compile/);
    model.compile({ optimizer: 'sgd', ...COMPILED });
    distributedDataParallel(model, new Alone());
    expect(() => distributedDataParallel(model, new Alone())).toThrow(/several ranks already. Call undo/);
  });
});

test('a group of one trains as a model alone', async () => {
  const trained = await Promise.all(
    [true, false].map(async (isParallel) => {
      const model = makeSequential();
      model.compile({ optimizer: 'adam', ...COMPILED });
      model.setWeights(model.weights.map((weight, i) => tf.fill(weight.shape as number[], 0.5 + i)));
      if (isParallel) distributedDataParallel(model, new Alone());
      const logs = await model.trainOnBatch(tf.tensor2d([1, 2, 3, 5], [2, 2]), tf.ones([2, 3]));
      return [logs, model.weights.map((weight) => Array.from(weight.read().dataSync()))];
    }),
  );
  expect(trained[0]).toEqual(trained[1]);
});

test('the optimizer stays itself: its class, its settings and its learning rate', async () => {
  const optimizer = tf.train.momentum(0.1, 0.9);
  const model = makeSequential();
  model.compile({ optimizer, ...COMPILED });
  distributedDataParallel(model, new Alone());
  await model.trainOnBatch(...batch());
  expect(model.optimizer).toBe(optimizer);
  expect(optimizer.getConfig()).toEqual({ learningRate: 0.1, momentum: 0.9, useNesterov: false });
  optimizer.setLearningRate(0);
  optimizer.setMomentum(0);
  const before = model.getWeights()[0]!.dataSync();
  await model.trainOnBatch(...batch());
  expect(model.getWeights()[0]!.dataSync()).toEqual(before);
});

test('callbacks of both kinds go together, ours first', async () => {
  const model = makeSequential();
  model.compile({ optimizer: 'sgd', ...COMPILED });
  const { callbacks } = distributedDataParallel(model, new Alone());
  const joint = vi.spyOn(callbacks, 'onEpochEnd');
  const epochs: number[] = [];
  const own: tf.CustomCallbackArgs = {
    onEpochEnd() {
      epochs.push(joint.mock.calls.length);
    },
  };
  const early = tf.callbacks.earlyStopping({ monitor: 'loss', minDelta: 1e6 });
  const list = [own, early, callbacks];
  await model.fit(...batch(), { epochs: 5, callbacks: list });
  expect(epochs).toEqual([1, 2]);
});

test('what callbacks evaluate is no validation', async () => {
  const model = makeSequential();
  model.compile({ optimizer: 'sgd', ...COMPILED });
  const { callbacks } = distributedDataParallel(model, new Alone());
  const evaluate: tf.CustomCallbackArgs = {
    onBatchEnd() {
      tf.dispose(model.evaluate(...batch()));
    },
  };
  const { history } = await model.fit(...batch(), { callbacks: [callbacks, evaluate] });
  expect(Object.keys(history)).toEqual(['loss', 'mae']);
});

test('distributedOptimizer gives the same object, once', () => {
  const [optimizer, communicator] = [tf.train.sgd(0.1), new Alone()];
  expect(distributedOptimizer(optimizer, communicator)).toBe(optimizer);
  expect(distributedOptimizer(optimizer, communicator)).toBe(optimizer);
  const weight = tf.variable(tf.scalar(1));
  communicator.sums = 0;
  optimizer.minimize(() => tf.square(weight), false, [weight]);
  expect(communicator.sums).toBe(2);
  expect(() => distributedOptimizer(optimizer, new Alone())).toThrow(/another communicator already/);
});

test('distributedOptimizer keeps to each weight its momentum where another has no gradient', () => {
  const train = (optimizer: tf.Optimizer) => {
    const variables = [1, 2].map((value) => tf.variable(tf.scalar(value)));
    for (const gradients of [
      [1, 8],
      [null, 2],
    ]) {
      optimizer.applyGradients(
        variables.map(({ name }, i) => {
          const gradient = gradients[i] ?? null;
          return { name, tensor: (gradient === null ? null : tf.scalar(gradient)) as tf.Tensor };
        }),
      );
    }
    return variables.map((variable) => variable.dataSync()[0]);
  };
  // Momenta of 1, and of 8 · 0.5 + 2 in the second step.
  const expected = [1 - 0.5, 2 - 0.5 * (8 + 6)];
  expect(train(tf.train.momentum(0.5, 0.5))).toEqual(expected);
  expect(train(distributedOptimizer(tf.train.momentum(0.5, 0.5), new Alone()))).toEqual(expected);
});

test('a model may have a distributed optimizer, of the same communicator', async () => {
  const communicator = new Alone();
  const model = makeSequential();
  model.compile({ optimizer: distributedOptimizer(tf.train.sgd(0.1), communicator), ...COMPILED });
  expect(() => distributedDataParallel(model, new Alone())).toThrow(/its optimizer has another communicator/);
  distributedDataParallel(model, communicator);
  communicator.sums = 0;
  await model.trainOnBatch(...batch());
  expect(communicator.sums).toBe(4);
});

describe('refusals', () => {
  const compiled = () => {
    const model = makeSequential();
    model.compile({ optimizer: 'sgd', ...COMPILED });
    return model;
  };

  test.each([
    ['a promise', Promise.resolve(new Alone())],
    ['nothing', undefined],
  ])('%s for a communicator', (_, communicator) => {
    const call = () => distributedDataParallel(compiled(), communicator as unknown as Communicator);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(/has no allReduce.* which gives a promise/);
  });

  test('what is no model or no optimizer', () => {
    const model = {} as unknown as tf.LayersModel;
    expect(() => distributedDataParallel(model, new Alone())).toThrow(TypeError);
    expect(() => {
      broadcastWeights(model, new Alone());
    }).toThrow(TypeError);
    expect(() => distributedOptimizer('adam' as unknown as tf.Optimizer, new Alone())).toThrow(
      /expected an optimizer, such as tf.train.adam\(\), received 'adam'/,
    );
  });

  test.each([-1, 1, 0.5])('%d for a root', (root) => {
    expect(() => {
      broadcastWeights(compiled(), new Alone(), root);
    }).toThrow(/root: .*a rank, from 0 to 0/);
  });

  test('the backend webgpu', async () => {
    tf.registerBackend('webgpu', tf.findBackendFactory('cpu'));
    await tf.setBackend('webgpu');
    try {
      expect(() => distributedDataParallel(makeSequential(), new Alone())).toThrow(/'webgpu' cannot train/);
      expect(() => distributedOptimizer(tf.train.sgd(0.1), new Alone())).toThrow(/tf.setBackend\('wasm'\)/);
    } finally {
      await tf.setBackend('cpu');
      tf.removeBackend('webgpu');
    }
  });
});
