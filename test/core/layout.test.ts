/** @file The canonical layout against the definition: which group and channel, and which parameter, has each element. */
import { forward, initialState } from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { forEachElement, makeLayout } from '../../src/core/layout.js';
import { largestDifference, normalized, numbers, parameterOf, sizeOf, statisticsKey } from './reference.js';

/** [shape, axes, virtualBatchSize, outer, groups, middle, channels, inner, whether the input must be transposed] */
const LAYOUTS = [
  [[6, 2, 3, 5], [3], null, 36, 1, 1, 5, 1, false],
  [[6, 5, 2, 3], [1], null, 6, 1, 1, 5, 6, false],
  [[6, 5], [0], null, 1, 1, 1, 6, 5, false],
  [[7], [0], null, 1, 1, 1, 7, 1, false],
  [[6, 2, 3, 5], [1, 2], null, 6, 1, 1, 6, 5, false],
  [[6, 2, 3, 5], [0, 1, 2, 3], null, 1, 1, 1, 180, 1, false],
  [[6, 2, 3, 5], [1, 3], null, 6, 2, 3, 5, 1, false],
  [[6, 2, 3, 5], [0, 3], null, 1, 6, 6, 5, 1, false],
  [[3, 2, 2, 4, 5, 2], [0, 3, 4], null, 1, 3, 4, 20, 2, false],
  [[3, 2, 2, 4, 5, 2], [1, 4], null, 3, 2, 8, 5, 2, false],
  [[3, 2, 2, 4, 2], [0, 2, 4], null, 8, 1, 1, 12, 1, true],
  [[2, 3, 2, 2, 3, 2], [1, 3, 5], null, 12, 1, 1, 12, 1, true],
  [[6, 5], [1], 2, 2, 3, 1, 5, 1, false],
  [[6, 5, 4], [1], 3, 3, 2, 1, 5, 4, false],
  [[6, 2, 3, 5], [3], 1, 1, 6, 6, 5, 1, false],
  [[6, 2, 3, 5], [3], 6, 6, 1, 6, 5, 1, false],
  [[6, 2, 3, 5, 2], [3], 2, 2, 3, 6, 5, 2, false],
  [[6, 2, 3, 5], [1, 3], 2, 2, 6, 3, 5, 1, false],
  [[6, 2, 3, 5, 2], [1, 2, 4], 3, 3, 12, 5, 2, 1, false],
  [[6, 3, 2, 2, 4], [2, 4], 2, 2, 3, 6, 8, 1, true],
  [[6, 3, 2, 2, 4], [1, 3], 2, 2, 9, 2, 2, 4, false],
  [[4, 2, 3, 2, 2, 3], [1, 3, 5], 2, 2, 2, 6, 12, 1, true],
] as const;

describe.each(LAYOUTS)(
  'an input of shape %j with axes %j and virtualBatchSize %j',
  (shape, axes, size, ...rest) => {
    const [outer, groups, middle, channels, inner, isTransposed] = rest;
    const layout = makeLayout(shape, axes, size);

    test('has the canonical layout that fits', () => {
      expect(layout).toMatchObject({ outer, groups, middle, channels, inner });
      expect(layout.permutation !== null).toBe(isTransposed);
    });

    test('shows every element once, with those it shares its statistics and its parameter with', () => {
      const keys = new Map<number, string>();
      const visited = new Set<number>();
      const parameters = (groups * channels) / layout.ghosts;
      forEachElement(layout, (i, k) => {
        expect(visited.has(i)).toBe(false);
        visited.add(i);
        const key = statisticsKey(i, shape, axes, size);
        expect(keys.get(k) ?? key).toBe(key);
        keys.set(k, key);
        expect(k % parameters).toBe(parameterOf(i, shape, axes));
      });
      expect(visited.size).toBe(sizeOf(shape));
      expect(new Set(keys.values()).size).toBe(groups * channels);
    });
  },
);

describe('training normalizes every channel by its own mean and variance', () => {
  const epsilon = 0.01;

  function expectDefinition(shape: number[], axis: readonly number[], virtualBatchSize: number | null) {
    const values = numbers(sizeOf(shape), sizeOf(shape));
    const options = { axis, virtualBatchSize, epsilon, fused: false };
    const state = initialState(options, shape);
    const { y } = forward({ values, shape }, state, options, { training: true });
    expect(largestDifference(y, normalized(values, shape, axis, virtualBatchSize, epsilon))).toBeLessThan(
      1e-12,
    );
  }

  const CHANNELS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17];
  const INNER = [1, 3, 4, 5];
  const BATCH = [1, 2, 5];
  const grid = CHANNELS.flatMap((channels) =>
    INNER.flatMap((inner) => BATCH.map((batch) => [batch, channels, inner])),
  );

  test('for all 144 sizes of batch, channels and what follows them', () => {
    expect(grid).toHaveLength(144);
    for (const shape of grid) expectDefinition(shape, [1], null);
  });

  test('for all of them with two separate axes', () => {
    for (const [batch, channels, inner] of grid)
      expectDefinition([batch!, 3, inner!, channels!], [1, 3], null);
  });

  test('for all of them in ghost batches', () => {
    for (const [batch, channels, inner] of grid) expectDefinition([2 * batch!, channels!, inner!], [1], 2);
  });

  test('for axes and ghost batches of every layout', () => {
    for (const [shape, axes, size] of LAYOUTS) expectDefinition([...shape], axes, size);
  });
});
