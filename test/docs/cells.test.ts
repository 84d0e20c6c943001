/** @file What the cells of the documents compute beside the core: against the core, and against formulas. */
import { renderToString } from 'vue/server-renderer';
import { createSSRApp } from 'vue';
import { forward, initialState } from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { DOCUMENTS, readText } from './blocks.js';
import AdjustmentCell, { adjusted } from '../../docs/.vitepress/theme/cells/adjustment.js';
import AxisCell, { SHAPE, groupsOf } from '../../docs/.vitepress/theme/cells/axis.js';
import { chart } from '../../docs/.vitepress/theme/cells/chart.js';
import EpsilonCell, { deviationAfter } from '../../docs/.vitepress/theme/cells/epsilon.js';
import GammaBetaCell, { histogram, scaledAndShifted } from '../../docs/.vitepress/theme/cells/gamma-beta.js';
import GhostBatchCell, {
  ghostBatches,
  normalizedInGroups,
} from '../../docs/.vitepress/theme/cells/ghost-batch.js';
import LayoutCell from '../../docs/.vitepress/theme/cells/layout.js';
import MomentumCell, { followMean, stepsToForget } from '../../docs/.vitepress/theme/cells/momentum.js';
import { digits } from '../../docs/.vitepress/theme/cells/parts.js';
import RenormCell, {
  correctionOf,
  outputInBatch,
  outputInInference,
} from '../../docs/.vitepress/theme/cells/renorm.js';

test('the moving mean keeps momentum^n of its initial value after n steps', () => {
  const followed = followMean(0.9, new Array<number>(20).fill(10));
  followed.forEach((mean, n) => {
    expect(mean).toBeCloseTo(10 * (1 - 0.9 ** n), 5);
  });
});

test.each([0, 0.5, 0.9, 0.99, 0.999])(
  'momentum %d forgets its initial value in the steps that are told',
  (momentum) => {
    const steps = stepsToForget(momentum);
    expect(momentum ** steps).toBeLessThanOrEqual(0.01);
    expect(momentum ** (steps - 1)).toBeGreaterThan(0.01);
  },
);

test.each([[[-1]], [[1]], [[0]], [[1, 2]], [[0, 2]]])(
  'axis %j: elements of a group, and no others, share a mean',
  (axis) => {
    const groups = groupsOf(axis);
    const x = { values: Float64Array.from(groups), shape: SHAPE };
    const options = { axis, momentum: 0 };
    const { y, state } = forward(x, initialState(options, SHAPE), options, { training: true });
    // Each group holds its own number, so that it lies at its mean.
    expect([...y].every((value) => value === 0)).toBe(true);
    expect([...state.movingMean]).toEqual([...new Set(groups)].toSorted((a, b) => a - b));
  },
);

test('the deviation that comes out is √(variance / (variance + epsilon))', () => {
  for (const deviation of [1e-4, 0.03, 2])
    expect(deviationAfter(deviation, 0.001)).toBeCloseTo(deviation / Math.sqrt(deviation ** 2 + 0.001), 12);
});

test('gamma and beta are the deviation and the mean that come out, and every value is in a bin', () => {
  const output = scaledAndShifted(-1.5, 2);
  const mean = output.reduce((sum, value) => sum + value) / output.length;
  const variance = output.reduce((sum, value) => sum + (value - mean) ** 2, 0) / output.length;
  expect(mean).toBeCloseTo(2, 6);
  expect(Math.sqrt(variance)).toBeCloseTo(1.5, 3);
  expect(histogram(output).reduce((sum, count) => sum + count)).toBe(output.length);
});

describe('renorm', () => {
  const PLAIN = { rmax: 1, rmin: 1, dmax: 0 };
  const OPEN = { rmax: Infinity, rmin: 0, dmax: Infinity };

  test('comes out as in inference where nothing is clipped', () => {
    for (const size of [2, 5, 32]) expect(outputInBatch(size, 3, OPEN)).toBeCloseTo(outputInInference(), 6);
  });

  test('is corrected by the r and d that are counted as clipped', () => {
    const { r, d } = correctionOf(6, 7);
    expect(outputInBatch(6, 7, OPEN)).toBeCloseTo(outputInBatch(6, 7, PLAIN) * r + d, 10);
    const limits = { rmax: 1.01, rmin: 0.99, dmax: 0.02 };
    const clipped = Math.min(1.01, Math.max(0.99, r));
    const shift = Math.min(0.02, Math.max(-0.02, d));
    expect(outputInBatch(6, 7, limits)).toBeCloseTo(outputInBatch(6, 7, PLAIN) * clipped + shift, 10);
  });
});

test.each([2, 3, 4, 6, 12])('ghost batches of %d: each sample is normalized by its own group', (size) => {
  const { y, mean } = normalizedInGroups(size);
  const groups = ghostBatches(size);
  expect(groups.flatMap(({ samples }) => samples).toSorted((a, b) => a - b)).toEqual([...y.keys()]);
  for (const { samples } of groups) {
    expect(samples.reduce((sum, i) => sum + y[i]!, 0)).toBeCloseTo(0, 10);
    expect(samples.reduce((sum, i) => sum + y[i]! ** 2, 0)).toBeCloseTo(size, 10);
  }
  expect(groups.reduce((sum, group) => sum + group.mean, 0) / groups.length).toBeCloseTo(mean, 6);
});

test('an adjustment without jitter changes nothing, and one with jitter stays within it', () => {
  const [plain] = adjusted(0, 0);
  for (const output of adjusted(0.5, 0)) {
    const factor = output[3]! / plain![3]!;
    expect(factor).toBeGreaterThanOrEqual(0.5);
    expect(factor).toBeLessThanOrEqual(1.5);
  }
  for (const output of adjusted(0, 1)) expect(Math.abs(output[0]! - plain![0]!)).toBeLessThanOrEqual(1);
});

test('a chart places values between its ends, and what lies beyond at them', () => {
  const { x, y } = chart(
    { label: '', from: 0.01, to: 100, ticks: [], isLogarithmic: true },
    { label: '', from: -1, to: 1, ticks: [] },
  );
  expect(x(1)).toBe((x(0.01) + x(100)) / 2);
  expect(y(5)).toBe(y(1));
  expect(y(0)).toBe((y(-1) + y(1)) / 2);
  expect(y(1)).toBeLessThan(y(-1));
});

test('numbers are written short', () => {
  expect([0.30000000000000004, -2, 1e-4, 33.333].map((value) => digits(value))).toEqual([
    '0.3',
    '−2',
    '0.0001',
    '33.3',
  ]);
});

test('every cell that a page has is one that the theme knows', () => {
  const theme = readText('docs/.vitepress/theme/index.ts');
  const used = DOCUMENTS.flatMap((path) =>
    [...readText(path).matchAll(/^<(\w+Cell) \/>$/gm)].map(([, name]) => name!),
  );
  expect([...new Set(used)].sort()).toEqual(Object.keys(CELLS));
  for (const name of used) expect(theme).toContain(`  ${name}: defineAsyncComponent(`);
});

const CELLS = {
  AdjustmentCell,
  AxisCell,
  EpsilonCell,
  GammaBetaCell,
  GhostBatchCell,
  LayoutCell,
  MomentumCell,
  RenormCell,
};

test.each(Object.entries(CELLS))(
  '%s is drawn on the server, with labels and a sentence',
  async (_, component) => {
    const html = await renderToString(createSSRApp(component));
    expect(html).toMatch(
      /^<figure class="cell"><figcaption>\S.*<label>.*<svg .*aria-live="polite">\S.*<\/figure>$/s,
    );
    // A choice may be called null.
    expect(html.replace(/<option.*?<\/option>/g, '')).not.toMatch(/NaN|undefined|null|Infinity/);
  },
);
