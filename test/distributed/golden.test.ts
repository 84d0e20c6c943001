/** @file On several ranks a synchronized layer gives what Keras gives for all of their batches together. */
import { expect, test } from 'vitest';
import type { replay } from './programs/golden.js';
import { onRanks } from './ranks.js';

const CASES = 184;

test.each([
  { size: 2, backend: 'cpu', args: {}, half: 1 },
  { size: 2, backend: 'wasm', args: { fused: false }, half: 0 },
  { size: 3, backend: 'wasm', args: {} },
  { size: 4, backend: 'cpu', args: { fused: false }, half: 1 },
] as const)('agrees with Keras on $size ranks on $backend with $args', async ({ size, ...input }) => {
  const results = await onRanks<typeof replay>('golden', 'replay', { size, input });
  const count = 'half' in input ? CASES / 2 : CASES;
  expect(results.map(({ cases }) => cases)).toEqual(new Array(size).fill(count));
  // Few rows are not enough for all ranks, and the last one has what is left.
  expect(results.at(-1)!.withoutRows).toBeGreaterThan(0);
});
