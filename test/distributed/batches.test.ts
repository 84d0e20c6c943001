/** @file Batches that are unlike on each rank, against the core on all of them together in float64. */
import { type BatchNormalizationOptions, backward, forward, initialState } from 'evenkeel/core';
import { expect, test } from 'vitest';
import { numbers } from '../core/reference.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import type { Batch, Step, train } from './programs/batches.js';
import { onRanks } from './ranks.js';

const CHANNELS = 2;

/** Numbers about a mean, in units of their deviation; every channel its own. */
function draw(rows: readonly number[], mean: number, mask?: (rank: number) => number): Batch[] {
  return rows.map((count, rank) => ({
    shape: [count, 3, CHANNELS],
    x: [...numbers(count * 3 * CHANNELS, 10 + rank)].map((value, i) =>
      Math.fround(1.7 * value + mean * (1 + (i % CHANNELS))),
    ),
    dy: [...numbers(count * 3 * CHANNELS, 20 + rank)].map(Math.fround),
    ...(mask && { mask: new Array<number>(count * 3).fill(mask(rank)) }),
  }));
}

/** What is masked is not even a number, and has no part in the loss. */
const withNaN = (batches: readonly Batch[]) =>
  batches.map((batch) =>
    batch.mask![0] === 0 ? { ...batch, x: batch.x.map(() => NaN), dy: batch.dy.map(() => 0) } : batch,
  );

const MEANS = [0, 100, 300, 1e4, 1e6];
const CASES: Record<string, Step> = {
  ...Object.fromEntries(
    MEANS.map((mean) => [`a mean of ${mean} deviations`, { args: {}, batches: draw([1, 40, 9], mean) }]),
  ),
  'one rank without rows': { args: {}, batches: draw([0, 4, 3], 2) },
  'one rank all masked': { args: {}, batches: draw([4, 2, 3], 2, (rank) => (rank === 1 ? 0 : 0.5 + rank)) },
  'one rank all masked, far from zero': {
    args: {},
    batches: draw([4, 2, 3], 1e4, (rank) => (rank === 1 ? 0 : 1)),
  },
  'one rank all masked, with NaN': {
    args: {},
    batches: withNaN(draw([4, 2, 3], 2, (rank) => (rank === 1 ? 0 : 1))),
  },
  'all ranks all masked': { args: {}, batches: draw([4, 2, 3], 2, () => 0) },
  'another gamma on each rank': {
    args: {},
    batches: draw([4, 2, 3], 2).map((batch, rank) => ({ ...batch, gamma: [1 + rank, 2 - 3 * rank] })),
  },
  'channels that do not vary': {
    args: { epsilon: 1e-12 },
    batches: draw([4, 40, 3], 0).map((batch) => ({ ...batch, x: batch.x.map(() => Math.fround(1000.1)) })),
  },
  'deviations of 1e-3, and renorm': {
    args: { renorm: true, epsilon: 1e-6 },
    batches: draw([4, 2, 3], 1).map((batch) => ({
      ...batch,
      x: batch.x.map((value) => Math.fround(value / 1e3)),
    })),
  },
};

const join = (parts: readonly (readonly number[])[]) => Float64Array.from(parts.flat());

/** The same by the core, for all ranks' batches as one. */
function exact({ args, batches }: Step) {
  const options = { ...args, fused: false } as BatchNormalizationOptions;
  const rows = batches.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const shape = [rows, 3, CHANNELS];
  const mask = batches[0]!.mask && {
    values: join(batches.map((batch) => batch.mask!)),
    shape: shape.slice(0, -1),
    dtype: 'float32' as const,
  };
  const x = { values: join(batches.map((batch) => batch.x)), shape };
  const state = initialState(options, shape);
  // What has another gamma, has it as an adjustment.
  const scale = batches.flatMap(({ gamma = [1, 1], x }) => x.map((_, i) => gamma[i % CHANNELS]!));
  const adjustment = {
    scale: { values: scale, shape },
    bias: { values: [0], shape: [] },
  };
  const step = forward(x, state, options, { training: true, mask: mask ?? null, adjustment });
  const { dx } = backward(join(batches.map((batch) => batch.dy)), step.saved);
  const { movingMean, movingVariance } = step.state;
  return { y: step.y, dx, movingMean, movingVariance };
}

/** 0 for what is not a number in both: the outputs of such inputs. */
const withoutNaN = (values: Float64Array, others: Float64Array) =>
  values.map((value, i) => (Number.isNaN(value) && Number.isNaN(others[i]) ? 0 : value));

test.each([
  { backend: 'cpu', variants: [null] },
  { backend: 'wasm', variants: [null, false] },
] as const)('on $backend with fused: $variants', async ({ backend, variants }) => {
  const cases = variants.flatMap((fused) =>
    Object.entries(CASES).map(([name, { args, batches }]) => ({ name, args: { ...args, fused }, batches })),
  );
  const input = { backend, steps: cases.map(({ args, batches }) => ({ args, batches })) };
  const ranks = await onRanks<typeof train>('batches', 'train', { size: 3, input });
  for (const [i, { name, ...step }] of cases.entries()) {
    const want = exact(step);
    const results = ranks.map((rank) => rank[i]!);
    for (const key of ['movingMean', 'movingVariance'] as const) {
      for (const result of results) {
        expect(result[key], `${name}: ${key} is the same on all ranks`).toEqual(results[0]![key]);
      }
      expect(relativeDistance(results[0]![key], want[key]), `${name}: ${key}`).toBeLessThan(2e-7);
    }
    for (const key of ['y', 'dx'] as const) {
      const got = join(results.map((result) => result[key]));
      const [one, other] = [withoutNaN(got, want[key]), withoutNaN(want[key], got)];
      expect(relativeDistance(one, other), `${name}: ${key}`).toBeLessThan(1e-6);
    }
    expect(
      results.map(({ leaked }) => leaked),
      `${name}: tensors left`,
    ).toEqual([0, 0, 0]);
  }
});
