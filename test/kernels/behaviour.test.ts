/** @file What holds of the statistics whatever their size: slabs, NaN and infinities, weights. */
import { describe, expect, test } from 'vitest';
import * as oracle from './oracle.js';
import { gradientSums, moments, slabsOf } from './passes.js';
import { M2, MEAN, SUM } from './tolerances.js';
import { drawn, elementsOf, makeMemory, type Size, VARIANTS, visit, Workbench } from './workbench.js';

const SIZES: Record<string, Size> = {
  'channels last': { outer: 11, groups: 1, middle: 60, channels: 6, inner: 1 },
  'channels last, wide': { outer: 11, groups: 1, middle: 1, channels: 130, inner: 1 },
  groups: { outer: 11, groups: 3, middle: 4, channels: 5, inner: 1 },
  'short runs': { outer: 11, groups: 2, middle: 2, channels: 3, inner: 5 },
  'long runs': { outer: 11, groups: 2, middle: 2, channels: 3, inner: 55 },
};

describe.each(VARIANTS)('in %s memory', (variant) => {
  const bench = new Workbench(makeMemory(variant));

  describe.each(Object.entries(SIZES))('%s', (_, size) => {
    const numbers = size.groups * size.channels;
    const x = drawn(elementsOf(size), 1, 2, 7);
    const dy = drawn(elementsOf(size), 2);
    const centre = drawn(numbers, 3, 1, 7);
    const span = size.inner === 1 ? size.channels : size.inner;
    const weights = {
      values: Float32Array.from({ length: x.length / span }, (_, i) => [1, 0, 0.5][i % 3]!),
      span,
    };

    test.each([
      [5, 6],
      [1, 1, 9],
      [10, 1],
    ])('slabs add up to the whole: %i, %i, …', (...outers) => {
      const slabs = slabsOf(size, outers);
      for (const its of [null, weights]) {
        const whole = oracle.moments(x, size, its);
        const { count, mean, m2 } = moments(bench, x, size, its, { slabs });
        expect(count).toEqual(whole.count);
        whole.mean.forEach((value, k) => {
          const stddev = Math.sqrt(whole.m2[k]! / Math.max(whole.count[k]!, 1e-9));
          expect(Math.abs(mean[k]! - value)).toBeLessThanOrEqual(MEAN * stddev);
          expect(Math.abs(m2[k]! - whole.m2[k]!)).toBeLessThanOrEqual(M2 * whole.m2[k]!);
        });
      }
      const whole = oracle.gradientSums(dy, x, size, centre);
      const { dySum, dyXSum } = gradientSums(bench, dy, x, size, centre, { slabs });
      for (let k = 0; k < numbers; k++) {
        expect(Math.abs(dySum[k]! - whole.dySum[k]!)).toBeLessThanOrEqual(SUM * whole.dyMagnitude[k]!);
        expect(Math.abs(dyXSum[k]! - whole.dyXSum[k]!)).toBeLessThanOrEqual(SUM * whole.dyXMagnitude[k]!);
      }
    });

    test.each([NaN, Infinity, -Infinity])('%d spoils its own channel and no other', (stranger) => {
      const before = moments(bench, x, size, null);
      const sumsBefore = gradientSums(bench, dy, x, size, centre);
      visit(size, (element, k) => {
        if (element % 41 !== 5) return;
        const spoilt = x.slice();
        spoilt[element] = stranger;
        const { count, mean, m2 } = moments(bench, spoilt, size, null);
        const { dySum, dyXSum } = gradientSums(bench, dy, spoilt, size, centre);
        expect(count).toEqual(before.count);
        expect(dySum).toEqual(sumsBefore.dySum);
        for (let other = 0; other < numbers; other++) {
          if (other === k) {
            expect([mean[k], m2[k], dyXSum[k]].some(Number.isFinite)).toBe(false);
          } else {
            expect([mean[other], m2[other]]).toEqual([before.mean[other], before.m2[other]]);
            expect(dyXSum[other]).toBe(sumsBefore.dyXSum[other]);
          }
        }
      });
    });

    test('weights of 1 are as none', () => {
      const ones = { values: new Float32Array(x.length / span).fill(1), span };
      const [weighted, plain] = [ones, null].map((its) => moments(bench, x, size, its)) as [
        ReturnType<typeof moments>,
        ReturnType<typeof moments>,
      ];
      expect(weighted.count).toEqual(plain.count);
      plain.m2.forEach((value, k) => {
        expect(Math.abs(weighted.m2[k]! - value)).toBeLessThanOrEqual(2 * M2 * value);
      });
    });

    test('what has no weight in a first slab is counted from the next one on', () => {
      const late = { values: weights.values.slice().fill(0, 0, (3 * x.length) / 11 / span), span };
      const whole = oracle.moments(x, size, late);
      const spoilt = x.slice().fill(NaN, 0, (3 * x.length) / 11);
      const { count, m2 } = moments(bench, spoilt, size, late, { slabs: slabsOf(size, [3, 8]) });
      expect(count).toEqual(whole.count);
      whole.m2.forEach((value, k) => {
        expect(Math.abs(m2[k]! - value)).toBeLessThanOrEqual(M2 * value);
      });
    });

    test('no weight at all leaves the state as it was', () => {
      const none = { values: new Float32Array(x.length / span), span };
      const { count, mean, m2 } = moments(bench, x.slice().fill(NaN), size, none);
      for (const values of [count, mean, m2]) expect(values).toEqual(new Float64Array(numbers));
    });
  });
});
