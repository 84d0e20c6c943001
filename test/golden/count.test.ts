/** @file None of the golden cases may vanish unnoticed: a lost case fails no test of its own. */
import { expect, test } from 'vitest';
import {
  LAYER_GROUPS,
  readAttempts,
  readCases,
  readHdf5Files,
  readRuns,
  readTrainings,
  readWeights,
} from './index.js';

const COUNTS = {
  adjustment: 17,
  axis: 45,
  fused: 24,
  initial: 15,
  mask: 12,
  mixed: 40,
  options: 33,
  renorm: 28,
  virtual_batch_size: 25,
  float64: 13,
  errors: 30,
  accepted: 5,
  runs: 29,
  training: 37,
  weights: 10,
  hdf5: 27,
};

test('every golden case is there', () => {
  const cases: Record<string, { name: string }[]> = {
    ...Object.fromEntries([...LAYER_GROUPS, 'float64' as const].map((group) => [group, readCases(group)])),
    errors: readAttempts('errors'),
    accepted: readAttempts('accepted'),
    runs: readRuns(),
    training: readTrainings(),
    weights: readWeights(),
    hdf5: readHdf5Files(),
  };
  // Distinct names: a case that stands twice hides one that is lost.
  const counts = Object.fromEntries(
    Object.entries(cases).map(([group, list]) => [group, new Set(list.map(({ name }) => name)).size]),
  );
  expect(counts).toEqual(COUNTS);
});
