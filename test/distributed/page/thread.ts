/** @file A thread of the page. */
import { trainAsThread } from 'evenkeel/threads';

export interface Input {
  readonly what: 'sum' | 'throw' | 'reject';
}
export type Result = number[];

// As a file that loads a backend before it trains: what is sent meanwhile must not be lost.
await new Promise((resolve) => setTimeout(resolve, 50));

await trainAsThread<Result, Input>(async (communicator, { data, report }) => {
  const { rank } = communicator;
  if (rank === 1 && data.what === 'throw') throw new RangeError('It fails.');
  if (rank === 1 && data.what === 'reject') {
    void Promise.reject(new Error('Nobody listens.'));
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  const values = Float64Array.of(rank + 1, 10 * (rank + 1));
  communicator.allReduce(values);
  report(`rank ${rank} is done`);
  return [...values];
});
