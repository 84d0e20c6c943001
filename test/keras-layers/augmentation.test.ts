/** @file Layers that draw: what they draw from, and that they draw in training alone. Numbers of Keras are golden models. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { ValueError, accelerateTensorFlow } from 'evenkeel';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { describe, expect, test, vi } from 'vitest';
import { BACKENDS } from '../backends.js';

type Layer = tf.layers.Layer;

accelerateTensorFlow();
await tf.setBackend('cpu');

const image = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
const imagesOf = (count: number) => tf.tile(image, [count, 1, 1, 1]);
const train = (layer: Layer, x: tf.Tensor) => layer.apply(x, { training: true }) as tf.Tensor;

/** What becomes of each of many images, as text. */
function outcomes(layer: Layer, count = 400): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of tf.unstack(train(layer, imagesOf(count)))) {
    const key = one.dataSync().join('');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Within five standard deviations of what is expected. */
function expectShares(counts: Map<string, number>, shares: Record<string, number>): void {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  expect([...counts.keys()].sort()).toEqual(Object.keys(shares).sort());
  for (const [key, share] of Object.entries(shares)) {
    expect(Math.abs(counts.get(key)! - share * total)).toBeLessThan(
      5 * Math.sqrt(total * share * (1 - share)),
    );
  }
}

describe('RandomFlip flips each image by itself', () => {
  test.each([
    ['horizontal', { 123456: 0.5, 321654: 0.5 }],
    ['vertical', { 123456: 0.5, 456123: 0.5 }],
    ['horizontalAndVertical', { 123456: 0.5, 654321: 0.5 }],
  ] as const)('%s', (mode, shares) => {
    expectShares(outcomes(kerasLayers.randomFlip({ mode, seed: 1 })), shares);
  });

  test('both ways apart in tf-keras', () => {
    const quarters = { 123456: 0.25, 321654: 0.25, 456123: 0.25, 654321: 0.25 };
    expectShares(outcomes(kerasLayers.randomFlip({ dialect: 'tf-keras', seed: 1 })), quarters);
  });
});

/** Of numbers that are drawn evenly: the least, the greatest and the mean, within a hundredth of the range. */
function expectEven(drawn: readonly number[], from: number, to: number): void {
  const near = (to - from) / 25;
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(from - 1e-6);
  expect(Math.min(...drawn)).toBeLessThan(from + near);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(to + 1e-6);
  expect(Math.max(...drawn)).toBeGreaterThan(to - near);
  expect(Math.abs(drawn.reduce((sum, x) => sum + x, 0) / drawn.length - (from + to) / 2)).toBeLessThan(near);
}

describe('draws evenly for each image', () => {
  const values = (layer: Layer, x: tf.Tensor) => [...train(layer, x).dataSync()];
  const onePixel = tf.fill([1000, 1, 1, 1], 0.5);

  test('RandomBrightness', () => {
    const layer = kerasLayers.randomBrightness({ factor: [-0.1, 0.2], valueRange: [0, 2], seed: 1 });
    expectEven(values(layer, onePixel), 0.3, 0.9);
  });

  test('RandomContrast, where a number begins at 1 in Keras 3', () => {
    const pair = tf.tile(tf.tensor4d([1, 3], [1, 1, 2, 1]), [1000, 1, 1, 1]);
    const factors = (args: Parameters<typeof kerasLayers.randomContrast>[0]) =>
      values(kerasLayers.randomContrast({ seed: 1, ...args }), pair)
        .filter((_, i) => i % 2 === 1)
        .map((value) => value - 2);
    expectEven(factors({ factor: 0.5 }), 1, 1.5);
    expectEven(factors({ factor: [0.25, 0.5] }), 0.75, 1.5);
  });

  test('RandomTranslation', () => {
    const ramp = tf.tile(tf.reshape(tf.range(0, 100), [1, 100, 1, 1]), [1000, 1, 1, 1]);
    const layer = kerasLayers.randomTranslation({ heightFactor: 0.2, widthFactor: 0, seed: 1 });
    const middle = tf.slice(train(layer, ramp), [0, 50, 0, 0], [-1, 1, -1, -1]);
    expectEven([...middle.dataSync()], 30, 70);
  });
});

test('RandomZoom zooms both ways alike where nothing is said of the width', () => {
  const pixels = tf.reshape(tf.range(0, 36), [1, 6, 6, 1]);
  const zoomed = (args: object) => [
    ...train(kerasLayers.randomZoom({ heightFactor: [0.4, 0.4], ...args }), pixels).dataSync(),
  ];
  expect(zoomed({})).toEqual(zoomed({ widthFactor: [0.4, 0.4] }));
  expect(zoomed({})).not.toEqual(zoomed({ widthFactor: 0 }));
});

test('RandomContrast of tf-keras draws once for all images', () => {
  const layer = kerasLayers.randomContrast({ factor: 0.5, dialect: 'tf-keras', seed: 1 });
  const drawn = Array.from({ length: 300 }, () => {
    const [first, second, ...others] = [...train(layer, tf.add(imagesOf(3), 9)).dataSync()];
    expect(others.slice(4, 6)).toEqual([first, second]);
    return second! - first!;
  });
  expectEven(drawn, 0.5, 1.5);
});

test('RandomCrop cuts the same out of all images, from everywhere', () => {
  const layer = kerasLayers.randomCrop({ height: 1, width: 2, seed: 1 });
  const seen = new Map<string, number>();
  for (let i = 0; i < 400; i++) {
    const [one, other] = tf.unstack(train(layer, imagesOf(2))).map((crop) => crop.dataSync().join(''));
    expect(other).toBe(one);
    seen.set(one!, (seen.get(one!) ?? 0) + 1);
  }
  expectShares(seen, { 12: 0.25, 23: 0.25, 45: 0.25, 56: 0.25 });
});

test('RandomHeight draws one size', () => {
  const layer = kerasLayers.randomHeight({ factor: [0, 1], seed: 1 });
  const tall = tf.zeros([2, 50, 3, 1]);
  const sizes = Array.from({ length: 300 }, () => train(layer, tall).shape[1]!);
  expectEven(sizes, 50, 99);
});

test('RandomHeight and RandomWidth leave a pixel at least', () => {
  for (const layer of [
    kerasLayers.randomHeight({ factor: [-1, -0.9], seed: 1 }),
    kerasLayers.randomWidth({ factor: [-1, -0.9], seed: 1 }),
  ]) {
    for (let i = 0; i < 10; i++) expect(train(layer, image).size).toBeGreaterThan(0);
  }
});

test('RandomBrightness moves bytes, where nothing else is said', () => {
  const layer = kerasLayers.randomBrightness({ factor: [0.5, 0.5] });
  expect([...train(layer, tf.tensor4d([0, 100, 200], [1, 1, 3, 1])).dataSync()]).toEqual([127.5, 227.5, 255]);
});

test('a seed gives the same numbers again, and others in the next step', () => {
  const make = () => kerasLayers.randomBrightness({ factor: 0.5, seed: 7 });
  const [one, other] = [make(), make()];
  const step = (layer: Layer) => [...train(layer, imagesOf(2)).dataSync()];
  const first = step(one);
  expect(step(other)).toEqual(first);
  expect(step(one)).not.toEqual(first);
});

const LAYERS: Record<string, () => Layer> = {
  randomFlip: () => kerasLayers.randomFlip(),
  randomRotation: () => kerasLayers.randomRotation({ factor: 0.2 }),
  randomZoom: () => kerasLayers.randomZoom({ heightFactor: 0.2 }),
  randomTranslation: () => kerasLayers.randomTranslation({ heightFactor: 0.2, widthFactor: 0.2 }),
  randomContrast: () => kerasLayers.randomContrast({ factor: 0.2 }),
  randomBrightness: () => kerasLayers.randomBrightness({ factor: 0.2 }),
  randomCrop: () => kerasLayers.randomCrop({ height: 2, width: 3 }),
  randomHeight: () => kerasLayers.randomHeight({ factor: 0.2 }),
  randomWidth: () => kerasLayers.randomWidth({ factor: 0.2 }),
};

describe.each(BACKENDS)('on %s', (backend) => {
  test.each(Object.entries(LAYERS))(
    '%s takes one image, a batch of one, and whole numbers',
    async (_, make) => {
      await tf.setBackend(backend);
      const layer = make();
      const one = tf.tensor3d([1, 2, 3, 4, 5, 6], [2, 3, 1], 'int32');
      const before = tf.memory().numTensors;
      for (const training of [false, true]) {
        const alone = layer.apply(one, { training }) as tf.Tensor;
        const batch = layer.apply(tf.expandDims(one), { training }) as tf.Tensor;
        expect([alone.rank, batch.rank, alone.dtype, batch.dtype]).toEqual([3, 4, 'float32', 'float32']);
        if (!training) expect([...alone.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
        alone.dispose();
        batch.dispose();
      }
      // The batch that was made of the image.
      expect(tf.memory().numTensors).toBe(before + 2);
    },
  );

  test.each(Object.entries(LAYERS))('%s lets gradients through in training', async (_, make) => {
    await tf.setBackend(backend);
    const layer = make();
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const dx = tf.grad((input: tf.Tensor) => tf.sum(train(layer, input)))(x);
    expect([...dx.dataSync()].every(Number.isFinite)).toBe(true);
  });
});

test.each([
  [
    () => kerasLayers.randomFlip({ mode: 'sideways' as never }),
    ValueError,
    /^mode: expected one of horizontal/,
  ],
  [
    () => kerasLayers.randomRotation({ factor: '1' as never }),
    TypeError,
    /^factor: expected a number of turns/,
  ],
  [() => kerasLayers.randomZoom({ heightFactor: -1 }), ValueError, /^heightFactor: .* above -1 and up to 1/],
  [() => kerasLayers.randomTranslation({ heightFactor: 2, widthFactor: 0 }), ValueError, /^heightFactor/],
  [() => kerasLayers.randomContrast({ factor: [0.1] as never }), ValueError, /^factor: .*received \[0.1\]/],
  [() => kerasLayers.randomBrightness({ factor: 0.1, valueRange: 1 as never }), TypeError, /^valueRange/],
  [() => kerasLayers.randomCrop({ height: 0.5, width: 1 }), ValueError, /^height: expected a whole number/],
  [
    () => kerasLayers.resizing({ height: 1, width: 1, cropToAspectRatio: true, padToAspectRatio: true }),
    ValueError,
    /only one of them can be true/,
  ],
  [() => kerasLayers.randomFlip().apply(tf.zeros([2, 2])), ValueError, /takes an image \(rank 3\)/],
])('refuses what cannot be: %s', (make, Refusal, message) => {
  expect(make).toThrow(Refusal);
  expect(make).toThrow(message);
});

test('what only one Keras has is not saved for the other', async () => {
  const modelOf = (layer: Layer) =>
    tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [4, 4, 3] }), layer] });
  const save = (layer: Layer, dialect: 'tf-keras' | 'keras3') =>
    saveKerasModel(modelOf(layer), null, { for: dialect });
  const first = kerasLayers.randomFlip({ dataFormat: 'channelsFirst' });
  await expect(save(first, 'tf-keras')).rejects.toThrow(
    /its data_format is 'channels_first', and tf-keras has only/,
  );
  await expect(save(kerasLayers.randomHeight({ factor: 0.1 }), 'keras3')).rejects.toThrow(
    /Keras 3 has no RandomHeight/,
  );
  await expect(save(kerasLayers.autoContrast(), 'tf-keras')).rejects.toThrow(/tf-keras has no AutoContrast/);
  await expect(save(kerasLayers.randomCrop({ height: 2, width: 2 }), 'tf-keras')).rejects.toThrow(
    /made for 'keras3'/,
  );
});

test('a model saved by TF.js keeps which Keras it draws as', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.inputLayer({ inputShape: [4, 4, 3] }),
      kerasLayers.randomFlip({ dialect: 'tf-keras', mode: 'vertical' }),
      kerasLayers.randomCrop({ height: 2, width: 3 }),
    ],
  });
  const topology = model.toJSON(null, false) as unknown as object;
  const bytes = new TextEncoder().encode(JSON.stringify({ modelTopology: topology, weightsManifest: [] }));
  const loaded = await loadKerasModel([{ name: 'model.json', bytes }]);
  expect(loaded.layers[1]!.getConfig()).toMatchObject({ dialect: 'tf-keras', mode: 'vertical' });
  expect(loaded.layers[2]!.getConfig()).toMatchObject({ dialect: 'keras3', height: 2, width: 3 });
});

test('what is not drawn says so once', async () => {
  const { UNDRAWN } = await import('../../src/keras/layers/undrawn.js');
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  for (const Class of UNDRAWN) {
    const layer = new Class({} as never);
    const x = imagesOf(2);
    layer.apply(x);
    expect(warn).toHaveBeenCalledTimes(0);
    for (let i = 0; i < 2; i++) expect([...train(layer, x).dataSync()]).toEqual([...x.dataSync()]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.lastCall![0]).toContain(`${Class.className} is not drawn here`);
    warn.mockClear();
  }
  warn.mockRestore();
});
