/** @file Mistakes in the arguments and the inputs of `kerasLayers`: each is told at once, and leaves nothing in memory. */
import * as tf from '@tensorflow/tfjs';
import { ValueError } from 'evenkeel';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Make = (args: unknown) => tf.layers.Layer;
const make = (name: keyof typeof kerasLayers, args: unknown) => (kerasLayers[name] as Make)(args);

describe('arguments', () => {
  test.each<[keyof typeof kerasLayers, unknown, ErrorConstructor | typeof ValueError, RegExp]>([
    ['gru', { unitz: 3 }, TypeError, /Unknown argument 'unitz' of GRU\. Did you mean 'units'\?/],
    ['gru', undefined, TypeError, /arguments of GRU: expected an object/],
    ['gru', 3, TypeError, /arguments of GRU: expected an object/],
    ['gru', { units: '3' }, TypeError, /units: expected a whole number/],
    ['gru', { units: 3, useBias: 'no' }, TypeError, /useBias: expected true or false/],
    ['gru', { units: 3, returnSequences: 'x' }, TypeError, /returnSequences: expected true or false/],
    ['gru', { units: 3, resetAfter: 2 }, TypeError, /resetAfter: expected true or false/],
    ['gru', { units: 3, stateful: 'x' }, TypeError, /stateful: expected true or false/],
    ['lstm', { units: 3, unitForgetBias: 'x' }, TypeError, /unitForgetBias: expected true or false/],
    ['conv2d', { filters: 1, kernelSize: 1, useBias: 'x' }, TypeError, /useBias: expected true or false/],
    ['convLstm2d', { filters: 2 }, TypeError, /kernelSize: expected positive integers/],
    ['attention', { useScale: 'x' }, TypeError, /useScale: expected true or false/],
    ['multiHeadAttention', { numHeads: 2, keyDim: 2, attentionAxes: 'x' }, TypeError, /attentionAxes: /],
    ['multiHeadAttention', { numHeads: 2, keyDim: 2, outputShape: 'x' }, TypeError, /outputShape: /],
    [
      'multiHeadAttention',
      { numHeads: 2, keyDim: 2, tensorArguments: ['values'] },
      ValueError,
      /tensorArguments: /,
    ],
    ['einsumDense', { equation: 'ab,bc->ac' }, TypeError, /outputShape: /],
    ['normalization', { axis: 'x' }, ValueError, /axis: expected whole numbers or null/],
    ['normalization', { invert: 'x' }, TypeError, /invert: expected true or false/],
    ['resizing', { height: 3, width: 3, antialias: 'x' }, TypeError, /antialias: expected true or false/],
    ['operation', {}, TypeError, /operation: expected the name of one/],
    ['operation', { operation: 'abs' }, TypeError, /parameters: expected an object/],
  ])('%s %j', (name, args, Refusal, message) => {
    const before = tf.memory().numTensors;
    expect(() => make(name, args)).toThrow(message);
    expect(() => make(name, args)).toThrow(Refusal);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('inputs', () => {
  const head = { numHeads: 2, keyDim: 2 };
  test.each<[keyof typeof kerasLayers, unknown, (number | null)[][], RegExp]>([
    ['softmax', {}, [[4], [4]], /expected one input, received 2/],
    ['flatten', {}, [[4], [4]], /expected one input, received 2/],
    ['normalization', { mean: 0, variance: 1 }, [[4], [4]], /expected one input, received 2/],
    ['subtract', {}, [[4]], /expected two inputs, received 1/],
    ['subtract', {}, [[4], [4], [4]], /expected two inputs, received 3/],
    ['hashedCrossing', { numBins: 2 }, [[1]], /expected two or more inputs, received 1/],
    ['attention', {}, [[4, 5]], /expected \[query, value\] or .*, received 1/],
    ['attention', {}, [[4], [4]], /expected queries and values of a batch, steps and features/],
    ['multiHeadAttention', head, [[4, 5]], /expected \[query, value\] or .*, received 1/],
    ['multiHeadAttention', head, [[4], [4]], /expected queries and values of a batch, steps and features/],
    ['gru', { units: 3 }, [[4, 5, 6]], /a batch, steps and features \(rank 3\), received .*4, 5, 6/],
    ['gru', { units: 3 }, [[4, null]], /its 'kernel' would have the shape \[null, 9\]/],
    ['convLstm2d', { filters: 2, kernelSize: 2 }, [[4, 5, 6]], /steps and images \(rank 5\)/],
    ['convLstm2d', { filters: 2, kernelSize: 9 }, [[4, 5, 6, 1]], /larger than its images \[5, 6\]/],
    ['maxPooling1d', { poolSize: 9 }, [[4, 4]], /poolSize \[9\]\) are larger than its input/],
  ])('%s %j on %j', (name, args, shapes, message) => {
    const inputs = shapes.map((shape) => tf.input({ shape }));
    const before = tf.memory().numTensors;
    expect(() => make(name, args).apply(inputs.length === 1 ? inputs[0]! : inputs)).toThrow(message);
    expect(() => make(name, args).apply(inputs.length === 1 ? inputs[0]! : inputs)).toThrow(ValueError);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a first state of other sizes', () => {
    const layer = kerasLayers.gru({ units: 3 });
    const x = tf.ones([2, 4, 5]);
    layer.apply(x);
    expect(() => layer.apply([x, tf.ones([2, 1])])).toThrow(
      /expected a first state of shape \[2, 3\], received \[2, 1\]/,
    );
  });
});

test('files of Keras may have 1 and 0 for true and false', async () => {
  const layer = kerasLayers.gru({ units: 2, returnSequences: true, useBias: false, inputShape: [3, 4] });
  const bytes = await saveKerasModel(tf.sequential({ layers: [layer] }), null, {
    for: 'tf-keras',
    format: 'h5',
  });
  const text = Buffer.from(bytes).toString('latin1');
  const changed = text
    .replace('"return_sequences": true', '"return_sequences": 1   ')
    .replace('"return_sequences":true', '"return_sequences":1   ')
    .replace('"use_bias": false', '"use_bias": 0    ')
    .replace('"use_bias":false', '"use_bias":0    ');
  expect(changed).not.toBe(text);
  const loaded = await loadKerasModel(new Uint8Array(Buffer.from(changed, 'latin1')));
  expect(loaded.layers.at(-1)!.getConfig()).toMatchObject({ returnSequences: true, useBias: false });
});
