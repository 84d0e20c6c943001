/** @file Models within models train as tf-keras trains them. */
import { expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { readTrainings } from '../golden/index.js';
import { TRAININGS } from './trainings.js';

const golden = readTrainings();

test('every case is trained here', () => {
  expect(Object.keys(TRAININGS)).toEqual(golden.map(({ name }) => name));
});

describeBackends(() => {
  test.each(golden)('trains as Keras does: $name', async ({ name, results }) => {
    const got = await TRAININGS[name]!();
    expect(Object.keys(got)).toEqual(Object.keys(results));
    for (const [what, numbers] of Object.entries(results)) {
      expect(got[what], what).toHaveLength(numbers.length);
      const errors = numbers.map((number, i) => Math.abs(number - got[what]![i]!));
      expect(Math.max(...errors), what).toBeLessThan(2e-5);
    }
    expect(takeWarnings()).toEqual([]);
  });
});
