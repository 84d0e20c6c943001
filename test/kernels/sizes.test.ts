/** @file Every channel count, inner length, group count, alignment and span of weights against the naive loops. */
import { describe, expect, test } from 'vitest';
import * as oracle from './oracle.js';
import { gradientNormalize, gradientSums, type Misalignments, moments, normalize } from './passes.js';
import { M2, MEAN, SUM } from './tolerances.js';
import { drawn, elementsOf, makeMemory, type Size, VARIANTS, Workbench } from './workbench.js';

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
const CHANNELS = [...upTo(17), 31, 32, 33];

/** All small sizes; of the larger ones, that runs and strands need, every channel count. */
function sizesOf(channels: number): Size[] {
  const sizes: Size[] = [];
  for (const inner of upTo(5)) {
    for (const groups of upTo(4)) {
      for (const middle of upTo(4)) {
        for (const outer of upTo(5)) sizes.push({ outer, groups, middle, channels, inner });
      }
    }
  }
  for (const [i, inner] of [15, 16, 49, 784].entries()) {
    sizes.push({ outer: 2, groups: 1 + (channels % 4), middle: 1 + (i % 3), channels, inner });
    sizes.push({ outer: 1, groups: 1, middle: 5, channels, inner });
  }
  for (const middle of [63, 64, 65, 1023, 1024, 1025, 4099]) {
    sizes.push({ outer: 1, groups: 1, middle, channels, inner: 1 });
  }
  sizes.push({ outer: 3, groups: 2, middle: 300, channels, inner: 1 });
  sizes.push({ outer: 2, groups: 1, middle: 1030, channels, inner: 2 });
  sizes.push({ outer: 2, groups: 3, middle: 77, channels, inner: 3 });
  return sizes;
}

/** Every alignment of every buffer, in turn. */
const misalignments = (turn: number): Misalignments => [
  turn % 4,
  (turn >> 2) % 4,
  (turn >> 4) % 4,
  (turn >> 6) % 4,
];

const divisorsOf = (n: number) => upTo(n).filter((d) => n % d === 0);

/** 0, 1 and fractions that float32 holds, each span's different from its neighbours'; the span changes by turns. */
function weightsFor(size: Size, turn: number): oracle.Weights {
  const divisors = divisorsOf(size.inner === 1 ? size.channels : size.inner);
  const span = turn % 2 === 0 ? divisors.at(-1)! : divisors[(turn >> 1) % divisors.length]!;
  const weights = [0, 1, 0.5, 1, 1, 0.25, 0, 2];
  const values = Float32Array.from(
    { length: elementsOf(size) / span },
    (_, i) => weights[(i * 3 + turn + Math.floor(i / 8)) % weights.length]!,
  );
  return { values, span };
}

/** `actual` to the last bit; NaN equals NaN. */
function expectSame(actual: Float32Array, expected: Float32Array, what: string): void {
  if (actual.length !== expected.length) expect.fail(`${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    // A zero's sign is not looked at.
    if (actual[i] !== expected[i] && !(Number.isNaN(actual[i]) && Number.isNaN(expected[i]))) {
      expect.fail(`${what}: ${actual[i]} instead of ${expected[i]} at ${i}`);
    }
  }
}

function expectNear(actual: number, expected: number, allowed: number, what: string): void {
  if (!(Math.abs(actual - expected) <= allowed)) {
    expect.fail(`${what}: ${actual} instead of ${expected}, allowed ${allowed}`);
  }
}

function checkMoments(bench: Workbench, size: Size, turn: number, isWeighted: boolean): void {
  const x = drawn(elementsOf(size), turn, 2, turn % 3);
  const weights = isWeighted ? weightsFor(size, turn) : null;
  if (weights) {
    // Whatever has no weight may be anything.
    for (let i = 0; i < x.length; i++) {
      if (weights.values[Math.floor(i / weights.span)] === 0 && i % 3 > 0)
        x[i] = i % 3 === 1 ? NaN : Infinity;
    }
  }
  const expected = oracle.moments(x, size, weights);
  const actual = moments(bench, x, size, weights, { at: misalignments(turn) });
  const what = `${oracle.nameOf(size)}${weights ? `, span ${weights.span}` : ''}`;
  for (let k = 0; k < expected.count.length; k++) {
    const [count, m2] = [expected.count[k]!, expected.m2[k]!];
    expectNear(actual.count[k]!, count, 0, `${what}: count of ${k}`);
    // Of one element, or several that are alike, the shift is rounded.
    const allowed = MEAN * Math.sqrt(count === 0 ? 0 : m2 / count);
    expectNear(actual.mean[k]!, expected.mean[k]!, allowed + 1e-14, `${what}: mean of ${k}`);
    expectNear(actual.m2[k]!, m2, M2 * m2 + 1e-13, `${what}: m2 of ${k}`);
  }
}

function checkGradientSums(bench: Workbench, size: Size, turn: number): void {
  const x = drawn(elementsOf(size), turn, 2, 3);
  const dy = drawn(elementsOf(size), turn + 1);
  const centre = drawn(size.groups * size.channels, turn + 2, 1, 3);
  dy.forEach((_, i) => {
    if (i % 7 === 3) {
      dy[i] = 0;
      if (i % 2 === 1) x[i] = i % 4 === 1 ? NaN : -Infinity;
    }
  });
  const expected = oracle.gradientSums(dy, x, size, centre);
  const actual = gradientSums(bench, dy, x, size, centre, { at: misalignments(turn) });
  const what = oracle.nameOf(size);
  for (let k = 0; k < centre.length; k++) {
    const [dyAllowed, dyXAllowed] = [SUM * expected.dyMagnitude[k]!, SUM * expected.dyXMagnitude[k]!];
    expectNear(actual.dySum[k]!, expected.dySum[k]!, dyAllowed, `${what}: Σdy of ${k}`);
    expectNear(actual.dyXSum[k]!, expected.dyXSum[k]!, dyXAllowed, `${what}: Σdy·x of ${k}`);
  }
}

/** NaN and infinities here and there, which must stay where they are. */
function withStrangers(values: Float32Array): Float32Array {
  [NaN, Infinity, -Infinity].forEach((stranger, i) => {
    values[(values.length * (2 * i + 1)) >> 3] = stranger;
  });
  return values;
}

function checkNormalize(bench: Workbench, size: Size, turn: number): void {
  const x = withStrangers(drawn(elementsOf(size), turn, 2, 3));
  const coefficients = drawn(3 * size.groups * size.channels, turn + 1, 4, 1);
  const options = { at: misalignments(turn), isInPlace: turn % 3 === 0 };
  const actual = normalize(bench, x, size, coefficients, options);
  expectSame(actual, oracle.normalize(x, size, coefficients), oracle.nameOf(size));
}

function checkGradientNormalize(bench: Workbench, size: Size, turn: number, isWeighted: boolean): void {
  const x = withStrangers(drawn(elementsOf(size), turn, 2, 3));
  const dy = withStrangers(drawn(elementsOf(size), turn + 1).reverse());
  const coefficients = drawn(4 * size.groups * size.channels, turn + 2, 4, 1);
  const weights = isWeighted ? weightsFor(size, turn) : null;
  const options = { at: misalignments(turn), isInPlace: turn % 3 === 0 };
  const actual = gradientNormalize(bench, dy, x, size, coefficients, weights, options);
  const expected = oracle.gradientNormalize(dy, x, size, coefficients, weights);
  expectSame(actual, expected, `${oracle.nameOf(size)}${weights ? `, span ${weights.span}` : ''}`);
}

const CHECKS: Record<string, (bench: Workbench, size: Size, turn: number) => void> = {
  moments: (bench, size, turn) => {
    checkMoments(bench, size, turn, false);
  },
  'moments with weights': (bench, size, turn) => {
    checkMoments(bench, size, turn, true);
  },
  normalize: checkNormalize,
  gradientSums: checkGradientSums,
  gradientNormalize: (bench, size, turn) => {
    checkGradientNormalize(bench, size, turn, false);
  },
  'gradientNormalize with weights': (bench, size, turn) => {
    checkGradientNormalize(bench, size, turn, true);
  },
};

describe.each(VARIANTS)('in %s memory', (variant) => {
  const bench = new Workbench(makeMemory(variant));
  describe.each(Object.entries(CHECKS))('%s', (_, check) => {
    test.each(CHANNELS)('does as the naive loop does, with %i channels', (channels) => {
      sizesOf(channels).forEach((size, i) => {
        // The variants differ in what memory they import, and in nothing else.
        if (variant === 'plain' || i % 5 === 0) check(bench, size, 7 * i + channels);
      });
    });
  });
});

test('every statistic of every size is another, so that none can stand in for another', () => {
  for (const size of sizesOf(7)) {
    const { mean } = oracle.moments(drawn(elementsOf(size), 5, 2, 1), size, null);
    expect(new Set(mean).size).toBe(size.groups * size.channels);
  }
});
