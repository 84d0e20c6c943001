/**
 * @file Second derivatives through synchronized layers, against differences of the first derivatives that the core
 * computes of the whole batch in float64.
 */
import { expect, test } from 'vitest';
import { CALLS, type Call, TOLERANCE, isPerSample, setUp } from '../gradients/second.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import type { derivatives } from './programs/second.js';
import { onRanks } from './ranks.js';

const IN_TRAINING = CALLS.filter(([, { training = true, options = {}, shape }]) => {
  const axes = [options.axis ?? -1].flat();
  return (
    training && options.virtualBatchSize == null && !axes.some((axis) => axis === 0 || axis === -shape.length)
  );
});

/** A rank without rows has no adjustment to differentiate. */
const WITHOUT_ADJUSTMENT = IN_TRAINING.filter(([, { adjustment }]) => !adjustment);

/** The source's numbers of all ranks: rows one after another, or the sum. */
function join(parts: readonly (readonly number[])[], areRows: boolean): number[] {
  if (areRows) return parts.flat();
  return parts[0]!.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
}

const formOf = (name: string, { shape, adjustment }: Call): readonly number[] =>
  name === 'x' ? shape : name === 'scale' || name === 'bias' ? adjustment![name === 'scale' ? 0 : 1] : [];

test.each([
  { backend: 'cpu', cases: WITHOUT_ADJUSTMENT, startsFor: (batch: number) => [0, 1, 1, batch] },
  { backend: 'wasm', cases: IN_TRAINING, startsFor: (batch: number) => [0, 1, batch] },
] as const)('on $backend', async ({ backend, cases, startsFor }) => {
  const calls = cases.map(([, call]) => call);
  const starts = calls.map(({ shape }) => startsFor(shape[0]!));
  const input = { backend, calls, starts };
  const ranks = await onRanks<typeof derivatives>('second', 'derivatives', {
    size: starts[0]!.length - 1,
    input,
  });
  expect(cases.length).toBeGreaterThan(10);
  for (const [c, [name, call]] of cases.entries()) {
    for (const [source, want] of Object.entries(setUp(call).exact())) {
      for (const by of ['kernels', 'operations'] as const) {
        const parts = ranks.map((results) => results[c]![by][source]!);
        const got = join(parts, isPerSample(formOf(source, call), call.shape));
        expect(relativeDistance(got, want), `${name}, of ${source}, by ${by}`).toBeLessThan(TOLERANCE);
      }
    }
  }
});
