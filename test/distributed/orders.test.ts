/** @file Ranks that do not do the same get an error, each of them, in the place of wrong numbers. */
import { makeThreadGroup } from 'evenkeel/threads';
import { expect, test } from 'vitest';
import { NAMES, type deviate } from './programs/orders.js';
import { onRanks } from './ranks.js';

/** All ranks bring as many numbers here, so that only tags tell. */
const TOLD_BY_TAGS = ['calls its layers in another order', 'takes gradients in another order'];

test('a rank that goes another way', async () => {
  const groups = Object.fromEntries(NAMES.map((name) => [name, makeThreadGroup(2)]));
  const ranks = await onRanks<typeof deviate>('orders', 'deviate', { size: 2, input: groups });
  for (const name of NAMES) {
    for (const [rank, told] of ranks.entries()) {
      expect(told[name], `rank ${rank} where one ${name}`).toMatch(
        TOLD_BY_TAGS.includes(name)
          ? /^ValueError: Rank \d of 2 was at (moments|gradient sums) of layer 'bn' \(\d numbers, sum \d\), and another/
          : /^(Value)?Error: Rank \d of 2/,
      );
    }
  }
});
