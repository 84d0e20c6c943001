/** @file Names of which no two are the same. */
import { expect, test } from 'vitest';
import { UniqueNames } from '../../src/text/unique-names.js';

test('a name that is taken gets a number', () => {
  const names = new UniqueNames(['a', 'a_2']);
  expect(['b', 'a', 'b', 'a', 'a_1', 'a'].map((name) => names.take(name))).toEqual([
    ...['b', 'a_1', 'b_1', 'a_3', 'a_1_1', 'a_4'],
  ]);
});

test('many names that are the same take time by their number', () => {
  const names = new UniqueNames([]);
  const given = Array.from({ length: 200_000 }, () => names.take('a'));
  expect(new Set(given).size).toBe(given.length);
}, 20_000);
