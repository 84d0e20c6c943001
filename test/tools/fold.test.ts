/** @file A folded model predicts what the original does, without the normalizations, and leaves the original alone. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { kerasLayers } from 'evenkeel/keras';
import { fold, replaceBatchNormalization } from 'evenkeel/tools';
import { describe, expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { type Layer, apply, classesOf, distance, functional, predict, snapshot, spoil } from './networks.js';
import { compile, fit } from '../models/models.js';

const { layers } = tf;
const bn = (args: BatchNormalizationArgs = {}) => layerBatchNormalization({ name: 'bn', ...args });
const relu = (name = 'relu') => layers.activation({ activation: 'relu', name });
const chain = (inputShape: (number | null)[], ...parts: Layer[]) =>
  tf.sequential({ layers: [layers.inputLayer({ inputShape }), ...parts] });

/** A linear layer named 'linear', with the shape of a sample that it takes. */
const LINEAR: Record<string, { shape: number[]; make: (args?: object) => Layer }> = {
  Dense: { shape: [5], make: (args) => layers.dense({ units: 4, name: 'linear', ...args }) },
  'Dense on rank 3': { shape: [3, 5], make: (args) => layers.dense({ units: 4, name: 'linear', ...args }) },
  Conv1D: {
    shape: [7, 3],
    make: (args) => layers.conv1d({ filters: 4, kernelSize: 3, name: 'linear', ...args }),
  },
  Conv2D: {
    shape: [6, 7, 3],
    make: (args) => layers.conv2d({ filters: 4, kernelSize: [2, 3], strides: 2, name: 'linear', ...args }),
  },
  Conv3D: {
    shape: [4, 5, 4, 2],
    make: (args) => layers.conv3d({ filters: 3, kernelSize: 2, name: 'linear', ...args }),
  },
  DepthwiseConv2D: {
    shape: [6, 5, 3],
    make: (args) => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, name: 'linear', ...args }),
  },
  SeparableConv2D: {
    shape: [6, 5, 3],
    make: (args) =>
      layers.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2, name: 'linear', ...args }),
  },
  'Conv1D with groups': {
    shape: [5, 4],
    make: (args) => kerasLayers.conv1d({ filters: 6, kernelSize: 2, groups: 2, name: 'linear', ...args }),
  },
  'Conv2D with groups': {
    shape: [5, 4, 4],
    make: (args) =>
      kerasLayers.conv2d({ filters: 4, kernelSize: 2, groups: 4, dilationRate: 2, name: 'linear', ...args }),
  },
  DepthwiseConv1D: {
    shape: [5, 3],
    make: (args) =>
      kerasLayers.depthwiseConv1d({ kernelSize: 2, depthMultiplier: 2, name: 'linear', ...args }),
  },
  SeparableConv1D: {
    shape: [5, 3],
    make: (args) =>
      kerasLayers.separableConv1d({ filters: 4, kernelSize: 2, depthMultiplier: 2, name: 'linear', ...args }),
  },
  Conv1DTranspose: {
    shape: [4, 3],
    make: (args) =>
      kerasLayers.conv1dTranspose({ filters: 2, kernelSize: 3, strides: 4, name: 'linear', ...args }),
  },
  Conv2DTranspose: {
    shape: [3, 4, 3],
    make: (args) =>
      layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, name: 'linear', ...args }),
  },
  Conv3DTranspose: {
    shape: [2, 3, 2, 3],
    make: (args) =>
      layers.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2, name: 'linear', ...args }),
  },
};
const isTransposed = (name: string) => name.endsWith('Transpose');

/** Folds, and checks that predictions and the original's weights stay. */
async function foldAndCompare(model: tf.LayersModel) {
  const [before, weights] = [predict(model, 40), snapshot(model)];
  const report = await fold(model);
  expect(distance(predict(report.model, 40), before)).toBeLessThan(1e-5);
  expect(report.largestDifference).toBeLessThan(1e-5 * Math.max(1, report.largestOutput));
  expect(snapshot(model)).toEqual(weights);
  expect(predict(model, 40)).toEqual(before);
  return report;
}

describeBackends(() => {
  describe.each(Object.entries(LINEAR))('%s', (name, { shape, make }) => {
    test.each([
      ['with a bias', {}],
      ['without one', { useBias: false }],
    ])('%s takes in what stands behind it', async (_, args) => {
      const model = spoil(chain(shape, make(args), bn()));
      const { model: folded, ...report } = await foldAndCompare(model);
      expect(report.folded).toEqual([{ name: 'bn', into: ['linear'] }]);
      expect(report.kept).toEqual([]);
      expect(classesOf(folded)).not.toContain('BatchNormalization');
    });

    if (!isTransposed(name)) {
      test('takes in what stands before it, whatever its activation', async () => {
        for (const args of [{ activation: 'relu' }, { useBias: false, activation: 'tanh' }]) {
          const { model: folded, ...report } = await foldAndCompare(spoil(chain(shape, bn(), make(args))));
          expect(report.folded).toEqual([{ name: 'bn', into: ['linear'] }]);
          expect(classesOf(folded)).not.toContain('BatchNormalization');
        }
      });
    }

    test('takes in a scale, padded or not, and keeps its lack of a bias', async () => {
      const normalization = bn({ center: false });
      const model = spoil(
        chain(shape, normalization, make({ useBias: false, ...(shape.length > 2 && { padding: 'same' }) })),
      );
      const [gamma, , variance] = normalization.getWeights();
      normalization.setWeights([gamma!, tf.zerosLike(gamma!), variance!]);
      const { model: folded, ...report } = await foldAndCompare(model);
      expect(report.folded).toHaveLength(1);
      expect(folded.getLayer('linear').getConfig().useBias).toBe(false);
    });

    test('works in TimeDistributed', async () => {
      const model = spoil(
        chain([2, ...shape], layers.timeDistributed({ layer: make(), name: 'steps' }), bn()),
      );
      const { folded } = await foldAndCompare(model);
      expect(folded).toEqual([{ name: 'bn', into: ['steps/linear'] }]);
    });
  });

  test.each([
    ['center', { center: false }],
    ['scale', { scale: false }],
    ['both', { center: false, scale: false }],
  ])('a normalization without %s is folded', async (_, args) => {
    const { folded } = await foldAndCompare(spoil(chain([5], layers.dense({ units: 4 }), bn(args), relu())));
    expect(folded).toHaveLength(1);
  });

  test('renorm, ghost batches and fused: false infer by the moving statistics like any other', async () => {
    const model = chain(
      [6],
      ...[{ renorm: true }, { virtualBatchSize: 2 }, { fused: false, axis: [-1] }].flatMap((args, i) => [
        layers.dense({ units: 6 }),
        bn({ ...args, name: `bn${i}` }),
        relu(`relu${i}`),
      ]),
    );
    expect((await foldAndCompare(spoil(model))).folded).toHaveLength(3);
  });

  test("TF.js' own layer is folded as ours is", async () => {
    const model = chain(
      [6, 6, 2],
      layers.conv2d({ filters: 3, kernelSize: 3 }),
      layers.batchNormalization({}),
    );
    expect((await foldAndCompare(spoil(model))).folded).toHaveLength(1);
  });

  test('several in a row go, into either side', async () => {
    const row = ['a', 'b', 'c'].map((name) => bn({ name }));
    expect((await foldAndCompare(spoil(chain([5], layers.dense({ units: 4 }), ...row)))).folded).toHaveLength(
      3,
    );
    const others = ['a', 'b', 'c'].map((name) => bn({ name }));
    expect(
      (await foldAndCompare(spoil(chain([5], ...others, layers.dense({ units: 4 }))))).folded,
    ).toHaveLength(3);
  });

  const flattening = (channels: Layer, dataFormat: 'channelsFirst' | 'channelsLast', axis: number) =>
    chain(
      [4, 4, 2],
      channels,
      bn({ axis }),
      layers.flatten({ dataFormat }),
      layers.dense({ units: 3, name: 'head' }),
    );
  test.each([
    ['flatten, on', () => flattening(relu(), 'channelsLast', 3)],
    ['flatten of channels first, on', () => flattening(relu(), 'channelsFirst', 1)],
    ['flatten with parameters per row', () => flattening(relu(), 'channelsLast', 1)],
    [
      'flatten with parameters per element of two axes',
      () => chain([4, 3, 2], bn({ axis: [1, 3] }), layers.flatten(), layers.dense({ units: 3 })),
    ],
    [
      'reshape with an open size, back',
      () => chain([4, 6], layers.dense({ units: 6 }), layers.reshape({ targetShape: [2, -1, 6] }), bn()),
    ],
    [
      'permute, back',
      () =>
        chain(
          [4, 6, 2],
          layers.conv2d({ filters: 3, kernelSize: 1 }),
          layers.permute({ dims: [3, 1, 2] }),
          bn({ axis: 1 }),
        ),
    ],
    [
      'permute, on',
      () =>
        chain(
          [3, 4, 6],
          bn({ axis: 1 }),
          layers.permute({ dims: [2, 3, 1] }),
          layers.conv2d({ filters: 2, kernelSize: 2 }),
        ),
    ],
    [
      'dropout, noise and a linear activation',
      () =>
        chain(
          [5],
          layers.dense({ units: 4 }),
          layers.dropout({ rate: 0.5 }),
          layers.gaussianNoise({ stddev: 1 }),
          layers.activation({ activation: 'linear' }),
          bn(),
        ),
    ],
    [
      'average pooling with padding',
      () =>
        chain(
          [5, 5, 2],
          layers.conv2d({ filters: 3, kernelSize: 1 }),
          layers.averagePooling2d({ poolSize: 2, padding: 'same' }),
          bn(),
        ),
    ],
    [
      'global average pooling, back',
      () =>
        chain(
          [5, 5, 2],
          layers.conv2d({ filters: 3, kernelSize: 2 }),
          layers.globalAveragePooling2d({}),
          bn(),
        ),
    ],
    [
      'global average pooling, on',
      () => chain([5, 5, 2], bn(), layers.globalAveragePooling2d({}), layers.dense({ units: 3 })),
    ],
    [
      'cropping',
      () =>
        chain(
          [5, 5, 2],
          bn(),
          layers.cropping2D({ cropping: 1 }),
          layers.conv2d({ filters: 2, kernelSize: 2 }),
        ),
    ],
    [
      'upsampling',
      () =>
        chain(
          [3, 3, 2],
          bn(),
          layers.upSampling2d({ interpolation: 'bilinear' }),
          layers.conv2d({ filters: 2, kernelSize: 2 }),
        ),
    ],
    ['repeating', () => chain([3], bn(), layers.repeatVector({ n: 4 }), layers.dense({ units: 2 }))],
  ])('passes %s', async (_, make) => {
    const { folded, model } = await foldAndCompare(spoil(make()));
    expect(folded).toHaveLength(1);
    expect(classesOf(model)).not.toContain('BatchNormalization');
  });

  test('passes max pooling where every gamma is positive, and not where one is negative', async () => {
    const make = () =>
      chain(
        [6, 6, 2],
        layers.conv2d({ filters: 3, kernelSize: 2 }),
        layers.maxPooling2d({ poolSize: 2 }),
        bn(),
        relu(),
      );
    expect((await foldAndCompare(spoil(make(), { positive: true }))).folded).toHaveLength(1);
    const { kept } = await foldAndCompare(spoil(make()));
    expect(kept[0]!.reason).toMatch(
      /^Into what comes before: a gamma is negative, and 'max_pooling2d_\w+' takes/,
    );
  });

  test.each<[string, () => tf.LayersModel, RegExp]>([
    [
      'behind an activation, before nothing',
      () => chain([5], layers.dense({ units: 4, activation: 'relu', name: 'linear' }), bn()),
      /before: 'linear' has the activation relu. .*follows: its result is an output of the model\./,
    ],
    [
      'before padding',
      () =>
        chain([5, 5, 2], bn(), layers.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'conv' })),
      /before: it takes an input of the model. .*follows: the borders of 'conv' see less of the intercept/,
    ],
    [
      'before a transposed convolution',
      () => chain([3, 3, 2], bn(), layers.conv2dTranspose({ filters: 2, kernelSize: 3, name: 'up' })),
      /the borders of 'up' see less/,
    ],
    [
      'along an axis that is not the channels',
      () => chain([5, 5, 2], layers.conv2d({ filters: 2, kernelSize: 2, name: 'conv' }), bn({ axis: 1 })),
      /it has other parameters at other positions, where 'conv' has the same kernel/,
    ],
    [
      'along the batch',
      () => {
        const input = tf.input({ batchShape: [8, 4] });
        return tf.model({
          inputs: input,
          outputs: apply(bn({ axis: 0 }), apply(layers.dense({ units: 4 }), input)),
        });
      },
      /^it normalizes along the batch$/,
    ],
    [
      'between two of class LSTM',
      () =>
        chain(
          [3, 2],
          layers.lstm({ units: 2, returnSequences: true, name: 'a' }),
          bn(),
          layers.lstm({ units: 2, name: 'b' }),
        ),
      /'a' is of class LSTM.*'b' is of class LSTM/,
    ],
    [
      'where another layer takes its input too',
      () =>
        functional([4], (x) => {
          const hidden = apply(layers.dense({ units: 4, name: 'linear' }), x);
          return apply(layers.add(), hidden, apply(bn(), hidden));
        }),
      /others take the output of 'linear' too.*'add_\w+' is of class Add/,
    ],
    [
      'whose input is an output of the model',
      () =>
        functional([4], (x) => {
          const hidden = apply(layers.dense({ units: 4, name: 'linear' }), x);
          return [hidden, apply(bn(), hidden)];
        }),
      /others take the output of 'linear' too/,
    ],
    [
      'behind a layer that is shared',
      () =>
        functional([4], (x) => {
          const linear = layers.dense({ units: 4, name: 'linear' });
          return [apply(bn(), apply(linear, x)), apply(linear, apply(relu(), x))];
        }),
      /'linear' is called 2 times/,
    ],
  ])('keeps one %s, and says why', async (_, make, reason) => {
    const { model, kept, folded } = await foldAndCompare(spoil(make()));
    expect(folded).toEqual([]);
    expect(kept).toEqual([{ name: 'bn', reason: expect.stringMatching(reason) as string }]);
    expect(classesOf(model)).toContain('BatchNormalization');
  });

  const dense = () => layers.dense({ units: 4 });
  const inTraining = (layer: Layer, x: tf.SymbolicTensor) =>
    layer.apply(x, { training: true }) as tf.SymbolicTensor;
  test.each<[string, number[], (x: tf.SymbolicTensor) => tf.SymbolicTensor]>([
    ['itself', [4], (x) => inTraining(bn(), apply(dense(), x))],
    ['by the model around it', [4], (x) => inTraining(chain([4], dense(), bn()), x)],
    ['by the model around that', [4], (x) => inTraining(chain([4], chain([4], dense(), bn())), x)],
    [
      'by TimeDistributed',
      [2, 4],
      (x) => inTraining(layers.timeDistributed({ layer: bn() }), apply(dense(), x)),
    ],
    [
      'by TimeDistributed around a model',
      [2, 4],
      (x) => inTraining(layers.timeDistributed({ layer: chain([4], dense(), bn()) }), x),
    ],
  ])(
    'keeps one that is called in training mode, %s, and does not move its statistics',
    async (_, shape, make) => {
      const model = spoil(functional(shape, make));
      const weights = snapshot(model);
      const { kept, model: copy } = await fold(model);
      expect(kept[0]!.reason).toMatch(/^it is called with training: true/);
      expect(snapshot(model)).toEqual(weights);
      expect(snapshot(copy).map(([, values]) => values)).toEqual(weights.map(([, values]) => values));
    },
  );

  test('keeps one whose statistics are not numbers, or whose mean is too far out to leave to the next layer', async () => {
    const set = (mean: number, variance: number) => {
      const model = chain([1], bn(), layers.dense({ units: 1, name: 'linear' }));
      model.getLayer('bn').setWeights([[1], [0], [mean], [variance]].map((values) => tf.tensor1d(values)));
      return fold(model);
    };
    expect((await set(0, -1)).kept[0]!.reason).toMatch(/^its weights or statistics are not finite/);
    expect((await set(NaN, 1)).kept[0]!.reason).toMatch(/not finite/);
    expect((await set(2000, 25)).kept[0]!.reason).toMatch(/a moving mean is 400 deviations from 0/);
  });

  test('computes weights in float64, also at a variance near 0 and a large mean', async () => {
    const model = chain([2], layers.dense({ units: 2, name: 'linear' }), bn({ epsilon: 1e-9 }));
    const kernel = [0.1, -0.2, 0.3, 0.7].map(Math.fround);
    const [bias, gamma, beta, mean, variance] = [
      [123456.7, 1],
      [1.1, 0.9],
      [0.3, -5],
      [123456, 1e-3],
      [1e-7, 3],
    ].map((values) => values.map(Math.fround)) as [number[], number[], number[], number[], number[]];
    model.getLayer('linear').setWeights([tf.tensor2d(kernel, [2, 2]), tf.tensor1d(bias)]);
    model.getLayer('bn').setWeights([gamma, beta, mean, variance].map((values) => tf.tensor1d(values)));
    const folded = (await fold(model)).model.getLayer('linear').getWeights();
    const slope = gamma.map((g, i) => g / Math.sqrt(variance[i]! + 1e-9));
    expect(Array.from(folded[0]!.dataSync())).toEqual(kernel.map((k, n) => Math.fround(k * slope[n % 2]!)));
    const want = bias.map((b, i) => Math.fround((b - mean[i]!) * slope[i]! + beta[i]!));
    Array.from(folded[1]!.dataSync()).forEach((value, i) => {
      expect(Math.abs(value - want[i]!)).toBeLessThanOrEqual(Math.abs(want[i]!) * 2 ** -23);
    });
  });

  test('a normalization goes into every layer that takes its result, or into none', async () => {
    const fork = (padding: 'same' | 'valid') =>
      functional([5, 5, 2], (x) => {
        const normalized = apply(bn(), x);
        return [
          apply(layers.conv2d({ filters: 2, kernelSize: 3, name: 'left' }), normalized),
          apply(layers.conv2d({ filters: 2, kernelSize: 3, padding, name: 'right' }), normalized),
        ];
      });
    expect((await foldAndCompare(spoil(fork('valid')))).folded).toEqual([
      { name: 'bn', into: ['left', 'right'] },
    ]);
    expect((await foldAndCompare(spoil(fork('same')))).folded).toEqual([]);
  });

  test('a shared normalization goes at each place where it can', async () => {
    const model = functional([4], (x) => {
      const shared = bn();
      return [
        apply(shared, apply(layers.dense({ units: 4, name: 'linear' }), x)),
        apply(shared, apply(relu(), x)),
      ];
    });
    const { folded, kept } = await foldAndCompare(spoil(model));
    expect(folded).toEqual([{ name: 'bn', into: ['linear'] }]);
    expect(kept.map(({ name }) => name)).toEqual(['bn']);
  });

  describe('nested models', () => {
    const base = () =>
      spoil(chain([6, 6, 2], layers.conv2d({ filters: 3, kernelSize: 3, name: 'conv' }), bn(), relu()));

    test('are folded inside, and called by their path', async () => {
      const inner = base();
      inner.name = 'base';
      const model = functional([6, 6, 2], (x) => apply(layers.flatten(), apply(inner, x)));
      const { folded, model: copy } = await foldAndCompare(model);
      expect(folded).toEqual([{ name: 'base/bn', into: ['base/conv'] }]);
      expect(copy.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
    });

    test('are folded when they are shared, when they come first in a chain, and in TimeDistributed', async () => {
      const shared = base();
      const siamese = functional([6, 6, 2], (x) =>
        apply(layers.add(), apply(shared, x), apply(shared, apply(relu('r'), x))),
      );
      expect((await foldAndCompare(siamese)).folded).toHaveLength(1);
      const head = tf.sequential({ layers: [base(), layers.flatten(), layers.dense({ units: 2 })] });
      expect((await foldAndCompare(head)).folded).toHaveLength(1);
      const steps = chain([2, 6, 6, 2], layers.timeDistributed({ layer: base() }));
      expect((await foldAndCompare(steps)).folded).toHaveLength(1);
    });

    test('keep what would have to leave them', async () => {
      const inner = chain([4], relu(), bn());
      inner.name = 'base';
      const model = functional([4], (x) => apply(layers.dense({ units: 2 }), apply(inner, x)));
      const { kept } = await foldAndCompare(spoil(model));
      expect(kept).toEqual([
        { name: 'base/bn', reason: expect.stringContaining('output of the model') as string },
      ]);
    });
  });

  test('draws integers that the smallest embedding has, wherever it is', async () => {
    for (const sizes of [
      [3, 1000],
      [1000, 3],
    ]) {
      const ids = tf.input({ shape: [50], dtype: 'int32' });
      const looked = sizes.map((inputDim) => apply(layers.embedding({ inputDim, outputDim: 2 }), ids));
      const outputs = apply(bn(), apply(layers.dense({ units: 2 }), apply(layers.concatenate(), ...looked)));
      const { folded, largestDifference } = await fold(spoil(tf.model({ inputs: ids, outputs })));
      expect(folded).toHaveLength(1);
      expect(largestDifference).toBeLessThan(1e-5);
    }
  });

  test('keeps names, inputs and outputs of a model that has several, of integers too', async () => {
    const ids = tf.input({ shape: [3], dtype: 'int32', name: 'ids' });
    const image = tf.input({ shape: [4, 4, 1], name: 'image' });
    const words = apply(layers.flatten(), apply(layers.embedding({ inputDim: 9, outputDim: 2 }), ids));
    const pixels = apply(layers.flatten(), apply(layers.conv2d({ filters: 2, kernelSize: 2 }), image));
    const both = apply(layers.concatenate(), words, pixels);
    const model = spoil(
      tf.model({
        inputs: [ids, image],
        outputs: ['first', 'second'].map((name) =>
          apply(bn({ name }), apply(layers.dense({ units: 3 }), both)),
        ),
        name: 'two_of_each',
      }),
    );
    const { model: folded, ...report } = await foldAndCompare(model);
    expect(report.folded).toHaveLength(2);
    expect([folded.name, folded.inputNames, folded.outputNames]).toEqual([
      'two_of_each',
      ['ids', 'image'],
      ['first', 'second'],
    ]);
  });

  test('shares nothing with the original: each can be disposed, and nothing is left', async () => {
    const before = tf.memory().numTensors;
    const make = () => {
      const inner = spoil(chain([5], layers.dense({ units: 4 }), bn(), relu()));
      return functional([5], (x) =>
        apply(layers.dense({ units: 2 }), apply(bn({ name: 'top' }), apply(inner, x))),
      );
    };
    const [one, other] = [make(), make()];
    const [foldedOne, foldedOther] = [(await fold(one)).model, (await fold(other)).model];
    const [want, wantOther] = [predict(one), predict(foldedOther)];
    one.dispose();
    foldedOther.dispose();
    expect(distance(predict(foldedOne), want)).toBeLessThan(1e-5);
    expect(distance(predict(other), wantOther)).toBeLessThan(1e-5);
    foldedOne.dispose();
    other.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('does not squeeze trained weights into a constraint, neither where it folds nor where it copies', async () => {
    const constrained = (name: string, seed: number) =>
      layers.dense({
        ...{ units: 3, name, kernelConstraint: tf.constraints.unitNorm({ axis: 0 }) },
        kernelInitializer: tf.initializers.glorotUniform({ seed }),
      });
    const tanh = layers.activation({ activation: 'tanh' });
    const model = spoil(chain([3], constrained('a', 1), bn(), tanh, constrained('b', 2)));
    // Optimizers of TF.js leave constraints alone, so that training leads out of them.
    compile(model, tf.train.sgd(1));
    await fit(model, 3);
    for (const name of ['a', 'b']) {
      const norms = tf.norm(model.getLayer(name).weights[0]!.read(), 2, 0);
      expect(Math.max(...Array.from(norms.dataSync(), (norm) => Math.abs(norm - 1)))).toBeGreaterThan(0.1);
    }
    await foldAndCompare(model);
    expect(predict(replaceBatchNormalization(model).model, 40)).toEqual(predict(model, 40));
  });

  test('copies layers of every kind, recurrent ones and wrapped ones included', async () => {
    const model = chain(
      [4, 3],
      layers.bidirectional({ layer: layers.gru({ units: 2, returnSequences: true }), mergeMode: 'concat' }),
      ...[layers.timeDistributed({ layer: layers.dense({ units: 3, name: 'linear' }) }), bn()],
      ...[layers.layerNormalization(), layers.prelu(), layers.lstm({ units: 2 })],
    );
    expect((await foldAndCompare(spoil(model))).folded).toHaveLength(1);
    takeWarnings();
  });

  test('frozen layers stay frozen in the copy', async () => {
    const model = chain(
      [3],
      layers.dense({ units: 3, name: 'a' }),
      bn(),
      relu(),
      layers.dense({ units: 2, name: 'b' }),
    );
    model.getLayer('a').trainable = false;
    const { model: folded } = await fold(model);
    expect(
      folded.layers.filter(({ weights }) => weights.length > 0).map(({ trainable }) => trainable),
    ).toEqual([false, true]);
  });

  test('compares on data that is given, and refuses what does not fit before it does anything', async () => {
    const model = spoil(chain([3], layers.dense({ units: 2 }), bn()));
    const data = tf.randomNormal([5, 3]);
    expect((await fold(model, { data })).comparedOn).toBe('data');
    expect(data.isDisposed).toBe(false);
    await expect(fold(model, { data: tf.ones([5, 4]) })).rejects.toThrow(
      /takes shape \[null, 3\], received \[5, 4\]/,
    );
    await expect(fold(model, { data: [data, data] })).rejects.toMatchObject({ name: 'ValueError' });
    await expect(fold(model, { data: tf.zeros([0, 3]) })).rejects.toThrow(/no samples/);
    await expect(fold(model, { data: [[1, 2, 3]] as never })).rejects.toThrow(/expected a tensor/);
    const { warnings, largestOutput } = await fold(model, { data: tf.fill([1, 3], NaN) });
    expect(largestOutput).toBe(Infinity);
    expect(warnings).toEqual([expect.stringMatching(/NaN or infinite/)]);
    data.dispose();
    await expect(fold(model, { data })).rejects.toThrow(/has been disposed/);
    await expect(fold(tf.layers.dense({ units: 1 }) as unknown as tf.LayersModel)).rejects.toThrow(TypeError);
  });

  test('takes data as its siblings do, before the options', async () => {
    const model = spoil(chain([3], layers.dense({ units: 2 }), bn()));
    const x = tf.randomNormal([5, 3], 0, 1, 'float32', 1);
    const steps: string[] = [];
    const onProgress = ({ step }: { step: string }) => steps.push(step);
    const reports = [
      await fold(model, x, { onProgress }),
      await fold(model, [x]),
      await fold(model, { [model.inputNames[0]!]: x }),
      await fold(model, { data: x }),
    ];
    for (const { comparedOn, largestOutput } of reports) {
      expect([comparedOn, largestOutput]).toEqual(['data', reports[0]!.largestOutput]);
    }
    expect(steps).toEqual(['bn', 'comparison']);
    for (const none of [null, undefined]) {
      expect((await fold(model, none, { onProgress })).comparedOn).toBe('random inputs');
    }
    expect(steps).toHaveLength(6);
    await expect(fold(model, tf.ones([5, 4]))).rejects.toThrow(/takes shape \[null, 3\], received \[5, 4\]/);
  });

  test('lists what is folded and kept in the order of the graph, nested models where they stand', async () => {
    const inner = (name: string) => {
      const parts = [bn({ name: 'first' }), relu(), layers.dense({ units: 4 }), bn({ name: 'second' })];
      return tf.sequential({ name, layers: [layers.inputLayer({ inputShape: [4] }), ...parts] });
    };
    const model = spoil(
      functional([4], (x) => {
        const parts = [bn({ name: 'a' }), relu('r1'), inner('b'), relu('r2'), bn({ name: 'c' }), inner('d')];
        return parts.reduce((y, layer) => apply(layer, y), x);
      }),
    );
    const { folded, kept } = await fold(model);
    expect(kept.map(({ name }) => name)).toEqual(['a', 'b/first', 'c', 'd/first']);
    expect(folded.map(({ name }) => name)).toEqual(['b/second', 'd/second']);
  });

  describe('warns where a comparison tells nothing:', () => {
    const saturated = (activation: 'softmax' | 'sigmoid' | 'tanh') => {
      const model = chain(
        [3],
        layers.dense({ units: 3 }),
        bn(),
        layers.activation({ activation, name: 'end' }),
      );
      model.getLayer('bn').setWeights([1e6, 0, 0, 1].map((value) => tf.fill([3], value)));
      return model;
    };
    test.each(['softmax', 'sigmoid', 'tanh'] as const)('a %s that is saturated', async (activation) => {
      const { warnings, largestDifference } = await fold(saturated(activation));
      expect(largestDifference).toBe(0);
      expect(warnings).toEqual([
        expect.stringMatching(/^The output 'end' is .*saturate.* tells nothing of it/),
      ]);
    });

    test('an output that is the same for all samples', async () => {
      const biasInitializer = tf.initializers.constant({ value: 0.3 });
      const end = layers.dense({ units: 2, biasInitializer, name: 'end' });
      const model = chain([3], layers.dense({ units: 2 }), bn(), relu(), end);
      model.getLayer('bn').setWeights([1, -9, 0, 1e6].map((value) => tf.fill([2], value)));
      const { warnings } = await fold(model);
      expect(warnings).toEqual([expect.stringMatching(/^The output 'end' is the same for all samples/)]);
    });

    test('and not where outputs differ from sample to sample, are whole numbers, or of one sample', async () => {
      const model = spoil(chain([3], layers.dense({ units: 3 }), bn(), layers.softmax()));
      expect((await fold(model)).warnings).toEqual([]);
      expect((await fold(model, tf.ones([1, 3]))).warnings).toEqual([]);
      const whole = chain([1], bn({ epsilon: 0 }), layers.dense({ units: 1, kernelInitializer: 'ones' }));
      expect((await fold(whole, tf.tensor2d([[2], [3]]))).warnings).toEqual([]);
    });
  });

  test('compares a stateful model from zero states, warns if it had others, and leaves these as they were', async () => {
    const lstm = layers.lstm({
      units: 3,
      stateful: true,
      returnSequences: true,
      batchInputShape: [40, 4, 2],
    });
    const model = spoil(tf.sequential({ layers: [lstm, layers.dense({ units: 3 }), bn()] }));
    const states = () => lstm.getStates().map((state) => Array.from(state.dataSync()));
    const x = tf.randomNormal([40, 4, 2], 0, 1, 'float32', 1);
    expect((await fold(model, x)).warnings).toEqual([]);
    tf.dispose(model.predict(x, { batchSize: 40 }));
    const before = states();
    const tensors = tf.memory().numTensors;
    const { model: folded, warnings, ...report } = await fold(model, x);
    expect(states()).toEqual(before);
    expect(report.largestDifference).toBeLessThan(1e-5);
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`^'${lstm.name}': .*from zero states`))]);
    model.resetStates();
    const [want, got] = [model, folded].map((one) => one.predict(x, { batchSize: 40 }) as tf.Tensor);
    expect(distance([...got!.dataSync()], [...want!.dataSync()])).toBeLessThan(1e-5);
    tf.dispose([want!, got!]);
    folded.dispose();
    (folded.layers[0] as tf.RNN).getStates().forEach((state) => {
      state.dispose();
    });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test("warns where TF.js' own layer predicts wrongly, so that a folded model differs", async () => {
    const conv = layers.conv2d({
      filters: 4,
      kernelSize: 2,
      dataFormat: 'channelsFirst',
      inputShape: [2, 5, 5],
    });
    const { warnings, ...report } = await fold(
      spoil(tf.sequential({ layers: [conv, layers.batchNormalization({ name: 'stock', axis: 1 })] })),
    );
    expect(report.folded).toHaveLength(1);
    expect(warnings).toEqual([expect.stringMatching(/^'stock': .* wrong.*replaceBatchNormalization/)]);
    const right = tf.sequential({ layers: [layers.batchNormalization({ axis: -1, inputShape: [2] })] });
    expect((await fold(right)).warnings).toEqual([]);
  });

  test('stops when it is told to, at any step, and leaves nothing behind', async () => {
    const model = spoil(
      chain(
        [3],
        layers.dense({ units: 3 }),
        bn({ name: 'a' }),
        relu(),
        bn({ name: 'b' }),
        layers.dense({ units: 1 }),
      ),
    );
    const steps: string[] = [];
    (
      await fold(model, { onProgress: ({ step, done, total }) => steps.push(`${done}/${total} ${step}`) })
    ).model.dispose();
    expect(steps).toEqual(['1/3 a', '2/3 b', '3/3 comparison']);
    const [weights, before] = [snapshot(model), tf.memory().numTensors];
    for (let stopAt = 0; stopAt < 2; stopAt++) {
      const controller = new AbortController();
      const onProgress = ({ done }: { done: number }) => {
        if (done > stopAt) controller.abort(new Error('enough'));
      };
      await expect(fold(model, { signal: controller.signal, onProgress })).rejects.toThrow('enough');
      expect(tf.memory().numTensors).toBe(before);
    }
    expect(snapshot(model)).toEqual(weights);
  });
});

// TF.js' cpu backend adds in float64, which holds what float32 does not.
describeBackends(() => {
  test('warns of outputs that only the folded model makes infinite', async () => {
    // The mean is subtracted from 3.5 before gamma and kernel multiply it by 1e38; in the folded model it is not.
    const model = chain([2], bn({ epsilon: 0 }), layers.dense({ units: 1, name: 'end' }));
    model.getLayer('bn').setWeights([1e10, 0, 3, 1].map((value) => tf.fill([2], value)));
    model.getLayer('end').setWeights([tf.tensor2d([1e28, -1e28], [2, 1]), tf.zeros([1])]);
    const { warnings, largestDifference } = await fold(model, tf.tensor2d([[3.5, 3.45]]));
    expect(largestDifference).toBe(Infinity);
    expect(warnings).toEqual([expect.stringMatching(/^The folded model gives .* NaN or infinite/)]);
  });
}, ['wasm']);
