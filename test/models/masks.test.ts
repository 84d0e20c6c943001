/**
 * @file Masks in models: the layer takes the one that belongs to its input, and none that TF.js left over from another
 * layer. `momentum: 0` makes the moving mean the mean of what was counted.
 */
import * as tf from '@tensorflow/tfjs';
import {
  layerBatchNormalization,
  registerBatchNormalization,
  ValueError,
  type BatchNormalizationArgs,
} from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { compile, draw, fit, saveAndLoad, train, valuesOf, weightsOf } from './models.js';

type Symbolic = tf.SymbolicTensor;

const sees = (args: BatchNormalizationArgs = {}) => layerBatchNormalization({ momentum: 0, ...args });
const masking = (inputShape?: number[]) =>
  tf.layers.masking({ maskValue: 0, ...(inputShape && { inputShape }) });
const pass = (layer: tf.layers.Layer, input: Symbolic | Symbolic[]) => layer.apply(input) as Symbolic;

const round = (value: number) => Math.round(value * 1e4) / 1e4;
/** The moving mean, rounded: what the layer saw. */
const seen = (layer: tf.layers.Layer) => weightsOf(layer)[2]!.map(round);

/** Sequences of one feature, of which zeros are padding: 1, 3 and 5, 7, 9, of mean 5; with the zeros 25 / 8. */
const SEQUENCES = [
  [1, 3, 0, 0],
  [5, 7, 9, 0],
];
const PADDED = { masked: 5, all: 3.125 };
const sequences = () => tf.tensor3d(SEQUENCES.map((steps) => steps.map((value) => [value])));

describeBackends(() => {
  /** Trains one step towards zeros and leaves the model as it is but for the statistics. */
  const look = async (model: tf.LayersModel, x: tf.Tensor | tf.Tensor[]) => {
    compile(model, tf.train.sgd(0));
    const batch = [x].flat()[0]!.shape[0];
    await train(
      model,
      x,
      model.outputs.map((output) => tf.zeros([batch, ...output.shape.slice(1).map((dim) => dim!)])),
    );
  };

  test('reaches the layer from Masking, and no further than the layer that drops it', async () => {
    const [first, last] = [sees(), sees()];
    const dense = tf.layers.dense({ units: 2 });
    const model = tf.sequential({
      layers: [masking([4, 1]), first, tf.layers.globalAveragePooling1d({}), dense, last],
    });
    const x = sequences();
    await look(model, x);
    expect(seen(first)).toEqual([PADDED.masked]);
    const mask = tf.tensor2d(
      SEQUENCES.map((steps) => steps.map(Number)),
      undefined,
      'bool',
    );
    const normalized = first.apply(x, { training: true, mask }) as tf.Tensor;
    const hidden = dense.apply(tf.mean(normalized, 1)) as tf.Tensor;
    valuesOf(tf.mean(hidden, 0)).forEach((mean, i) => {
      expect(weightsOf(last)[2]![i]).toBeCloseTo(mean, 5);
    });
  });

  test('reaches the layer from an Embedding with maskZero, and not without', async () => {
    for (const maskZero of [true, false]) {
      const layer = sees();
      // TF.js' wasm backend has no gradient of an embedding.
      const frozen = { trainable: false, inputLength: 4 };
      const embedding = tf.layers.embedding({ inputDim: 10, outputDim: 1, maskZero, ...frozen });
      const model = tf.sequential({ layers: [embedding, layer] });
      // Word i means i, and padding means 100.
      embedding.setWeights([tf.tensor2d([100, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 1])]);
      compile(model);
      await train(model, tf.tensor2d(SEQUENCES), tf.zeros([2, 4, 1]));
      expect(seen(layer)).toEqual([maskZero ? PADDED.masked : (25 + 300) / 8]);
    }
  });

  test.each<[string, () => tf.layers.Layer]>([
    ['the layer itself', () => layerBatchNormalization({ scale: false, center: false, trainable: false })],
    ['Dropout', () => tf.layers.dropout({ rate: 0 })],
    ['an activation', () => tf.layers.activation({ activation: 'linear' })],
  ])('passes through %s', async (_, make) => {
    const layer = sees({ epsilon: 1e-9 });
    await look(tf.sequential({ layers: [masking([4, 1]), make(), layer] }), sequences());
    expect(weightsOf(layer)[2]![0]).toBeCloseTo(PADDED.masked, 1);
  });

  test('does not pass from one branch to the other', async () => {
    const input = tf.input({ shape: [4, 1] });
    for (const isFirst of [true, false]) {
      const [masked, plain] = [sees(), sees()];
      const branches = [pass(masked, pass(masking(), input)), pass(plain, input)];
      const sum = pass(tf.layers.add(), isFirst ? branches : branches.reverse());
      await look(tf.model({ inputs: input, outputs: sum }), sequences());
      expect([seen(masked), seen(plain)]).toEqual([[PADDED.masked], [PADDED.all]]);
    }
  });

  test('is not taken from a merge, to which TF.js gives a rank too many', async () => {
    const input = tf.input({ shape: [4, 1] });
    const layer = sees();
    const branches = [pass(masking(), input), pass(masking(), input)];
    const merge = tf.layers.average();
    const output = pass(layer, pass(merge, branches));
    const mask = tf.ones([2, 4], 'bool');
    // Keras' has the shape [2, 4]. Where TF.js' does too, it should be honoured.
    expect(merge.computeMask([sequences(), sequences()], [mask, mask]).shape).toEqual([1, 2, 4]);
    await look(tf.model({ inputs: input, outputs: output }), sequences());
    expect(seen(layer)).toEqual([PADDED.all]);
  });

  test('counts for a shared layer at the place where it is, and not at the other', async () => {
    for (const maskedFirst of [true, false]) {
      const input = tf.input({ shape: [4, 1] });
      const shared = layerBatchNormalization({ momentum: 0.5 });
      const symbols = [pass(masking(), input), pass(tf.layers.dropout({ rate: 0 }), input)];
      const outputs = (maskedFirst ? symbols : symbols.reverse()).map((symbol) => pass(shared, symbol));
      await look(tf.model({ inputs: input, outputs }), sequences());
      const after = (first: number, second: number) => round((first * 0.5 + second) * 0.5);
      expect(seen(shared)).toEqual([
        maskedFirst ? after(PADDED.masked, PADDED.all) : after(PADDED.all, PADDED.masked),
      ]);
    }
  });

  test('passes a recurrent layer that returns sequences, and ends at one that does not', async () => {
    const constant = { kernelInitializer: 'ones', recurrentInitializer: 'zeros' } as const;
    const recurrent = (returnSequences: boolean) =>
      tf.layers.simpleRNN({ units: 1, activation: 'linear', returnSequences, ...constant });
    const [within, last] = [sees(), sees()];
    await look(tf.sequential({ layers: [masking([4, 1]), recurrent(true), within] }), sequences());
    expect(seen(within)).toEqual([PADDED.masked]);
    await look(tf.sequential({ layers: [masking([4, 1]), recurrent(false), last] }), sequences());
    // Each sequence's last step that counts: TF.js repeats it where steps are masked.
    expect(seen(last)).toEqual([(3 + 9) / 2]);
  });

  test('is looked for once however many ways lead to it', async () => {
    const input = tf.input({ shape: [4, 1] });
    let x = pass(tf.layers.dropout({ rate: 0 }), input);
    for (let i = 0; i < 60; i++) x = pass(tf.layers.average(), [x, x]);
    const layer = sees();
    await look(tf.model({ inputs: input, outputs: [pass(masking(), input), pass(layer, x)] }), sequences());
    expect(seen(layer)).toEqual([PADDED.all]);
  });

  describe('that TF.js left over from another layer', () => {
    test('is not taken after a Dot, which drops masks', async () => {
      const input = tf.input({ shape: [4, 1] });
      const layer = sees();
      const masked = pass(masking(), input);
      const output = pass(layer, pass(tf.layers.dot({ axes: 2 }), [masked, masked]));
      await look(tf.model({ inputs: input, outputs: output }), sequences());
      const mean = (step: number) =>
        round(
          SEQUENCES.flatMap((steps) => steps.map((value) => value * steps[step]!)).reduce((a, b) => a + b) /
            8,
        );
      expect(seen(layer)).toEqual([0, 1, 2, 3].map(mean));
    });

    test('is not taken after the last step of a recurrent layer, though the rank is that of a sequence again', async () => {
      const input = tf.input({ shape: [4, 1] });
      const layer = sees();
      const zeros = { kernelInitializer: 'zeros', recurrentInitializer: 'zeros' } as const;
      const last = pass(tf.layers.simpleRNN({ units: 1, ...zeros }), pass(masking(), input));
      const output = pass(layer, pass(tf.layers.add(), [pass(tf.layers.dropout({ rate: 0 }), input), last]));
      await look(tf.model({ inputs: input, outputs: output }), sequences());
      expect(seen(layer)).toEqual([PADDED.all]);
    });

    test('is not taken, though it would fit', async () => {
      const [masked, plain] = [tf.input({ shape: [4, 1] }), tf.input({ shape: [4, 1] })];
      const layer = sees();
      const outputs = [pass(masking(), masked), pass(layer, pass(tf.layers.dropout({ rate: 0 }), plain))];
      await look(tf.model({ inputs: [masked, plain], outputs }), [sequences(), sequences()]);
      expect(seen(layer)).toEqual([PADDED.all]);
    });

    test('is not taken at TimeDistributed, though it would fit the layer inside', async () => {
      const [masked, plain] = [tf.input({ shape: [4, 1] }), tf.input({ shape: [4, 1] })];
      const layer = sees();
      const steps = pass(
        tf.layers.timeDistributed({ layer }),
        pass(tf.layers.reshape({ targetShape: [4, 1] }), plain),
      );
      const outputs = [pass(sees(), pass(masking(), masked)), steps];
      await look(tf.model({ inputs: [masked, plain], outputs }), [sequences(), sequences()]);
      expect(seen(layer)).toEqual([PADDED.all]);
    });

    test('is not taken after a Reshape, which drops masks', async () => {
      const layer = sees();
      const reshape = tf.layers.reshape({ targetShape: [4, 1] });
      await look(tf.sequential({ layers: [masking([4, 1]), reshape, layer] }), sequences());
      expect(seen(layer)).toEqual([PADDED.all]);
    });

    test('is not taken inside TimeDistributed, though it would fit each step', async () => {
      const layer = sees();
      const model = tf.sequential({
        layers: [
          masking([4, 1]),
          tf.layers.reshape({ targetShape: [1, 4, 1] }),
          tf.layers.timeDistributed({ layer }),
        ],
      });
      await look(model, sequences());
      expect(seen(layer)).toEqual([PADDED.all]);
    });

    test('does not matter where its shape is another', async () => {
      const [masked, plain] = [tf.input({ shape: [4, 1] }), tf.input({ shape: [3] })];
      const layer = sees();
      const outputs = [pass(tf.layers.flatten(), pass(masking(), masked)), pass(layer, plain)];
      const x = tf.tensor2d([
        [1, 2, 3],
        [3, 4, 5],
      ]);
      await look(tf.model({ inputs: [masked, plain], outputs }), [sequences(), x]);
      expect(seen(layer)).toEqual([2, 3, 4]);
    });
  });

  test('at TimeDistributed is for the layer inside, as in Keras', async () => {
    const layer = sees();
    const model = tf.sequential({ layers: [masking([4, 1]), tf.layers.timeDistributed({ layer })] });
    await look(model, sequences());
    expect(seen(layer)).toEqual([PADDED.masked]);
    expect(model.predict(sequences())).toHaveProperty('shape', [2, 4, 1]);
  });

  describe('in a direct call', () => {
    const x = () =>
      tf.tensor3d([
        [
          [1, 10],
          [2, 20],
        ],
        [
          [3, 30],
          [4, 40],
        ],
      ]);
    test('says which elements count, and by what weight', () => {
      const layer = sees();
      layer.apply(x(), {
        training: true,
        mask: tf.tensor2d(
          [
            [1, 0],
            [1, 0],
          ],
          undefined,
          'bool',
        ),
      });
      expect(seen(layer)).toEqual([2, 20]);
      layer.apply(x(), {
        training: true,
        mask: tf.tensor2d([
          [3, 0],
          [0, 1],
        ]),
      });
      expect(seen(layer)).toEqual([1.75, 17.5]);
      layer.apply(x(), { training: true, mask: tf.tensor2d([[0, 1]]) });
      expect(seen(layer)).toEqual([3, 30]);
    });

    test.each([[[2]], [[2, 2, 2]], [[2, 3]], [[3, 2]], [[]]])('of shape [%s] is a ValueError', (shape) => {
      const layer = sees();
      const call = () => layer.apply(x(), { training: true, mask: tf.ones(shape, 'bool') });
      expect(call).toThrow(ValueError);
      expect(call).toThrow(/mask: expected the input's shape without its last axis, \[2, 2\]/);
    });

    test('does not matter in inference', () => {
      const layer = sees();
      const plain = valuesOf(layer.apply(x()) as tf.Tensor);
      expect(valuesOf(layer.apply(x(), { mask: tf.zeros([2, 2]) }) as tf.Tensor)).toEqual(plain);
    });

    test('keeps NaN and infinities out of the statistics, which are normalized like the rest', () => {
      const layer = sees();
      const dirty = tf.tensor2d([
        [1, 2],
        [NaN, Infinity],
        [3, 6],
      ]);
      const mask = tf.tensor1d([1, 0, 1]);
      const y = valuesOf(layer.apply(dirty, { training: true, mask }) as tf.Tensor);
      expect(seen(layer)).toEqual([2, 4]);
      expect(y[2]).toBeNaN();
      expect(y[3]).toBe(Infinity);
      expect([y[0]!, y[1]!, y[4]!, y[5]!].map(Math.round)).toEqual([-1, -1, 1, 1]);
    });
  });

  test('of a whole channel leaves its statistics, and normalizes it by them', async () => {
    const weights = [
      [1, 1],
      [0, 0],
      [0.5, 5],
      [1, 4],
    ];
    const layer = sees({ axis: 1, weights, epsilon: 0 });
    // Channel 0 is padding in every sample, channel 1 in none.
    const x = tf.tensor3d([
      [
        [0, 0],
        [1, 2],
      ],
      [
        [0, 0],
        [3, 6],
      ],
    ]);
    await look(tf.sequential({ layers: [masking([2, 2]), layer] }), x);
    expect(seen(layer)).toEqual([0.5, 3]);
    expect(weightsOf(layer)[3]).toEqual([1, 3.5]);
    const mask = tf.tensor2d(
      [
        [0, 1],
        [0, 1],
      ],
      undefined,
      'bool',
    );
    const y = layer.apply(x, { training: true, mask }) as tf.Tensor;
    expect(valuesOf(tf.slice(y, [0, 0, 0], [1, 1, 2]))).toEqual([-0.5, -0.5]);
  });

  test('is ignored with one warning where Keras runs its fused kernel, and honoured with fused: false', async () => {
    // Zero pixels are masked.
    const x = tf.tensor4d([1, 3, 0, 0, 5, 7, 9, 0], [2, 2, 2, 1]);
    const model = (layer: tf.layers.Layer) => tf.sequential({ layers: [masking([2, 2, 1]), layer] });
    const fused = sees({ name: 'fused_one' });
    const once = model(fused);
    await look(once, x);
    await look(once, x);
    expect(seen(fused)).toEqual([PADDED.all]);
    expect(takeWarnings()).toEqual([
      "Layer 'fused_one': the mask is ignored, as in Keras, whose fused kernel takes none. " +
        'Use fused: false to have it honoured.',
    ]);
    const honest = sees({ fused: false });
    await look(model(honest), x);
    expect(seen(honest)).toEqual([PADDED.masked]);
  });

  test('with ghost batches is a ValueError in training, not in inference', async () => {
    const model = tf.sequential({ layers: [masking([4, 1]), sees({ virtualBatchSize: 1 })] });
    await expect(look(model, sequences())).rejects.toThrow(ValueError);
    expect((model.predict(sequences()) as tf.Tensor).shape).toEqual([2, 4, 1]);
  });

  test('stays right when a model is saved and built again', async () => {
    const model = tf.sequential({
      layers: [masking([4, 1]), sees(), tf.layers.globalAveragePooling1d({}), sees()],
    });
    const undo = registerBatchNormalization();
    const again = await saveAndLoad(model);
    undo();
    await look(again, sequences());
    expect(seen(again.layers[1]!)).toEqual([PADDED.masked]);
  });

  test('does not stop a model from being trained and evaluated', async () => {
    const model = tf.sequential({
      layers: [
        masking([4, 2]),
        sees(),
        tf.layers.lstm({ units: 3, returnSequences: true }),
        sees(),
        tf.layers.flatten(),
      ],
    });
    compile(model);
    const losses = await fit(model, 5);
    expect(losses.every(Number.isFinite)).toBe(true);
    const loss = model.evaluate(draw([8, 4, 2], 1), draw([8, 12], 2), { batchSize: 8 }) as tf.Scalar;
    expect(Number.isFinite(loss.dataSync()[0])).toBe(true);
  });

  test('that is given to a TimeDistributed directly is for the layer inside', () => {
    const layer = sees();
    const steps = tf.layers.timeDistributed({ layer });
    const mask = tf.tensor2d([
      [1, 1, 0, 0],
      [1, 1, 1, 0],
    ]);
    steps.apply(sequences(), { training: true, mask });
    expect(seen(layer)).toEqual([PADDED.masked]);
  });
});
