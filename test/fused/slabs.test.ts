/**
 * @file The cpu backend's kernels see the data slab by slab, cut as its layout allows: the results are those of the
 * core, and the slabs stay small whatever the layout.
 */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { backward, forward, initialState } from 'evenkeel/core';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { divide } from '../../src/backends/host/slabs.js';
import type { Sizes } from '../../src/backends/host/memory.js';
import { useBackend } from '../backends.js';

beforeAll(() => useBackend('cpu'));
afterEach(() => vi.restoreAllMocks());

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

test('parts follow each other without a gap, name their first channel, and are as small as they can be', () => {
  const length = fc.integer({ min: 1, max: 5 });
  const layouts = fc.tuple(length, length, length, length, fc.integer({ min: 1, max: 20 }));
  fc.assert(
    fc.property(layouts, fc.integer({ min: 1, max: 300 }), fc.nat(), (sizes: Sizes, most, choice) => {
      const [, groups, middle, channels, inner] = sizes;
      const spans = Array.from({ length: inner }, (_, i) => i + 1).filter((i) => inner % i === 0);
      const span = inner === 1 ? 1 : spans[choice % spans.length]!;
      let element = 0;
      const mistakes: unknown[] = [];
      for (const part of divide(sizes, span, most)) {
        const run = Math.floor(element / inner);
        const group = Math.floor(run / (middle * channels)) % groups;
        const number = group * channels + (run % channels);
        const size = product(part.sizes);
        const [, partGroups, , partChannels] = part.sizes;
        const isRight =
          part.firstElement === element &&
          element % span === 0 &&
          part.firstNumber === number &&
          size <= Math.max(most, inner === 1 ? channels : span) &&
          number + partGroups * partChannels <= groups * channels;
        if (!isRight) mistakes.push(part);
        element += size;
      }
      expect(mistakes).toEqual([]);
      expect(element).toBe(product(sizes));
    }),
  );
});

const CASES: Record<string, { shape: number[]; args: BatchNormalizationArgs; isMasked?: boolean }> = {
  'rows of a ghost batch': { shape: [8, 24, 24, 32], args: { virtualBatchSize: 4 } },
  'runs of channels': { shape: [2, 5, 90, 91], args: { axis: 1 } },
  'pieces of a run': { shape: [2, 2, 200, 201], args: { axis: 1 } },
  'pieces of a masked run': { shape: [2, 2, 200, 201], args: { axis: 1 }, isMasked: true },
  'rows of two runs of axes': { shape: [2, 30, 70, 11], args: { axis: [1, 3] } },
  'pieces of a ghost batch’s runs': { shape: [4, 2, 200, 201], args: { axis: 1, virtualBatchSize: 2 } },
};

test.each(Object.entries(CASES))('%s', (_, { shape, args, isMasked }) => {
  const grown = vi.spyOn(WebAssembly.Memory.prototype, 'grow');
  const options = { ...args, ...(isMasked && { fused: false }) } as object;
  const values = tf.tidy(() => tf.randomNormal(shape, 3, 2, 'float32', 1).dataSync<'float32'>());
  const gradients = tf.tidy(() => tf.randomNormal(shape, 0, 1, 'float32', 2).dataSync<'float32'>());
  const weights = Float32Array.from({ length: product(shape.slice(0, -1)) }, (_, i) => (i % 3) / 2);
  const mask = isMasked ? { values: weights, shape: shape.slice(0, -1) } : null;
  const exact = forward({ values: Float64Array.from(values), shape }, initialState(options, shape), options, {
    training: true,
    mask,
  });
  const { dx } = backward(gradients, exact.saved);

  tf.tidy(() => {
    // Keras' rule would have the kernels ignore the mask, but for an adjustment, which this one is of no effect.
    const layer = layerBatchNormalization(isMasked ? { ...args, adjustment: () => [1, 0] } : args);
    const call = { training: true, mask: mask && tf.tensor(weights, mask.shape) };
    const apply = (x: tf.Tensor) => layer.apply(x, call) as tf.Tensor;
    const x = tf.tensor(values, shape);
    const y = apply(x).dataSync();
    const actualDx = tf.grad(apply)(x, tf.tensor(gradients, shape)).dataSync();
    const worst = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
      let most = 0;
      for (let i = 0; i < actual.length; i++) {
        const distance = Math.abs(actual[i]! - expected[i]!);
        if (!(distance <= most)) most = distance;
      }
      return most;
    };
    expect(worst(y, exact.y)).toBeLessThanOrEqual(1e-6);
    expect(worst(actualDx, dx)).toBeLessThanOrEqual(2e-6);
  });
  const pages = grown.mock.calls.reduce((sum, [delta]) => sum + delta, 0);
  expect(pages * 65_536).toBeLessThan(2 ** 20);
});
