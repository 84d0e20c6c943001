/** @file `fit` on several ranks writes the history of one process, on all of them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { differenceOf } from './comparison.js';
import { FITS, type Fitted, fitAll } from './programs/fits.js';
import { onRanks } from './ranks.js';

let alone: Fitted[];
let ranks: Fitted[][];

beforeAll(async () => {
  [alone, ranks] = await Promise.all([
    fitAll(null),
    onRanks<typeof fitAll>('fits', 'fitAll', { size: 2, input: undefined }),
  ]);
});

describe.each(Object.keys(FITS).map((name, i) => ({ name, i })))('fits $name', ({ i }) => {
  test('all ranks have the same history and weights', () => {
    expect(ranks[1]![i]).toEqual(ranks[0]![i]);
  });

  test('they are those of one process', () => {
    const [actual, expected] = [ranks[0]![i]!, alone[i]!];
    expect(actual.epochs).toEqual(expected.epochs);
    expect(Object.keys(actual.history).sort()).toEqual(Object.keys(expected.history).sort());
    for (const [name, values] of Object.entries(expected.history)) {
      expect(differenceOf(actual.history[name]!, values), name).toBeLessThan(1e-6);
    }
    expect(differenceOf(actual.weights, expected.weights)).toBeLessThan(1e-6);
  });
});

test('what stops a training stopped it', () => {
  const ends = Object.keys(FITS).map((name, i) => [name, ranks[0]![i]!.epochs.length] as const);
  expect(Object.fromEntries(ends.filter(([name]) => name.includes('stop')))).toEqual({
    'with early stopping': 3,
    'stopped by one rank after a batch': 1,
    'stopped by one rank after an epoch': 2,
  });
});
