/** @file Every refusal of the layer, by its whole message: what came, what is accepted, how to mend it. */
import * as tf from '@tensorflow/tfjs';
import {
  BatchNormalization,
  type BatchNormalizationArgs,
  type CallArguments,
  ValueError,
  layerBatchNormalization,
} from 'evenkeel';
import { saveKerasModel } from 'evenkeel/keras';
import { fold, freeze, inspect, recalibrate, replaceBatchNormalization, unfreeze } from 'evenkeel/tools';
import { describe, expect, test } from 'vitest';
import { ACCEPTED_OPTIONS, REFUSED_OPTIONS } from '../core/refused-options.js';

const make = (args: Record<string, unknown>) => () => new BatchNormalization(args);
const built = (args: BatchNormalizationArgs, shape: (number | null)[]) => {
  const layer = new BatchNormalization({ name: 'bn', ...args });
  layer.build(shape);
  return layer;
};
const build = (args: BatchNormalizationArgs, shape: (number | null)[]) => () => built(args, shape);

/** Calls a layer that is built with arguments of any kind, as a JavaScript program may. */
const call = (args: unknown) => () => built({}, [null, 4]).apply(tf.zeros([2, 4]), args as CallArguments);
const KNOWN_IN_CALLS = 'Known are training, mask, updateMovingStatistics.';

const KNOWN =
  'axis, momentum, epsilon, center, scale, renorm, renormClipping, renormMomentum, fused, virtualBatchSize, ' +
  'betaInitializer, gammaInitializer, movingMeanInitializer, movingVarianceInitializer, betaRegularizer, ' +
  'gammaRegularizer, betaConstraint, gammaConstraint, adjustment, synchronized, inputShape, batchInputShape, batchSize, ' +
  'dtype, name, trainable, weights';

const WHERE_FUSED = 'fused: true needs axis 1 or 3 of rank 4, or axis 1 or 4 of rank 5, received';

/** What is tried, the error's name, the whole message. */
const REFUSALS: Record<string, [() => unknown, 'TypeError' | 'ValueError', string]> = {
  'an unknown argument': [
    make({ momentun: 0.9 }),
    'TypeError',
    `Unknown argument 'momentun'. Did you mean 'momentum'? Known are ${KNOWN}.`,
  ],
  'an argument spelled as in Python': [
    make({ renorm_momentum: 0.9 }),
    'TypeError',
    `Unknown argument 'renorm_momentum'. Did you mean 'renormMomentum'? Known are ${KNOWN}.`,
  ],
  'an axis that is not there': [
    build({ axis: 3 }, [null, 4]),
    'ValueError',
    'axis: [3] does not exist in an input of shape [null, 4]. Choose from -2 to 1, each once.',
  ],
  'an axis named twice': [
    build({ axis: [1, -1] }, [null, 4]),
    'ValueError',
    'axis: [1, -1] names a dimension twice in an input of shape [null, 4]. Choose from -2 to 1, each once.',
  ],
  'an axis of unknown size': [
    build({}, [null, 4, null]),
    'ValueError',
    'Axis [2] of the input must have a known size, since each of its elements has parameters of its own. ' +
      'Received an input of shape [null, 4, null]. Give that dimension in inputShape.',
  ],
  'an unknown initializer': [
    make({ gammaInitializer: 'nope' }),
    'ValueError',
    "gammaInitializer: unknown initializer 'nope'. Give one of TF.js' or Keras' names ('zeros', 'ones', " +
      "'randomNormal', 'heNormal', ...), its configuration, an object, or register your class with " +
      'tf.serialization.registerClass first.',
  ],
  'an unknown regularizer': [
    make({ betaRegularizer: { className: 'L3', config: {} } }),
    'ValueError',
    "betaRegularizer: unknown regularizer 'L3'. Give one of TF.js' or Keras' names ('l1', 'l2', 'l1l2', ...), its " +
      'configuration, an object, or register your class with tf.serialization.registerClass first.',
  ],
  'a layer as a regularizer': [
    make({ betaRegularizer: 'Dense' }),
    'ValueError',
    "betaRegularizer: unknown regularizer 'Dense'. Give one of TF.js' or Keras' names ('l1', 'l2', 'l1l2', ...), " +
      'its configuration, an object, or register your class with tf.serialization.registerClass first.',
  ],
  'a constraint that is a number': [
    make({ gammaConstraint: 2 }),
    'ValueError',
    "gammaConstraint: expected a name ('nonNeg', 'maxNorm', 'unitNorm', 'minMaxNorm', ...), a configuration " +
      '({ className, config }) or a TF.js constraint, received 2.',
  ],
  'fused with an adjustment': [
    make({ fused: true, adjustment: () => [1, 0] }),
    'ValueError',
    'fused: true cannot be combined with an adjustment, as in Keras. Leave one of them out.',
  ],
  'synchronized that is no switch': [
    make({ synchronized: 'yes' }),
    'TypeError',
    "synchronized: expected true or false, received 'yes'.",
  ],
  'synchronized with fused': [
    make({ synchronized: true, fused: true }),
    'ValueError',
    'synchronized: true cannot be combined with fused: true, as in Keras. Leave one of them out.',
  ],
  'synchronized with ghost batches': [
    make({ synchronized: true, virtualBatchSize: 4 }),
    'ValueError',
    'synchronized: true cannot be combined with virtualBatchSize: 4, whose moments are those of a part of the batch. ' +
      'Leave one of them out.',
  ],
  'fused on rank 3': [
    build({ fused: true }, [null, 4, 4]),
    'ValueError',
    `${WHERE_FUSED} axis [-1] of an input of shape [null, 4, 4]. Use fused: null or false.`,
  ],
  'fused on axis -4 of rank 4': [
    build({ fused: true, axis: -4 }, [3, 2, 2, 2]),
    'ValueError',
    `${WHERE_FUSED} axis [-4] of an input of shape [3, 2, 2, 2]. Use fused: null or false.`,
  ],
  'ghost batches with an adjustment': [
    make({ virtualBatchSize: 2, adjustment: () => [1, 0] }),
    'ValueError',
    'virtualBatchSize cannot be combined with an adjustment, as in Keras. Leave one of them out.',
  ],
  'ghost batches along the batch': [
    build({ virtualBatchSize: 2, axis: 0 }, [4, 4]),
    'ValueError',
    'virtualBatchSize cannot be combined with axis [0], which includes the batch, as in Keras. ' +
      'Leave one of them out.',
  ],
  'an adjustment that is no function': [
    make({ adjustment: [1, 0] }),
    'TypeError',
    "adjustment: expected a function from the input's shape to [scale, bias], received [1, 0].",
  ],
  'an input shape that is a number': [
    make({ inputShape: 4 }),
    'TypeError',
    'inputShape: expected an array of dimensions, null for a free one, received 4.',
  ],
  'an input shape with a dimension below zero': [
    make({ inputShape: [4, -1] }),
    'ValueError',
    'inputShape: expected an array of dimensions, null for a free one, received [4, -1].',
  ],
  'an input shape with a word': [
    make({ inputShape: ['4'] }),
    'TypeError',
    "inputShape: expected an array of dimensions, null for a free one, received ['4'].",
  ],
  'a batch size of nothing': [
    make({ batchSize: 0 }),
    'ValueError',
    'batchSize: expected a positive integer, received 0.',
  ],
  'a batch size in words': [
    make({ batchSize: '4' }),
    'TypeError',
    "batchSize: expected a positive integer, received '4'.",
  ],
  'a tensor as a clipping': [
    make({ renormClipping: tf.scalar(3) }),
    'TypeError',
    'renormClipping: expected an object such as { rmax: 3, rmin: 0.3, dmax: 5 }, received a tensor of shape [].',
  ],
  'a limit of several numbers': [
    make({ renormClipping: { rmax: tf.ones([2]) } }),
    'TypeError',
    'renormClipping.rmax: expected a number no less than rmin, which is 0, received a tensor of shape [2].',
  ],
  'half precision': [
    make({ dtype: 'float16' }),
    'ValueError',
    "dtype: 'float16' does not exist in TF.js, which computes in float32. Use 'float32'.",
  ],
  'double precision': [
    make({ dtype: 'float64' }),
    'ValueError',
    "dtype: 'float64' does not exist in TF.js, which computes in float32. Use 'float32', or 'evenkeel/core' for " +
      'double precision.',
  ],
  'an unknown type': [
    make({ dtype: 'string' }),
    'ValueError',
    "dtype: expected 'float32', 'int32' or 'bool', received 'string'.",
  ],
  'a name that is a number': [make({ name: 7 }), 'TypeError', 'name: expected a string, received 7.'],
  'weights that are no list': [
    make({ weights: 1 }),
    'TypeError',
    "weights: expected an array with one tensor, typed array or array of numbers per weight, in Keras' order, " +
      'received 1.',
  ],
  'too few weights': [
    build({ weights: [[1, 2]] }, [null, 2]),
    'ValueError',
    'weights: expected 4 (gamma [2], beta [2], moving_mean [2], moving_variance [2]), received 1.',
  ],
  'a weight of the wrong size': [
    build({ scale: false, weights: [[1, 2], new Float32Array(3), [1, 1]] }, [null, 2]),
    'ValueError',
    'weights: moving_mean has shape [2], received values of shape [3]. ' +
      'Expected are beta [2], moving_mean [2], moving_variance [2].',
  ],
  'a weight that is a word': [
    build({ center: false, scale: false, weights: [['a', 'b'] as never, [1, 1]] }, [null, 2]),
    'ValueError',
    "weights: moving_mean has shape [2], received ['a', 'b']. Expected are moving_mean [2], moving_variance [2].",
  ],
  'a weight of which the rows differ in length': [
    build({ axis: [1, 2], weights: [[[[1, 2], [3]]], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]] }, [
      null,
      2,
      2,
    ]),
    'ValueError',
    'weights: gamma has shape [1, 2, 2], received [[[1, 2], [3]]]. Expected are gamma [1, 2, 2], beta [1, 2, 2], ' +
      'moving_mean [1, 2, 2], moving_variance [1, 2, 2].',
  ],
  'building twice': [
    () => {
      built({}, [null, 3]).build([null, 4]);
    },
    'ValueError',
    "Layer 'bn' is built already. Make a new layer for other inputs.",
  ],
  'setting weights of the wrong shape': [
    () => {
      built({ center: false, scale: false }, [null, 3]).setWeights([tf.ones([3]), tf.ones([2])]);
    },
    'ValueError',
    "Layer 'bn': expected 2 weights (moving_mean [3], moving_variance [3]), received 2 ([3], [2]).",
  ],
  'setting weights before there are any': [
    () => {
      new BatchNormalization({ name: 'bn' }).setWeights([tf.ones([3])]);
    },
    'ValueError',
    "Layer 'bn' has no weights yet. Call build with the input's shape, or apply the layer, first.",
  ],
  'an input of another rank': [
    () => built({}, [null, 4]).apply(tf.zeros([2, 3, 4])),
    'ValueError',
    "Layer 'bn' was built for inputs of rank 2, received one of rank 3, shape [2, 3, 4]. " +
      'Reshape the input, or make a new layer.',
  ],
  'an input with other channels': [
    () => built({}, [null, 4]).apply(tf.zeros([2, 5])),
    'ValueError',
    "Layer 'bn' was built for 4 channels along axis 1, received an input of shape [2, 5]. " +
      "Check the input's layout against the argument axis (-1).",
  ],
  'a symbolic input with other channels': [
    () => built({}, [null, 4]).apply(tf.input({ shape: [5] })),
    'ValueError',
    "Layer 'bn' was built for 4 channels along axis 1, received an input of shape [null, 5]. " +
      "Check the input's layout against the argument axis (-1).",
  ],
  'two inputs': [
    () => built({}, [null, 4]).apply([tf.zeros([2, 4]), tf.zeros([2, 4])]),
    'ValueError',
    "Layer 'bn': expected one tensor or symbolic tensor, received [a tensor of shape [2, 4], a tensor of shape " +
      "[2, 4]]. A model's output is in its property outputs, a layer's in output.",
  ],
  'numbers as an input': [
    () => built({}, [null, 2]).apply([[1, 2]] as never),
    'ValueError',
    "Layer 'bn': expected one tensor or symbolic tensor, received [[1, 2]]. " +
      'Make a tensor of the numbers: tf.tensor(values).',
  ],
  'a batch that ghost batches do not divide': [
    () => built({ virtualBatchSize: 3 }, [null, 4]).apply(tf.zeros([8, 4]), { training: true }),
    'ValueError',
    "Layer 'bn': virtualBatchSize 3 does not divide the batch of 8. " +
      "Drop the last incomplete batch, or choose a divisor of every batch's size. Inference takes any number.",
  ],
  'ghost batches with a mask': [
    () =>
      built({ virtualBatchSize: 2 }, [null, 5, 4]).apply(tf.zeros([4, 5, 4]), {
        training: true,
        mask: tf.ones([4, 5], 'bool'),
      }),
    'ValueError',
    "Layer 'bn': a mask cannot be combined with virtualBatchSize, as in Keras. Leave one of them out.",
  ],
  'a mask of the wrong rank': [
    () => built({}, [null, 5, 4]).apply(tf.zeros([4, 5, 4]), { training: true, mask: tf.ones([4]) }),
    'ValueError',
    "mask: expected the input's shape without its last axis, [4, 5] or 1 where it is broadcast, received [4] for an " +
      'input of shape [4, 5, 4].',
  ],
  'a mask that is an array': [
    () => built({}, [null, 4]).apply(tf.zeros([2, 4]), { training: true, mask: [1, 0] as never }),
    'TypeError',
    'mask: expected a tensor of numbers or booleans, received [1, 0].',
  ],
  'a mask that is an array, in inference too': [
    () => built({}, [null, 4]).apply(tf.zeros([2, 4]), { mask: [1, 0] as never }),
    'TypeError',
    'mask: expected a tensor of numbers or booleans, received [1, 0].',
  ],
  'a mask for a symbolic tensor': [
    () => built({}, [null, 4]).apply(tf.input({ shape: [4] }), { mask: tf.ones([2]) }),
    'ValueError',
    'mask: in a model the mask comes through the graph, from tf.layers.masking or from an embedding with maskZero. ' +
      'Leave the argument out.',
  ],
  'a misspelt call argument': [
    call({ Training: true }),
    'TypeError',
    `Unknown call argument 'Training'. Did you mean 'training'? ${KNOWN_IN_CALLS}`,
  ],
  'a misspelt call argument on a symbolic tensor': [
    () => built({}, [null, 4]).apply(tf.input({ shape: [4] }), { traning: true } as CallArguments),
    'TypeError',
    `Unknown call argument 'traning'. Did you mean 'training'? ${KNOWN_IN_CALLS}`,
  ],
  'a call argument spelled as in Python': [
    call({ update_moving_statistics: false }),
    'TypeError',
    `Unknown call argument 'update_moving_statistics'. Did you mean 'updateMovingStatistics'? ${KNOWN_IN_CALLS}`,
  ],
  'a call argument of TensorFlow 1': [
    call({ is_training: true }),
    'TypeError',
    `Unknown call argument 'is_training'. Here it is 'training'. ${KNOWN_IN_CALLS}`,
  ],
  'a call argument like no other': [
    call({ x: 1 }),
    'TypeError',
    `Unknown call argument 'x'. ${KNOWN_IN_CALLS}`,
  ],
  'a boolean in place of call arguments': [
    call(true),
    'TypeError',
    'The call arguments: expected an object with any of training, mask, updateMovingStatistics, received true.',
  ],
  'a mask in place of call arguments': [
    call(tf.ones([2])),
    'TypeError',
    'The call arguments: expected an object with any of training, mask, updateMovingStatistics, ' +
      'received a tensor of shape [2].',
  ],
  'training in words': [
    call({ training: 'yes' }),
    'TypeError',
    "training: expected true or false, received 'yes'.",
  ],
  'training by halves': [
    call({ training: 0.5 }),
    'TypeError',
    'training: expected true or false, received 0.5.',
  ],
  'statistics in words': [
    call({ updateMovingStatistics: 'no' }),
    'TypeError',
    "updateMovingStatistics: expected true or false, received 'no'.",
  ],
  'an adjustment that returns one thing': [
    () => built({ adjustment: () => [1] as never }, [null, 4]).apply(tf.zeros([2, 4]), { training: true }),
    'ValueError',
    'adjustment: expected it to return [scale, bias], it returned [1].',
  ],
  'an adjustment that returns a string': [
    () =>
      built({ adjustment: () => [1, '0' as never] }, [null, 4]).apply(tf.zeros([2, 4]), { training: true }),
    'ValueError',
    "adjustment: bias must be a tensor or a number, received '0'.",
  ],
  'an adjustment of another shape': [
    () =>
      built({ adjustment: () => [tf.ones([3]), 0] }, [null, 4]).apply(tf.zeros([2, 4]), { training: true }),
    'ValueError',
    "adjustment: scale of shape [3] cannot be broadcast to the input's [2, 4]. " +
      "Align its dimensions with the input's last ones, 1 where it is broadcast.",
  ],
  'an object that is a number': [
    () => layerBatchNormalization(42 as never, {}),
    'ValueError',
    'layerBatchNormalization: expected a tf.Sequential, a tensor, a symbolic tensor, a layer or model with one ' +
      'output, or null for the layer itself, received 42.',
  ],
  'arguments given twice': [
    () => layerBatchNormalization({ axis: 1 } as never, { axis: 2 }),
    'ValueError',
    'layerBatchNormalization: expected a tf.Sequential, a tensor, a symbolic tensor, a layer or model with one ' +
      'output, or null for the layer itself, received { axis: 1 }.',
  ],
  'a first layer that does not know its input': [
    () => layerBatchNormalization(tf.sequential(), {}),
    'ValueError',
    'layerBatchNormalization: the first layer of a model must know its input. ' +
      'Give inputShape (without the batch) or batchInputShape.',
  ],
  'a layer that was applied to nothing': [
    () => layerBatchNormalization(tf.layers.dense({ units: 3, name: 'lonely' })),
    'ValueError',
    "layerBatchNormalization: expected a layer or model with exactly one output, 'lonely' has 0. " +
      'Apply it to something first.',
  ],
  'a layer that was applied twice': [
    () => {
      const shared = tf.layers.dense({ units: 3, name: 'shared' });
      [2, 2].forEach((size) => shared.apply(tf.input({ shape: [size] })));
      return layerBatchNormalization(shared);
    },
    'ValueError',
    "layerBatchNormalization: expected a layer or model with exactly one output, 'shared' has 2. " +
      'Pass the output that is meant.',
  ],
};

test.for(Object.entries(REFUSALS))('refuses %s', async ([, [attempt, name, message]]) => {
  await tf.setBackend('cpu');
  let error: unknown;
  try {
    tf.tidy(() => {
      attempt();
    });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(name === 'TypeError' ? TypeError : ValueError);
  expect(error).toMatchObject({ name, message });
});

test.for(REFUSED_OPTIONS)('refuses %j as the core does', ([options, Refusal, message]) => {
  const attempt = () => {
    new BatchNormalization(options).build([2, 3, 4, 5]);
  };
  expect(attempt).toThrow(Refusal);
  expect(attempt).toThrow(expect.objectContaining({ message }));
});

test.for(ACCEPTED_OPTIONS)('takes %j as the core does', (options) => {
  new BatchNormalization(options).build([2, 3, 4, 5]);
});

test('takes scalars as limits, whatever they are just now', () => {
  const renormClipping = { rmax: tf.scalar(-1), rmin: 2, dmax: tf.variable(tf.zeros([1])) };
  expect(new BatchNormalization({ renorm: true, renormClipping }).renormClipping).toEqual(renormClipping);
});

test('a refused call leaves the statistics alone', () => {
  const layer = built({}, [null, 4]);
  const before = layer.movingMean.read().dataSync().join();
  expect(() => layer.apply(tf.ones([2, 4]), { training: true, trainig: 1 } as CallArguments)).toThrow(
    TypeError,
  );
  expect(layer.movingMean.read().dataSync().join()).toBe(before);
});

test('takes 1 and 0 for true and false, as files of Keras have them', () => {
  const layer = built({}, [null, 1]);
  const infer = (args: unknown) =>
    (layer.apply(tf.tensor2d([[1], [3]]), args as CallArguments) as tf.Tensor).dataSync()[0]!;
  expect(infer({ training: 0, updateMovingStatistics: 1 })).toBe(infer({}));
  expect(infer({ training: 1, updateMovingStatistics: 0 })).toBeCloseTo(-1, 2);
  expect(infer({})).toBe(infer({ training: false }));
});

describe('a disposed tensor is named as such', () => {
  const gone = (...shape: number[]) => {
    const tensor = tf.ones(shape);
    tensor.dispose();
    return tensor;
  };
  const GONE = 'that is disposed. Use it before it is disposed, or keep it by tf.keep.';
  const x = () => tf.ones([4, 3]);
  const train = (args: BatchNormalizationArgs) => {
    built({ name: 'bn', ...args }, [null, 3]).apply(x(), { training: true });
  };
  const each = () => [3, 3, 3, 3].map((size) => gone(size));

  test.each<[string, string, () => void]>([
    ['the input', "Layer 'bn'", () => layerBatchNormalization({ name: 'bn' }).apply(gone(2, 3))],
    ['the input of call', "Layer 'bn'", () => built({ name: 'bn' }, [null, 3]).call(gone(4, 3), {})],
    [
      'the mask',
      "Layer 'bn': mask",
      () => built({ name: 'bn' }, [null, 3]).apply(x(), { training: true, mask: gone(4) }),
    ],
    [
      'the adjustment',
      'adjustment: bias',
      () => {
        train({ adjustment: () => [1, gone(4, 1)] });
      },
    ],
    [
      'a limit of renorm',
      "Layer 'bn': renormClipping.dmax",
      () => {
        train({ renorm: true, renormClipping: { dmax: gone() as tf.Scalar } });
      },
    ],
    [
      'what setWeights is given',
      "Layer 'bn': gamma",
      () => {
        built({ name: 'bn' }, [null, 3]).setWeights(each());
      },
    ],
    ['the argument weights', 'weights: gamma', () => built({ weights: each() }, [null, 3])],
  ])('as %s', (_, what, run) => {
    expect(run).toThrow(GONE);
    expect(run).toThrow(`${what}: received a tensor of shape`);
  });
});

describe('a model that is disposed is refused by', () => {
  const make = () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [3] }), layerBatchNormalization()],
    });
    model.dispose();
    return model;
  };

  test.each<[string, (model: tf.LayersModel) => unknown]>([
    ['fold', (model) => fold(model)],
    ['inspect', (model) => inspect(model)],
    ['recalibrate', (model) => recalibrate(model, tf.ones([4, 3]))],
    ['replaceBatchNormalization', (model) => replaceBatchNormalization(model)],
    ['freeze', (model) => freeze(model)],
    ['unfreeze', (model) => unfreeze(model)],
    ['saveKerasModel', (model) => saveKerasModel(model, null, { for: 'tf-keras' })],
  ])('%s', async (_, run) => {
    const error: unknown = await new Promise((resolve) => {
      resolve(run(make()));
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'ValueError',
      message: expect.stringMatching(
        /^model: 'sequential_\d+' is disposed, at least the weight '.*'\./,
      ) as string,
    });
  });
});
