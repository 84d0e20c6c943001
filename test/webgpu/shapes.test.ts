/**
 * @file Shapes that the golden cases are too small for: lanes that are cut into slices, loads of one and of four
 * numbers, every dimension of the layout; against the core in float64.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { backward, forward, initialState } from 'evenkeel/core';
import { expect, test } from 'vitest';
import { describeWebgpu, webgpu } from './suite.js';

type Case = [shape: number[], args?: BatchNormalizationArgs, isMasked?: boolean];

const CASES: Case[] = [
  // One channel is one run; so many channels that a workgroup has more of them than elements of each.
  [[4099, 1]],
  [[2, 600]],
  [[1, 5]],
  // Channels last in fours and not, short and cut.
  [[9000, 8]],
  [[80_000, 4]],
  [[5000, 3]],
  [[300, 260]],
  // Channels first: runs of fours and not, short and long.
  [[3, 2, 4000], { axis: 1 }],
  [[3, 2, 4001], { axis: 1 }],
  [[700, 5, 2, 2], { axis: 1 }],
  [[200, 37, 7], { axis: 1 }],
  // Two runs of axes, with groups and middle: in fours, along and across, and not.
  [[60, 3, 50, 4], { axis: [1, 3] }],
  [[60, 3, 50, 5], { axis: [1, 3] }],
  [[20, 3, 50, 5, 8], { axis: [1, 3] }],
  // Ghost batches, cut and not.
  [[24, 40, 40, 4], { virtualBatchSize: 8 }],
  [[8, 5, 30, 3], { virtualBatchSize: 4, axis: [1, 3] }],
  [[32, 7, 9], { virtualBatchSize: 8, axis: 1 }],
  // A transposed copy.
  [[6, 2, 5, 3, 4], { axis: [0, 2, 4] }],
  [[3, 2, 3, 2, 3, 4], { axis: [1, 3, 5] }],
  // Masks, whose weights cover fours and not; some of what they keep out is not a number.
  [[3000, 2, 4], {}, true],
  [[700, 3, 3], {}, true],
  [[40, 4, 30, 6], { axis: [2, 3], adjustment: () => [1, 0] }, true],
  [[40, 3, 30, 8], { axis: 1, adjustment: () => [1, 0] }, true],
  [[6, 2, 5, 3, 4], { axis: [0, 2, 4] }, true],
];

function largest(values: ArrayLike<number>, from: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < from.length; i++) {
    const distance = Math.abs(values[i]! - from[i]!);
    if (!(distance <= most) && !(Number.isNaN(values[i]) && Number.isNaN(from[i]))) most = distance;
  }
  return values.length === from.length ? most : Infinity;
}

const magnitude = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => (Math.abs(value) > most ? Math.abs(value) : most), 0);

/** A step of the layer, compared with the core's: the largest error of each result. */
async function errorsOf([shape, args = {}, isMasked = false]: Case): Promise<Record<string, number>> {
  const rows = shape.slice(0, -1);
  const weights = Float32Array.from(
    { length: tf.util.sizeFromShape(rows) },
    (_, i) => (i * 7919) % 4 && (i % 3) / 2,
  );
  const drawn = (mean: number, deviation: number, seed: number, padding: number) => {
    // Drawn numbers are still where JavaScript reads them.
    const values = tf.randomNormal(shape, mean, deviation, 'float32', seed).dataSync<'float32'>();
    const last = shape.at(-1)!;
    return values.map((value, i) =>
      isMasked && weights[Math.floor(i / last)] === 0 && i % 5 === 0 ? padding : value,
    );
  };
  const [values, gradientValues] = [drawn(30, 2, 1, NaN), drawn(0.1, 1, 2, 0)];
  const [x, dy] = [tf.tensor(values, shape), tf.tensor(gradientValues, shape)];
  const { adjustment, ...options } = args;
  const mask = isMasked ? { values: weights, shape: rows } : null;
  const exactOptions = { ...options, ...(isMasked && { fused: false }) } as object;
  const X = { values: Float64Array.from(values), shape };
  const state = initialState(exactOptions, shape);
  const exact = forward(X, state, exactOptions, { training: true, mask });
  const gradients = backward(gradientValues, exact.saved);

  const layer = layerBatchNormalization({ ...options, adjustment: adjustment ?? null });
  layer.build(shape);
  const call = { training: true, mask: isMasked ? tf.tensor(weights, rows) : null };
  const f = tf.grads(((input: tf.Tensor) => layer.apply(input, call)) as never);
  const [dx, dgamma, dbeta] = f([x, layer.gamma!.read(), layer.beta!.read()] as never, dy);
  const y = layer.apply(x, { ...call, updateMovingStatistics: false }) as tf.Tensor;
  const compare = async (got: tf.Tensor, want: ArrayLike<number>, scale = Math.max(1, magnitude(want))) =>
    largest(await got.data(), want) / scale;
  // A sum of so many terms, of about 1 and either sign, is as exact as the terms.
  const terms = x.size / layer.gamma!.read().size;
  return {
    y: await compare(y, exact.y),
    dx: await compare(dx!, gradients.dx),
    dgamma: await compare(dgamma!, gradients.dgamma!, terms + magnitude(gradients.dgamma!)),
    dbeta: await compare(dbeta!, gradients.dbeta!, terms + magnitude(gradients.dbeta!)),
    movingMean: await compare(layer.movingMean.read(), exact.state.movingMean),
    movingVariance: await compare(layer.movingVariance.read(), exact.state.movingVariance),
  };
}

describeWebgpu(() => {
  async function expectExact(of: Case): Promise<void> {
    const errors = await errorsOf(of);
    for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThanOrEqual(5e-7);
  }

  test.each(CASES)('is exact to float32: %j %o', (...of) => expectExact(of));

  test('folds more workgroups than a dimension may have, of reductions and of writes', async () => {
    const { device } = webgpu();
    const { limits } = device;
    const fewer = { maxComputeWorkgroupsPerDimension: 300, maxStorageBufferBindingSize: 2 ** 27 };
    Object.defineProperty(device, 'limits', { value: fewer, configurable: true });
    try {
      await expectExact([[2, 39_999]]);
      await expectExact([[16, 70, 35], { axis: 1 }]);
    } finally {
      Object.defineProperty(device, 'limits', { value: limits, configurable: true });
    }
  });

  test.each([1e-16, 1e-12, 1e12, 1e15, 1e17])(
    'is exact to float32 at deviations of %d',
    async (deviation) => {
      const shape = [60, 3];
      const draw = (seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed).dataSync<'float32'>();
      const [values, dy] = [draw(1).map((value) => value * deviation), draw(2)];
      const options = { epsilon: 0 };
      const exact = forward(
        { values: Float64Array.from(values), shape },
        initialState(options, shape),
        options,
        {
          training: true,
        },
      );
      const layer = layerBatchNormalization(options);
      const f = (x: tf.Tensor) => layer.apply(x, { training: true }) as tf.Tensor;
      const { value, grad } = tf.valueAndGrad(f)(tf.tensor(values, shape), tf.tensor(dy, shape));
      const { dx } = backward(dy, exact.saved);
      expect(largest(await value.data(), exact.y)).toBeLessThan(2e-6);
      expect(largest(await grad.data(), dx) / magnitude(dx)).toBeLessThan(2e-6);
    },
  );

  const adjusted: [number[], BatchNormalizationArgs][] = [
    [[4, 3, 2, 2, 4], {}],
    [[4, 3, 2, 2, 4], { axis: 1 }],
    [[4, 3, 2, 2, 4], { fused: false }],
    [[4, 3, 1, 2, 2, 4], { axis: 1 }],
    [[4, 3, 1, 2, 2, 4], { fused: false }],
  ];
  test.each(adjusted)('takes an adjustment of rank 1 at ranks 5 and 6: %j %o', async (shape, options) => {
    // Numbers that JavaScript can read TF.js would compute with there.
    const onDevice = (values: number[]) => tf.sum(tf.stack([tf.tensor1d(values), tf.zeros([4])]), 0);
    const layer = layerBatchNormalization({
      ...options,
      adjustment: () => [onDevice([1, 2, 3, 4]), onDevice([4, 3, 2, 1])],
    });
    const x = tf.randomNormal(shape, 3, 2, 'float32', 1);
    const values = x.dataSync<'float32'>();
    const core = options as object;
    const exact = forward({ values: Float64Array.from(values), shape }, initialState(core, shape), core, {
      training: true,
      adjustment: {
        scale: { values: Float64Array.of(1, 2, 3, 4), shape: [4] },
        bias: { values: Float64Array.of(4, 3, 2, 1), shape: [4] },
      },
    });
    const y = layer.apply(x, { training: true }) as tf.Tensor;
    expect(largest(await y.data(), exact.y)).toBeLessThan(1e-5);
  });

  test('works under TF.js’ check for leaks in kernels', async () => {
    tf.env().set('IS_TEST', true);
    try {
      const layer = layerBatchNormalization();
      const x = tf.randomNormal([6000, 8]);
      const dx = tf.grad((input: tf.Tensor) => layer.apply(input, { training: true }) as tf.Tensor)(x);
      expect((await dx.data()).every(Number.isFinite)).toBe(true);
    } finally {
      tf.env().set('IS_TEST', false);
    }
  });

  test('builds with ghost batches and renorm at rank 6', async () => {
    const layer = layerBatchNormalization({ virtualBatchSize: 2, renorm: true });
    const y = layer.apply(tf.ones([4, 2, 1, 2, 1, 3]), { training: true }) as tf.Tensor;
    expect((await y.data()).every(Number.isFinite)).toBe(true);
  });

  test('refuses what the device cannot bind, and leaves weights alone', async () => {
    const { device } = webgpu();
    const { limits } = device;
    const layer = layerBatchNormalization();
    layer.build([null, 8]);
    const x = tf.ones([100, 8]);
    const less = { maxComputeWorkgroupsPerDimension: 65_535, maxStorageBufferBindingSize: 3000 };
    Object.defineProperty(device, 'limits', { value: less, configurable: true });
    try {
      for (const training of [true, false]) {
        expect(() => layer.apply(x, { training })).toThrow(
          'A tensor of shape [100,8] has 3200 bytes, more than this device lets a program see at once, 3000.',
        );
      }
    } finally {
      Object.defineProperty(device, 'limits', { value: limits, configurable: true });
    }
    expect([...(await layer.movingMean.read().data())]).toEqual(new Array(8).fill(0));
  });
});
