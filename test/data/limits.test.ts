/** @file What a file may cost: the limits follow from its size, and can be raised. */
import { ValueError } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { Budget } from '../../src/data/limits.js';

describe('a budget', () => {
  test('gives what the size of the file lets one expect, and no more', () => {
    const budget = new Budget();
    budget.take('size', 1000, 'model.h5');
    budget.take('memory', 2 ** 26 + 100_000, 'model.h5');
    expect(() => {
      budget.take('memory', 1, 'model.h5');
    }).toThrow(
      new ValueError(
        'model.h5: takes 67208865 bytes of memory, and at most 67208864 are accepted of a file of 1000 bytes. If you ' +
          'trust it, raise the limit: limits: { memory: … }, or --limit memory=… of the command.',
      ),
    );
  });

  test('counts all files together, whose size has a limit of its own', () => {
    const budget = new Budget({ size: 10 });
    budget.take('size', 6, 'a.bin');
    expect(() => {
      budget.take('size', 6, 'b.bin');
    }).toThrow('b.bin: takes 12 bytes, and at most 10 are accepted. If you trust it');
  });

  test('refuses NaN and infinite amounts, which sizes from a file may be', () => {
    for (const amount of [NaN, Infinity]) {
      expect(() => {
        new Budget().take('memory', amount, 'x');
      }).toThrow(ValueError);
    }
  });

  test('is raised by limits that are given', () => {
    const budget = new Budget({ depth: 1000, entries: Infinity });
    budget.checkDepth(1000, 'x');
    budget.take('entries', 1e300, 'x');
    expect(() => {
      budget.checkDepth(1001, 'x');
    }).toThrow('x: takes 1001 levels');
  });

  test('of 0 is one', () => {
    expect(() => {
      new Budget({ entries: 0 }).take('entries', 1, 'x');
    }).toThrow('x: takes 1 entries, and at most 0 are accepted');
  });

  test.each([
    [null, TypeError],
    [5, TypeError],
    [{ depth: '5' }, TypeError],
    [{ depth: -1 }, ValueError],
    [{ depth: NaN }, ValueError],
    [{ deepness: 5 }, ValueError],
  ])('refuses %j as limits', (limits, Refusal) => {
    expect(() => new Budget(limits as never)).toThrow(Refusal);
  });
});
