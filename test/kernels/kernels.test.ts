/**
 * @file The four kernels against naive loops in float64: every channel count with its tails, both inner loops, groups,
 * any alignment, weights, slabs, canaries around every buffer, NaN and infinities where they belong and nowhere else.
 */
import { describe, expect, test } from 'vitest';
import { PLAIN, SHARED } from '../../src/backends/kernel-bytes.js';
import {
  type Size,
  VARIANTS,
  Workbench,
  argumentsOf,
  elementsOf,
  makeMemory,
  scratchOf,
  visit,
} from './workbench.js';

/** Distinct numbers about a mean, the same in every run. */
function numbers(length: number, seed: number, mean = 0): Float32Array {
  let state = seed * 2654435761 + 1;
  const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float32Array.from({ length }, () => mean + 2 * (uniform() + uniform() + uniform()) - 3);
}

const statisticsOf = ({ groups, channels }: Size) => groups * channels;

function naiveMoments(x: Float32Array, size: Size, weightOf: (element: number) => number) {
  const [count, mean, m2] = [0, 1, 2].map(() => new Float64Array(statisticsOf(size))) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const each = (use: (value: number, weight: number, k: number) => void) => {
    visit(size, (element, k) => {
      const weight = weightOf(element);
      if (weight !== 0) use(x[element]!, weight, k);
    });
  };
  each((_, weight, k) => (count[k]! += weight));
  each((value, weight, k) => (mean[k]! += (weight * value) / count[k]!));
  each((value, weight, k) => (m2[k]! += weight * (value - mean[k]!) ** 2));
  return { count, mean, m2 };
}

/** The error relative to the largest magnitude, at least 1. */
function error(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [scale, most] = [1, 0];
  for (let i = 0; i < want.length; i++) {
    if (Number.isNaN(want[i]) && Number.isNaN(got[i])) continue;
    if (want[i] === got[i]) continue;
    scale = Math.max(scale, Math.abs(want[i]!));
    const distance = Math.abs(got[i]! - want[i]!);
    if (!(distance <= most)) most = Number.isNaN(distance) ? Infinity : distance;
  }
  return most / scale;
}

/** Rounding of float32 in short sums of numbers about 1. */
const TOLERANCE = 2e-6;

interface Setup {
  size: Size;
  /** Elements per weight; none without. */
  span?: number;
  mean?: number;
  shift?: number;
}

/** Runs all four kernels on one size and compares everything. */
function compare(bench: Workbench, { size, span, mean = 0, shift = 0 }: Setup): void {
  const [n, K] = [elementsOf(size), statisticsOf(size)];
  const [x, dy] = [numbers(n, 1, mean), numbers(n, 2)];
  const weights = span ? numbers(n / span, 3).map((w, i) => (i % 3 === 1 ? 0 : 0.5 + Math.abs(w))) : null;
  const weightOf = (element: number) => (weights ? weights[Math.floor(element / span!)]! : 1);
  if (weights) x.forEach((_, i) => (weightOf(i) === 0 && i % 2 === 0 ? (x[i] = NaN) : 0));
  const sizes = argumentsOf(size);
  const label = JSON.stringify({ ...size, span, mean });
  bench.clear();
  const at = {
    x: bench.input(x, shift % 4),
    dy: bench.input(dy, (shift + 1) % 4),
    weights: weights ? bench.input(weights, (shift + 2) % 4) : 0,
  };

  const state = bench.output(24 * K + scratchOf(size), shift % 4, 0);
  bench.kernels.moments(at.x, at.weights, span ?? 1, ...sizes, state);
  const naive = naiveMoments(x, size, weightOf);
  const [count, means, m2] = [0, 1, 2].map((part) => bench.doubles(state + 8 * K * part, K)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  expect(error(count, naive.count), `count ${label}`).toBeLessThanOrEqual(TOLERANCE);
  const known = (values: Float64Array) => values.filter((_, k) => naive.count[k]! > 0);
  expect(error(known(means), known(naive.mean)), `mean ${label}`).toBeLessThanOrEqual(TOLERANCE);
  expect(error(known(m2), known(naive.m2)), `m2 ${label}`).toBeLessThanOrEqual(TOLERANCE);

  const coefficients = numbers(4 * K, 4);
  const centre = coefficients.subarray(0, K).map((c) => c + mean);
  coefficients.set(centre);
  const three = bench.output(12 * K + scratchOf(size), (shift + 3) % 4);
  const four = bench.output(16 * K + scratchOf(size), (shift + 1) % 4);
  new Float32Array(bench.memory.buffer, three, 3 * K).set(coefficients.subarray(0, 3 * K));
  new Float32Array(bench.memory.buffer, four, 4 * K).set(coefficients);
  const centreAt = bench.input(centre, shift % 4);
  const [yAt, dxAt] = [bench.output(4 * n, (shift + 2) % 4), bench.output(4 * n, shift % 4)];
  const sums = bench.output(16 * K + scratchOf(size), (shift + 2) % 4, 0);
  // Growth on the way moves no address.
  bench.memory.grow(1);
  bench.kernels.normalize(at.x, yAt, ...sizes, three);
  bench.kernels.gradientSums(at.dy, at.x, ...sizes, centreAt, sums);
  bench.kernels.gradientNormalize(at.dy, at.x, dxAt, at.weights, span ?? 1, ...sizes, four);

  const [y, dx] = [new Float64Array(n), new Float64Array(n)];
  const [sumDy, sumDyX] = [new Float64Array(K), new Float64Array(K)];
  visit(size, (i, k) => {
    const distance = x[i]! - centre[k]!;
    const [a, b, c] = [1, 2, 3].map((part) => coefficients[part * K + k]!) as [number, number, number];
    y[i] = a * distance + b;
    sumDy[k]! += dy[i]!;
    sumDyX[k]! += dy[i]! * distance;
    const weight = weightOf(i);
    dx[i] = a * dy[i]! + (weight === 0 ? 0 : weight * (b * distance + c));
  });
  expect(error(bench.floats(yAt, n), y), `y ${label}`).toBeLessThanOrEqual(TOLERANCE);
  expect(error(bench.floats(dxAt, n), dx), `dx ${label}`).toBeLessThanOrEqual(TOLERANCE);
  expect(error(bench.doubles(sums, K), sumDy), `Σdy ${label}`).toBeLessThanOrEqual(TOLERANCE);
  expect(error(bench.doubles(sums + 8 * K, K), sumDyX), `Σdy·x ${label}`).toBeLessThanOrEqual(TOLERANCE);
  bench.check();
}

const CHANNELS = [...Array.from({ length: 17 }, (_, i) => i + 1), 31, 32, 33];

describe.each(VARIANTS)('in %s memory', (variant) => {
  test.each(CHANNELS)('%d channels: any inner, groups, middle, outer and alignment', (channels) => {
    const bench = new Workbench(makeMemory(variant));
    let shift = 0;
    for (const inner of [1, 2, 3, 4, 5, 16, 49]) {
      for (const groups of [1, 2, 3, 4]) {
        for (const [outer, middle] of [
          [1, 1],
          [1, 7],
          [5, 1],
          [3, 4],
        ] as const) {
          const size = { outer, groups, middle, channels, inner };
          compare(bench, { size, shift: shift++ });
        }
      }
    }
  });

  test.each([1, 4, 5, 32])(
    '%d channels with weights: a row, a part of it, or one element each',
    (channels) => {
      const bench = new Workbench(makeMemory(variant));
      for (const groups of [1, 3]) {
        for (const inner of [1, 3, 16]) {
          const size = { outer: 3, groups, middle: 4, channels, inner };
          for (const span of new Set([1, inner === 1 ? channels : inner])) compare(bench, { size, span });
        }
      }
    },
  );

  test('many rows, and a mean far from 0', () => {
    const bench = new Workbench(makeMemory(variant));
    for (const mean of [0, 1e2, 1e4]) {
      compare(bench, { size: { outer: 1, groups: 1, middle: 1500, channels: 33, inner: 1 }, mean });
      compare(bench, { size: { outer: 1, groups: 1, middle: 700, channels: 3, inner: 1 }, mean });
      compare(bench, { size: { outer: 6, groups: 1, middle: 1, channels: 5, inner: 784 }, mean });
    }
  });

  test('slabs add up to the whole', () => {
    const bench = new Workbench(makeMemory(variant));
    const size = { outer: 1, groups: 1, middle: 300, channels: 7, inner: 1 };
    const x = numbers(elementsOf(size), 1, 50);
    const at = bench.input(x, 1);
    const state = bench.output(24 * 7 + scratchOf(size), 0, 0);
    for (const [first, rows] of [
      [0, 10],
      [10, 1],
      [11, 289],
    ] as const) {
      bench.kernels.moments(at + 4 * 7 * first, 0, 1, 1, 1, rows, 7, 1, state);
    }
    const naive = naiveMoments(x, size, () => 1);
    expect(error(bench.doubles(state + 56, 7), naive.mean)).toBeLessThanOrEqual(TOLERANCE / 100);
    expect(error(bench.doubles(state + 112, 7), naive.m2)).toBeLessThanOrEqual(TOLERANCE);
    bench.check();
  });

  test('a constant has a variance of 0, and an outlier that comes first does no harm', () => {
    const bench = new Workbench(makeMemory(variant));
    const size = { outer: 1, groups: 1, middle: 500, channels: 4, inner: 1 };
    const x = numbers(2000, 9).map((value, i) => (i % 4 === 0 ? 1234.5 : i < 64 ? 1e4 + value : value));
    const at = bench.input(x, 0);
    const state = bench.output(96 + scratchOf(size), 0, 0);
    bench.kernels.moments(at, 0, 1, ...argumentsOf(size), state);
    const m2 = bench.doubles(state + 64, 4);
    expect(m2[0]).toBe(0);
    const naive = naiveMoments(x, size, () => 1);
    naive.m2.forEach((value, k) => {
      if (k > 0) expect(Math.abs(m2[k]! / value - 1)).toBeLessThanOrEqual(5e-7);
    });
  });

  test.each([1, 5, 20])('NaN and infinity stay in their channel, inner %d', (inner) => {
    const bench = new Workbench(makeMemory(variant));
    const size = { outer: 3, groups: 1, middle: 1, channels: 6, inner };
    const x = numbers(elementsOf(size), 1);
    x[2 * inner] = NaN;
    x[4 * inner] = Infinity;
    const at = bench.input(x, 0);
    const state = bench.output(24 * 6 + scratchOf(size), 0, 0);
    bench.kernels.moments(at, 0, 1, ...argumentsOf(size), state);
    const finite = Array.from(bench.doubles(state + 96, 6), Number.isFinite);
    expect(finite).toEqual([true, true, false, true, false, true]);
  });
});

test('works beyond 2 GiB', () => {
  const memory = makeMemory('plain', 32_800);
  const bench = new Workbench(memory, 2 ** 31 + 16);
  compare(bench, { size: { outer: 2, groups: 2, middle: 3, channels: 9, inner: 1 }, shift: 1 });
  compare(bench, { size: { outer: 2, groups: 1, middle: 1, channels: 9, inner: 21 }, shift: 2 });
});

test.each(Object.entries({ PLAIN, SHARED }))(
  'the %s module has no data that would overwrite a memory',
  (_, text) => {
    const bytes = Buffer.from(text, 'base64');
    const sections: number[] = [];
    for (let at = 8; at < bytes.length;) {
      sections.push(bytes[at++]!);
      let [length, shift] = [0, 0];
      for (;;) {
        const byte = bytes[at++]!;
        length |= (byte & 127) << shift;
        shift += 7;
        if (byte < 128) break;
      }
      at += length;
    }
    const [START, DATA] = [8, 11];
    expect(sections).not.toContain(DATA);
    expect(sections).not.toContain(START);
    expect(sections.length).toBeGreaterThan(3);
  },
);
