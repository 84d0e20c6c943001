/** @file How near the statistics of whole batches come, wherever their mean is and in whatever order they stand. */
import { describe, expect, test } from 'vitest';
import * as oracle from './oracle.js';
import { gradientSums, moments } from './passes.js';
import { LARGE_MEAN, LARGE_VARIANCE, M2, MEAN, ROUNDING } from './tolerances.js';
import { elementsOf, makeMemory, normal, type Size, visit, Workbench } from './workbench.js';

const bench = new Workbench(makeMemory('plain'));

const LAYOUTS: Record<string, Size> = {
  'channels last': { outer: 1, groups: 1, middle: 3136, channels: 32, inner: 1 },
  'channels first': { outer: 16, groups: 1, middle: 1, channels: 32, inner: 196 },
  'channels first, long runs': { outer: 1, groups: 1, middle: 1, channels: 5, inner: 40_000 },
  'three channels': { outer: 1, groups: 1, middle: 30_000, channels: 3, inner: 1 },
  'ghost batches': { outer: 4, groups: 4, middle: 784, channels: 8, inner: 1 },
  'two runs of axes': { outer: 64, groups: 8, middle: 12, channels: 32, inner: 1 },
};

/** What rounding may do: to numbers in no order, and to the worst of orders. */
const RANDOM = { mean: LARGE_MEAN, m2: LARGE_VARIANCE };
const ADVERSE = { mean: MEAN, m2: M2 };

/** Fails unless mean and variance are near, and returns nothing. */
function expectAccurate(
  x: Float32Array,
  size: Size,
  tolerance: typeof RANDOM,
  weights: oracle.Weights | null = null,
): void {
  const expected = oracle.moments(x, size, weights);
  const actual = moments(bench, x, size, weights);
  for (let k = 0; k < expected.mean.length; k++) {
    expect(actual.count[k]).toBe(expected.count[k]);
    if (expected.count[k] === 0) continue;
    const stddev = Math.sqrt(expected.m2[k]! / expected.count[k]!);
    // The oracle's own mean is no nearer than float64 can say it.
    const allowed = tolerance.mean * stddev + 1e-13 * Math.abs(expected.mean[k]!);
    expect(Math.abs(actual.mean[k]! - expected.mean[k]!), `mean of ${k}`).toBeLessThanOrEqual(allowed);
    expect(Math.abs(actual.m2[k]! / expected.m2[k]! - 1), `m2 of ${k}`).toBeLessThanOrEqual(tolerance.m2);
  }
}

describe.each(Object.entries(LAYOUTS))('%s', (_, size) => {
  const noise = normal(elementsOf(size), 1234);
  /** The noise made into something else, by element, by k and by how far its channel has come, 0 to 1. */
  const made = (from: (value: number, k: number, progress: number) => number) => {
    const x = new Float32Array(noise.length);
    const seen = new Map<number, number>();
    const each = noise.length / (size.groups * size.channels);
    visit(size, (element, k) => {
      const before = seen.get(k) ?? 0;
      seen.set(k, before + 1);
      x[element] = from(noise[element]!, k, before / each);
    });
    return x;
  };

  test.each([0, 1e2, -1e4, 1e6])('has mean and variance about %d', (mean) => {
    expectAccurate(
      made((value) => mean + value),
      size,
      RANDOM,
    );
  });

  test('has them where weights are given', () => {
    const span = size.inner === 1 ? size.channels : size.inner;
    const values = Float32Array.from(
      { length: noise.length / span },
      (_, i) => [1, 0, 1, 0.5, 1, 1, 2, 0][i % 8]!,
    );
    expectAccurate(
      made((value) => 1e3 + value),
      size,
      RANDOM,
      { values, span },
    );
  });

  test('has them of a ramp, of steps and of what is sorted', () => {
    expectAccurate(
      made((value, k, progress) => 100 * progress + k + 1e-3 * value),
      size,
      ADVERSE,
    );
    expectAccurate(
      made((value, _, progress) => (progress < 0.9 ? -1000 : 1000) + value),
      size,
      ADVERSE,
    );
    const sorted = noise.toSorted((a, b) => a - b);
    expectAccurate(
      made((_, k, progress) => 50 + k + sorted[Math.floor(progress * (sorted.length - 1))]!),
      size,
      ADVERSE,
    );
  });

  test('has them if the first elements lie far from all others', () => {
    for (const share of [1e-3, 0.02]) {
      expectAccurate(
        made((value, _, progress) => (progress <= share ? 1e4 : 0) + value),
        size,
        ADVERSE,
      );
    }
  });

  test.each([1e-15, 1e15])('has them of magnitudes about %d', (scale) => {
    expectAccurate(
      made((value, k) => scale * (k + value)),
      size,
      RANDOM,
    );
  });

  test('has a variance of 0 where all is the same, and that as its mean', () => {
    const constants = [0, 0.1, -1234.567, 1e6 / 3, 1e-30, 3e15].map(Math.fround);
    const x = made((_, k) => constants[k % constants.length]!);
    const { mean, m2 } = moments(bench, x, size, null);
    expect(new Set(m2)).toEqual(new Set([0]));
    mean.forEach((value, k) => {
      expect(value).toBe(constants[k % constants.length]);
    });
  });

  test('adds up gradients with an error near that of one number', () => {
    const x = made((value) => 1e4 + value);
    const dy = Float32Array.from(normal(noise.length, 99));
    const centre = new Float32Array(size.groups * size.channels).fill(1e4);
    const expected = oracle.gradientSums(dy, x, size, centre);
    const actual = gradientSums(bench, dy, x, size, centre);
    for (let k = 0; k < centre.length; k++) {
      const [dyError, dyXError] = [
        actual.dySum[k]! - expected.dySum[k]!,
        actual.dyXSum[k]! - expected.dyXSum[k]!,
      ];
      expect(Math.abs(dyError) / expected.dyMagnitude[k]!).toBeLessThanOrEqual(ROUNDING);
      expect(Math.abs(dyXError) / expected.dyXMagnitude[k]!).toBeLessThanOrEqual(ROUNDING);
    }
  });
});
