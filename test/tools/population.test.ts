/** @file Merged moments against plain sums over all values. */
import { describe, expect, test } from 'vitest';
import { Population } from '../../src/tools/population.js';

const meanOf = (values: readonly number[]) =>
  values.reduce((total, value) => total + value / values.length, 0);
const varianceOf = (values: readonly number[]) =>
  meanOf(values.map((value) => (value - meanOf(values)) ** 2));

/** Moments of one channel; of several groups where several lists are given. */
const moments = (...groups: number[][]) => ({
  count: Float64Array.from(groups, ({ length }) => length),
  mean: Float64Array.from(groups, (values) => (values.length > 0 ? meanOf(values) : 0)),
  variance: Float64Array.from(groups, (values) => (values.length > 0 ? varianceOf(values) : 0)),
});

const BATCHES = [
  [1, 4, 2],
  [7, 3, 5],
  [2, 2, 6],
  [9, 1, 4],
];

describe('the standard error', () => {
  test('is that of the mean of as many batches: √(Σ (mean − mean of all)² / (k·(k − 1)))', () => {
    const population = new Population(1, false);
    for (const batch of BATCHES) population.add([moments(batch)]);
    const all = varianceOf(BATCHES.flat());
    const errorOf = (values: number[]) => Math.sqrt(varianceOf(values) / (values.length - 1));
    const { mean, variance } = population.standardError(0)!;
    expect(mean).toBeCloseTo(errorOf(BATCHES.map(meanOf)) / Math.sqrt(all), 12);
    expect(variance).toBeCloseTo(errorOf(BATCHES.map(varianceOf)) / all, 12);
  });

  test('is the same however a batch is divided into calls and ghost batches', () => {
    const [whole, divided] = [new Population(1, false), new Population(1, false)];
    for (const [a, b, c] of BATCHES as [number, number, number][]) {
      whole.add([moments([a, b, c])]);
      divided.add([moments([a], [b]), moments([c])]);
    }
    expect(divided.batches).toBe(4);
    expect(divided.standardError(0)!.mean).toBeCloseTo(whole.standardError(0)!.mean, 12);
    expect(divided.shareBetweenBatches()[0]).toBeCloseTo(whole.shareBetweenBatches()[0]!, 12);
    expect(divided.whole().variance[0]).toBeCloseTo(varianceOf(BATCHES.flat()), 12);
  });

  test('is unknown before each channel has had values in two batches', () => {
    const both = (first: number[], second: number[]) => ({
      count: Float64Array.of(first.length, second.length),
      mean: Float64Array.of(meanOf(first), meanOf(second)),
      variance: Float64Array.of(1, 1),
    });
    const population = new Population(2, false);
    expect(population.standardError(0)).toBeNull();
    population.add([both([1, 2], [])]);
    expect(population.standardError(0)).toBeNull();
    population.add([both([1, 3], [2, 3])]);
    expect(population.standardError(0)).toBeNull();
    population.add([both([1, 3], [2, 5])]);
    expect(population.standardError(0)).not.toBeNull();
  });
});

test('moving averages tend to the mean over all calls and ghost batches, each of one weight', () => {
  const population = new Population(1, true);
  population.add([moments([1, 4, 2], [5, 7]), moments([3, 9])]);
  const updates = [
    [1, 4, 2],
    [5, 7],
    [3, 9],
  ];
  const { mean, variance } = population.overUpdates();
  expect(mean[0]).toBeCloseTo(meanOf(updates.map(meanOf)), 12);
  const corrected = updates.map((values) => (varianceOf(values) * values.length) / (values.length - 1));
  expect(variance[0]).toBeCloseTo(meanOf(corrected), 12);
});
