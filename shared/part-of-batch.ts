/** @file A rank's part of a batch, where several ranks train. */
import type { Communicator } from 'evenkeel/distributed';

/** Samples from `start` to `end`, whose mean loss weighs `weight` in the mean of all ranks' gradients. */
export interface PartOfBatch {
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}

/** @param communicator null where one thread has the whole batch */
export function partOfBatch(count: number, communicator: Communicator | null): PartOfBatch {
  const { rank, size } = communicator ?? { rank: 0, size: 1 };
  const start = Math.floor((count * rank) / size);
  const end = Math.floor((count * (rank + 1)) / size);
  return { start, end, weight: ((end - start) * size) / count };
}
