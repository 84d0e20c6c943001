/** @file Sums over ranks. */
import type { Communicator } from 'evenkeel/distributed';

/** Each rank brings `numbers` times its rank + 1. */
export function sum(communicator: Communicator, numbers: readonly number[]): number[] {
  const values = Float64Array.from(numbers, (number) => number * (communicator.rank + 1));
  communicator.allReduce(values);
  return [...values];
}

/** The last rank fails before the sum that the others wait in. */
export function fail(communicator: Communicator): void {
  if (communicator.rank === communicator.size - 1) throw new RangeError('It fails.');
  communicator.allReduce(new Float64Array(1));
}
