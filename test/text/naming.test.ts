/** @file Names as Python and as JavaScript write them. */
import { expect, test } from 'vitest';
import { camelCase, snakeCase } from '../../src/text/naming.js';

test.each([
  ['moving_mean', 'movingMean'],
  ['_private__name', 'PrivateName'],
  ['trailing_', 'trailing_'],
  ['a_1_b', 'a1B'],
])('%s is %s', (python, javascript) => {
  expect(camelCase(python)).toBe(javascript);
});

test('movingMean is moving_mean', () => {
  expect(snakeCase('movingMean')).toBe('moving_mean');
});

test('a long row of underscores takes no time', { timeout: 5000 }, () => {
  const row = '_'.repeat(1_000_000);
  expect(camelCase(row)).toBe(row);
});
