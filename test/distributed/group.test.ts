/** @file What a group tells ranks apart by that are in different steps. */
import { expect, test } from 'vitest';
import type { Communicator } from '../../src/group/communicator.js';
import { Group, makeMessage } from '../../src/group/group.js';

/** A rank of three, of which the others bring tags that differ from its own. */
function besideOthers(...differences: readonly [number, number]): Communicator {
  return {
    rank: 0,
    size: 3,
    allReduce(values) {
      const tagAt = values.length - 2;
      const tags = [0, ...differences].map((difference) => values[tagAt]! + difference);
      values[tagAt] = tags.reduce((sum, tag) => sum + tag, 0);
      values[tagAt + 1] = tags.reduce((sum, tag) => sum + tag * tag, 0);
    },
  };
}

test('ranks whose tags differ are told, though the differences sum to 0', () => {
  const sumBeside = (...differences: readonly [number, number]) =>
    Group.of(besideOthers(...differences)).sum('moments', makeMessage(4));
  expect(sumBeside(0, 0)).toEqual(new Float64Array(4));
  expect(() => sumBeside(7, -7)).toThrow(
    'Rank 0 of 3 was at moments (4 numbers, sum 1), and another rank was',
  );
  expect(() => sumBeside(0, 1)).toThrow('another rank was somewhere else');
});
